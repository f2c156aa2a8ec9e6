"""``gpurules schema``."""

from collections.abc import Callable
from pathlib import Path

import click

from gpurules.actions import default_actions
from gpurules.cli.configuration_schema import configuration_schema
from gpurules.cli.options import option, output_file
from gpurules.cli.output import save, to_json
from gpurules.rules.schema import Schema, ruleset_schema
from gpurules.ruletest.schema import structure

SCHEMAS: dict[str, Callable[[], Schema]] = {
    "ruleset": lambda: ruleset_schema(default_actions()),
    "test": structure,
    "config": configuration_schema,
}


@click.command("schema")
@option("--kind", type=click.Choice(list(SCHEMAS)), default="ruleset", show_default=True, help="Of which files.")
@output_file
def command(kind: str, output_file: Path | None) -> int:
    """Print the JSON Schema (draft 7) of our files, for editors; it knows the actions of installed plug-ins."""
    save(to_json(SCHEMAS[kind]()), output_file)
    return 0
