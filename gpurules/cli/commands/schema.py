"""``gpurules schema``."""

from pathlib import Path

import click

from gpurules.actions import default_actions
from gpurules.cli.options import output_file
from gpurules.cli.output import save, to_json
from gpurules.rules.schema import ruleset_schema


@click.command("schema")
@output_file
def command(output_file: Path | None) -> int:
    """Print the JSON Schema of ruleset files, for editors; it knows the actions of installed plug-ins."""
    save(to_json(ruleset_schema(default_actions())), output_file)
    return 0
