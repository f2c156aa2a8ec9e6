"""``gpurules sources``."""

from collections.abc import Iterator
from textwrap import wrap

import click

from gpurules.cli.options import option, text_or_json
from gpurules.cli.output import report_json, table, terminal_width, write
from gpurules.telemetry.survey import SourceFinding, survey

_BEFORE = 26
"""How many columns stand before the reason."""
_STATES = {True: "yes", False: "no", None: ""}


@click.command("sources")
@option("--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
        help="Timeout for each source.")  # fmt: skip
@text_or_json
def command(timeout: float, format_: str) -> int:
    """List the telemetry sources, and whether each works on this machine or why not."""
    findings = survey(timeout)
    if format_ == "json":
        write(report_json({"sources": [_data(finding) for finding in findings]}))
    else:
        lines = [line for finding in findings for line in _lines(finding)]
        write(table(("source", "works here", "what was found, or what it is"), lines))
    return 0


def _lines(finding: SourceFinding) -> Iterator[tuple[str, str, str]]:
    """Walk through the lines of a finding; a long reason takes several."""
    width = terminal_width() - _BEFORE
    first, *more = wrap(finding.detail or finding.summary, max(width, 20)) or [""]
    yield finding.name, _STATES[finding.is_usable], first
    for line in more:
        yield "", "", line


def _data(finding: SourceFinding) -> dict[str, object]:
    return {
        "name": finding.name,
        "summary": finding.summary,
        "usable": finding.is_usable,
        "detail": finding.detail,
        "gpus": finding.gpu_count,
    }
