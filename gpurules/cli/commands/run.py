"""``gpurules run``."""

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from gpurules.cli.inputs.rulesets import load_ruleset, nothing_to_do
from gpurules.cli.inputs.telemetry import open_telemetry
from gpurules.cli.options import agent_outputs, option, source_options, stdin_filename, text_or_json
from gpurules.cli.process.crash import installed_version
from gpurules.cli.run.agent import AgentSettings, run_agent
from gpurules.cli.run.playback import Decided, Event, Playback, is_touched
from gpurules.cli.run.suggestions import suggestion_wish
from gpurules.cli.run.timeline import LEGEND, Timeline, event_json, summary, summary_json
from gpurules.cli.terminal.output import Style, note, paint, pluralize, write, write_lines
from gpurules.cli.terminal.progress import report_unread, with_progress
from gpurules.diagnostics.excerpt import visible
from gpurules.engine import CoordinatorOptions
from gpurules.engine.effects.events import feed_source
from gpurules.rules.ruleset import Ruleset
from gpurules.telemetry import FiniteSource, read_transfers


@click.command("run")
@click.argument("ruleset")
@stdin_filename
@source_options
@option(
    "--transfers",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Transfers to decide on, one JSON object per line, each when the recording reaches its `created`.",
)
@option("--once", is_flag=True, help="Poll once and exit; exit code 2 if there is no telemetry.")
@option("--dry-run", is_flag=True, help="Call no effects, such as webhooks; report which would be called.")
@option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the state of signals in this file, so that timers continue after a restart.",
)
@option("--metrics-port", metavar="PORT", type=click.IntRange(1, 65535),
        help="Serve Prometheus metrics on http://127.0.0.1:PORT/metrics.")  # fmt: skip
@agent_outputs
@text_or_json
@option("-v", "--verbose", is_flag=True, help="Also show transfers that no rule affects.")
def command(
    ruleset: str, source: str, transfers: Path | None, once: bool, dry_run: bool, state: Path | None,
    metrics_port: int | None, clients: tuple[str, ...], publish: Path | None, history: str | None,
    suggest: str | None, goals: tuple[str, ...], keeps: tuple[str, ...], allow_exec: frozenset[str],
    format_: str, verbose: bool, history_days: int | None, **options: object,
) -> int:  # fmt: skip
    """Run RULESET (a file or gpurules:NAME) over telemetry: a timeline of its decisions, with reasons.

    On live telemetry of this node it polls until interrupted: SIGHUP reloads the ruleset, SIGTERM shuts down cleanly.
    On a recording it decides on transfers as fast as possible, and calls no effects unless --once or --state is given.
    """
    if clients and (once or dry_run):
        raise click.UsageError("--client requires a running agent; remove --once and --dry-run")
    wish = suggestion_wish(ruleset, suggest, goals, keeps)
    loaded = load_ruleset(ruleset)
    for line in nothing_to_do(loaded):
        note(line)
    opened, interval = open_telemetry(source, options)
    try:
        if once or state or publish or not isinstance(opened, FiniteSource):
            if transfers:
                raise click.UsageError(f"--transfers requires a recording, not {source}")
            if format_ == "text":
                write_lines([_header(loaded, source)])
            given = CoordinatorOptions(poll_interval=interval, state_path=state, dry_run=dry_run)
            given = replace(given, allowed_programs=allow_exec)
            settings = AgentSettings(format_ == "json", once, given, metrics_port, clients, publish=publish)
            recorded = replace(settings, history=history, history_days=history_days, suggestions=wish)
            return run_agent(loaded, opened, recorded)
        _refuse_agent_options(source)
        _play(loaded, opened, transfers, (source, format_, verbose))
    finally:
        opened.close()
    return 0


def _refuse_agent_options(source: str) -> None:
    """Reject options that only a running agent supports; values from the environment are ignored here.

    Raises:
        click.UsageError: such an option is given.
    """
    given = click.get_current_context().get_parameter_source
    for name, reason in (
        ("clients", f"--client requires live telemetry of this node, and {source} is played through"),
        ("history", f"--history records live telemetry; {source} is read by gpurules history import"),
        ("suggest", f"--suggest requires a running agent, and {source} is played through"),
        ("metrics_port", f"--metrics-port requires a running agent, and {source} is played through"),
    ):
        if given(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(reason)


def _play(loaded: Ruleset, opened: FiniteSource, transfers: Path | None, how: tuple[str, str, bool]) -> None:
    """Replay a recording; *how* is the name of its source, the format, and whether all transfers are shown."""
    source, format_, verbose = how
    listed = read_transfers(transfers, loaded.fields) if transfers else ()
    playback = Playback(loaded, listed)
    feed_source(opened, loaded)
    began = time.perf_counter()
    if format_ == "text":
        write_lines([_header(loaded, source), paint(LEGEND, Style.FAINT)])
    is_complete = _show(playback, _watched(opened), Timeline(loaded, sys.stdout.isatty()), (format_, verbose))
    if is_complete:
        seconds = time.perf_counter() - began
        write(summary_json(playback.tally) if format_ == "json" else f"{summary(playback.tally, seconds)}\n")
    for reader in (opened, listed, playback):
        report_unread(reader)


def _header(ruleset: Ruleset, source: str) -> str:
    counts = f"{pluralize(len(ruleset.rules), 'rule')}, {pluralize(len(ruleset.signals), 'signal')}"
    of = f"ruleset {ruleset.name} {ruleset.version[:6]}"
    text = f"gpurules {installed_version()} · {of} · {counts} · {source} · {ruleset.settings.timezone}"
    return paint(visible(text), Style.FAINT)


def _watched(opened: FiniteSource) -> Iterable[object]:
    """Return the snapshots of a recording, with a progress bar on stderr unless stdout is the same terminal."""
    return opened if sys.stdout.isatty() else with_progress(opened, "snapshots")


def _show(playback: Playback, snapshots: Iterable[object], timeline: Timeline, how: tuple[str, bool]) -> bool:
    """Write every event; return False once the reader of stdout has closed it."""
    format_, verbose = how
    for event in playback.play(snapshots):  # type: ignore[arg-type]
        if format_ == "json":
            is_read = write(event_json(event))
        elif verbose or not _is_quiet(event):
            is_read = write_lines(timeline.lines(event, playback.snapshot))
        else:
            continue
        if not is_read:
            return False
    return True


def _is_quiet(event: Event) -> bool:
    return isinstance(event, Decided) and not is_touched(event.decision)
