"""``gpurules schema``."""

from collections.abc import Callable
from pathlib import Path

import click

from gpurules.cli.options import option, output_file
from gpurules.cli.terminal.output import save, to_json
from gpurules.rules.schema import Schema


def _of_rulesets() -> Schema:
    from gpurules.actions import default_actions  # each schema imports only what it is made from
    from gpurules.rules.schema import ruleset_schema

    return ruleset_schema(default_actions())


def _of_tests() -> Schema:
    from gpurules.ruletest.reading.schema import structure

    return structure()


def _of_configurations() -> Schema:
    from gpurules.cli.project.configuration_schema import configuration_schema

    return configuration_schema()


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "ruleset": _of_rulesets,
    "test": _of_tests,
    "config": _of_configurations,
}


@click.command("schema")
@option("--kind", type=click.Choice(list(SCHEMAS)), default="ruleset", show_default=True, help="Kind of files.")
@output_file
def command(kind: str, output_file: Path | None) -> int:
    """Print the JSON Schema (draft 7) of gpurules files, for editors, including the actions of installed plug-ins."""
    save(to_json(SCHEMAS[kind]()), output_file)
    return 0
