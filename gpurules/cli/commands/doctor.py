"""``gpurules doctor``."""

import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

import click

from gpurules.cli import diagnosis
from gpurules.cli.diagnosis import CheckStatus, DoctorCheck
from gpurules.cli.inputs.rulesets import check_there
from gpurules.cli.inputs.telemetry import open_telemetry
from gpurules.cli.options import SourceParameter, joined_sources, option, text_or_json
from gpurules.cli.process.crash import installed_version
from gpurules.cli.terminal.output import Style, paint, pluralize, report_json, terminal_width, write
from gpurules.diagnostics.excerpt import visible
from gpurules.errors import GpurulesError
from gpurules.rules import Ruleset, RulesetError, load
from gpurules.telemetry import FiniteSource
from gpurules.telemetry.survey import survey

_BEFORE = 21
"""How many columns stand before the details."""
_MARKS = {CheckStatus.GOOD: "✓", CheckStatus.NOTE: "·", CheckStatus.WARN: "!", CheckStatus.BROKEN: "✗"}
_STYLES = {
    CheckStatus.GOOD: Style.GOOD,
    CheckStatus.NOTE: Style.FAINT,
    CheckStatus.WARN: Style.WARN,
    CheckStatus.BROKEN: Style.BAD,
}


@click.command("doctor")
@click.argument("ruleset", required=False)
@option("--source", metavar="NAME:ARGUMENT", multiple=True, type=SourceParameter(), callback=joined_sources,
        default=("auto",), show_default="auto", help="Telemetry source; more feed declared fields.")  # fmt: skip
@option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="State file of the agent.",
)
@option("--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
        help="Timeout for each source.")  # fmt: skip
@text_or_json
def command(ruleset: str | None, source: str, state: Path | None, timeout: float, format_: str) -> int:
    """Check what works on this machine, and whether RULESET (a file or gpurules:NAME) can work on it.

    The exit code is 1 if something is broken.
    """
    if ruleset is not None:
        check_there(ruleset)
    checks: list[DoctorCheck] = []
    for check in _checks(ruleset, source, state, timeout):
        checks.append(check)
        if format_ == "text":
            write(_drawn(check))
    broken = sum(check.state is CheckStatus.BROKEN for check in checks)
    warned = sum(check.state is CheckStatus.WARN for check in checks)
    if format_ == "json":
        write(report_json({"broken": broken, "warnings": warned, "checks": [check.to_dict() for check in checks]}))
    else:
        verdict = f"{broken} broken" if broken else "nothing is broken"
        also = f", {pluralize(warned, 'warning')}" if warned else ""
        write(f"\n{verdict}{also}\n")
    return 1 if broken else 0


def _checks(path: str | None, source: str, state: Path | None, timeout: float) -> Iterator[DoctorCheck]:
    yield DoctorCheck("gpurules", CheckStatus.GOOD, f"{installed_version()}, Python {platform.python_version()}")
    ruleset, found = _loaded(path)
    yield from found
    yield from diagnosis.of_devices()
    if source == "auto":
        yield from _sources(timeout)
    snapshot, is_live = None, False
    try:
        opened, _ = open_telemetry(source, {})
    except GpurulesError as error:
        yield DoctorCheck("telemetry", CheckStatus.BROKEN, str(error))
    else:
        is_live = not isinstance(opened, FiniteSource)
        snapshot, summary = diagnosis.of_telemetry(opened, ruleset, 1.0 if is_live else 0.0, max(timeout, 30.0))
        yield from (replace(c, detail=c.detail.partition(";")[0]) if source == "auto" else c for c in summary)
    yield from diagnosis.of_clock(snapshot if is_live else None)
    if state is not None:
        yield from diagnosis.of_state(state)
    yield from diagnosis.of_clients()
    yield from diagnosis.of_plugins()
    if ruleset is not None:
        yield from diagnosis.of_zone(ruleset)
        yield from diagnosis.of_actions(ruleset)
        if snapshot is not None:
            yield from diagnosis.of_fields(ruleset, snapshot, opened)


def _loaded(path: str | None) -> tuple[Ruleset | None, list[DoctorCheck]]:
    if path is None:
        return None, []
    try:
        ruleset = load(path)
    except RulesetError as error:
        count = pluralize(len(error.diagnostics), "error")
        return None, [DoctorCheck("ruleset", CheckStatus.BROKEN, f"{path} has {count}", f"gpurules lint {path}")]
    summary = f"{ruleset.name} {ruleset.version[:6]}, {pluralize(len(ruleset.rules), 'rule')}"
    if ruleset.diagnostics:
        warned = f"{summary}, {pluralize(len(ruleset.diagnostics), 'warning')}"
        return ruleset, [DoctorCheck("ruleset", CheckStatus.WARN, warned, f"gpurules lint {path}")]
    return ruleset, [DoctorCheck("ruleset", CheckStatus.GOOD, summary)]


def _sources(timeout: float) -> Iterator[DoctorCheck]:
    """Report whether each live source works here; one is enough."""
    for finding in survey(timeout):
        if finding.is_usable is not None and finding.name != "auto":
            state = CheckStatus.GOOD if finding.is_usable else CheckStatus.NOTE
            yield DoctorCheck(f"source {finding.name}", state, finding.detail)


def _drawn(check: DoctorCheck) -> str:
    mark, room = paint(_MARKS[check.state], _STYLES[check.state]), max(30, terminal_width() - _BEFORE)
    first, *more = wrap(visible(check.detail), room) or [""]
    remedy = wrap(visible(check.remedy), room - 2)
    more += [f"{'  ' if n else '→ '}{line}" for n, line in enumerate(remedy)]
    return "\n".join([f"{mark} {check.name:<{_BEFORE - 3}} {first}", *(" " * _BEFORE + line for line in more)]) + "\n"
