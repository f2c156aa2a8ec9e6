"""``gpurules fields``."""

import click

from gpurules.cli.options import reference_format
from gpurules.cli.reference.pages import field_data, fields_page
from gpurules.cli.terminal.output import page, report_json, table, write
from gpurules.fields import FIELDS, Field
from gpurules.registry import did_you_mean


@click.command("fields")
@click.argument("name", required=False)
@reference_format
def command(name: str | None, format_: str) -> int:
    """List the fields that conditions can read, or show the field NAME."""
    fields = _named(name)
    if format_ == "json":
        write(report_json({"fields": [field_data(field) for field in fields]}))
    elif format_ == "markdown":
        page(fields_page(fields))
    elif name is not None:
        write("".join(f"{key:<12} {_shown(value)}\n" for key, value in field_data(fields[0]).items()))
    else:
        write(table(("field", "scope", "type", "what it is"), (_row(field) for field in fields)))
    return 0


def _row(field: Field) -> tuple[str, str, str, str]:
    return field.name, field.scope.value, str(field.datatype), field.description


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _named(name: str | None) -> list[Field]:
    if name is None:
        return list(FIELDS.values())
    if name not in FIELDS:
        hint = did_you_mean(name, FIELDS) or "gpurules fields lists all fields"
        raise click.UsageError(f"no field is named {name!r}; {hint}")
    return [FIELDS[name]]
