"""``gpurules rule``."""

import click

from gpurules.cli.options import reference_format
from gpurules.cli.reference.pages import code_data, code_page, codes_page
from gpurules.cli.terminal.output import page, report_json, table, write
from gpurules.diagnostics import CATALOGUE, Code
from gpurules.registry import did_you_mean


@click.command("rule")
@click.argument("code", required=False)
@reference_format
def command(code: str | None, format_: str) -> int:
    """Explain the diagnostic CODE (such as GPR104 or unit-mismatch), or list all codes."""
    codes = list(CATALOGUE.values()) if code is None else [_named(code)]
    if format_ == "json":
        write(report_json({"codes": [code_data(entry) for entry in codes]}))
    elif code is not None:
        page(code_page(codes[0]))
    elif format_ == "markdown":
        page(codes_page())
    else:
        rows = ((entry.code, entry.name, entry.severity.value, entry.summary) for entry in codes)
        write(table(("code", "name", "severity", "what it says"), rows))
    return 0


def _named(text: str) -> Code:
    by_name = {entry.name: entry for entry in CATALOGUE.values()}
    found = CATALOGUE.get(text.upper()) or by_name.get(text.lower())
    if found is None:
        hint = did_you_mean(text, (*CATALOGUE, *by_name)) or "gpurules rule lists all"
        raise click.UsageError(f"no diagnostic has the code {text!r}; {hint}")
    return found
