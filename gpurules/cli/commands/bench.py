"""``gpurules bench``."""

import click

from gpurules.cli.options import option, text_or_json
from gpurules.cli.output import report_json, write
from gpurules.cli.rulesets import load_ruleset


@click.command("bench")
@click.argument("ruleset", default="gpurules:default")
@option(
    "--gpus", metavar="N", type=click.IntRange(0, 1024), default=8, show_default=True, help="GPUs of the snapshots."
)
@option(
    "--seconds", type=click.FloatRange(0.01, 600), default=3.0, show_default=True, help="About how long to measure."
)
@text_or_json
def command(ruleset: str, gpus: int, seconds: float, format_: str) -> int:
    """Measure what decisions of RULESET (a file, gpurules:NAME, or - for stdin) cost on this machine.

    Decisions on snapshots and transfers that are new, seen before, and many at once, taking in a snapshot, and memory;
    next to four rules written by hand in Python. Times are of the processor, and all ways take turns.
    """
    from gpurules.cli.bench import bench_text, measure_ruleset  # the engine, after the ruleset was found to be right

    found = measure_ruleset(load_ruleset(ruleset), gpus, seconds)
    write(report_json(found.to_dict()) if format_ == "json" else bench_text(found))
    return 0
