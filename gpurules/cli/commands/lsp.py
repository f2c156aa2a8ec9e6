"""``gpurules lsp``."""

import click

from gpurules.cli.editing import Workplace
from gpurules.lsp import serve


@click.command("lsp")
@click.option(
    "--stdio", is_flag=True, help="Talk over stdin and stdout; editors like to say so, and there is no other way."
)
def command(stdio: bool) -> int:
    """Serve an editor over stdin and stdout: findings while typing, completion, hover, rename, fixes, formatting.

    The configuration nearest to each file holds. It ends with 0 when the editor asked to shut down, else with 1.
    """
    return serve(Workplace())
