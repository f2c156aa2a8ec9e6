"""``gpurules sources``."""

from collections.abc import Iterator
from textwrap import wrap

import click

from gpurules.cli.inputs.feeding import fed_fields
from gpurules.cli.inputs.rulesets import load_ruleset
from gpurules.cli.options import SourceParameter, joined_sources, option, text_or_json
from gpurules.cli.terminal.output import report_json, table, terminal_width, write
from gpurules.telemetry import open_source
from gpurules.telemetry.survey import SourceFinding, survey

_BEFORE = 26
"""How many columns stand before the reason."""
_STATES = {True: "yes", False: "no", None: ""}


@click.command("sources")
@option("--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True,
        help="Timeout for each source.")  # fmt: skip
@option("--ruleset", metavar="FILE", help="Show instead the fields that this ruleset feeds from metrics, and why "
        "some are missing.")  # fmt: skip
@option("--source", metavar="NAME:ARGUMENT", multiple=True, type=SourceParameter(), callback=joined_sources,
        help="Telemetry sources for --ruleset.")  # fmt: skip
@text_or_json
def command(timeout: float, ruleset: str | None, source: str | None, format_: str) -> int:
    """List the telemetry sources and whether each works on this machine, or why not."""
    if ruleset is not None:
        return _show_feeds(ruleset, source or "auto", format_)
    findings = survey(timeout)
    if format_ == "json":
        write(report_json({"sources": [_data(finding) for finding in findings]}))
    else:
        lines = [line for finding in findings for line in _lines(finding)]
        write(table(("source", "works here", "what was found, or what it is"), lines))
    return 0


def _show_feeds(ruleset: str, source: str, format_: str) -> int:
    """Show the value of each fed field; return 1 if one is missing."""
    loaded = load_ruleset(ruleset)
    opened = open_source(source)
    try:
        found = fed_fields(loaded, opened)
    finally:
        opened.close()
    if format_ == "json":
        write(report_json({"fields": found}))
    elif found:
        rows = [(str(f["field"]), str(f["of"]), str(f["metric"]), str(f.get("shown") or f["reason"])) for f in found]
        write(table(("field", "of", "metric", "value, or why it is missing"), rows))
    else:
        write(f"no rule of {loaded.name} reads a field with `from`\n")
    return int(any(f["value"] is None for f in found))


def _lines(finding: SourceFinding) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of a finding; a long reason takes several."""
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
