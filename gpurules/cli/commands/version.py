"""``gpurules version``."""

import platform

import click

from gpurules.cli.options import text_or_json
from gpurules.cli.process.crash import installed_version
from gpurules.cli.terminal.output import report_json, write


@click.command("version")
@text_or_json
def command(format_: str) -> int:
    """Print the version of gpurules and of Python."""
    version, python = installed_version(), platform.python_version()
    if format_ == "json":
        write(report_json({"version": version, "python": python}))
    else:
        write(f"gpurules {version} (Python {python})\n")
    return 0
