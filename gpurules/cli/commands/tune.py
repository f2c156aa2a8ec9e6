"""``gpurules tune``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from gpurules.cli.extras import need_history
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import given_options, option, output_file, output_format, recording_options
from gpurules.cli.terminal.output import report_json, save, say
from gpurules.cli.terminal.progress import with_progress


@click.command("tune")
@click.argument("ruleset")
@option("--history", "places", metavar="PATH", multiple=True, required=True,
        help="Recorded telemetry: a store of record -o DIR/, a recording, or a folder; repeatable.")  # fmt: skip
@option("--goal", "goals", metavar="LIMIT", multiple=True,
        help="Goal, as in 'memory_pressure.flaps_per_hour <= 0.5'; repeatable.")  # fmt: skip
@option("--keep", "keeps", metavar="LIMIT", multiple=True,
        help="Events that the signal must precede, as in 'missed(gpu_throttled) == 0'; repeatable.")  # fmt: skip
@option("--lead", metavar="SECONDS", type=click.FloatRange(0), default=60.0, show_default=True,
        help="Minimum time by which it must precede them.")  # fmt: skip
@option("--vary", "names", metavar="NAME", multiple=True,
        help="Vary this input, or SIGNAL.for, .keep_for, .until, .condition; default: all that matter.")  # fmt: skip
@option("--candidates", metavar="N", type=click.IntRange(2, 100_000), default=200, show_default=True,
        help="Number of candidates to try.")  # fmt: skip
@option("--apply", "is_applied", is_flag=True, help="Apply the change to the file instead of only showing it.")
@recording_options
@output_format("text", "json")
@output_file
def command(
    ruleset: str, places: tuple[str, ...], goals: tuple[str, ...], keeps: tuple[str, ...], lead: float,
    names: tuple[str, ...], candidates: int, is_applied: bool, format_: str, output_file: Path | None,
    **recorded: Any,
) -> int:  # fmt: skip
    """Propose thresholds and times of signals that would have met stated goals, as a patch.

    One day in four is held out from the search, and a proposal must meet the goals there too. If the recording supports
    no proposal, none is made, and the exit code is 1.
    """
    need_history()
    from gpurules.cli.history.tuning import TuningWish, tune

    if not goals and not keeps:
        raise click.UsageError("name a goal: --goal 'SIGNAL.on_share <= 5%', or --keep 'missed(EVENT) == 0'")

    def watch(days: Iterable[Any], total: int | None) -> Iterable[Any]:
        return with_progress(days, "days", total)

    wish = TuningWish(ruleset, load_ruleset(ruleset), places, goals, keeps)
    wish.lead, wish.names, wish.candidates, wish.options = lead, names, candidates, given_options(recorded)
    done = tune(wish, watch)
    for finding in done.findings.texts[:10]:
        say(f"gpurules: {finding}")
    if is_applied and done.patched is not None:
        say(f"gpurules: {done.apply()}")
    save(report_json(done.to_dict()) if format_ == "json" else done.text(), output_file)
    return int(done.found.proposal is None)
