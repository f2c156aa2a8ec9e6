"""``gpurules lsp``."""

import click

from gpurules.cli.explain.live_facts import LiveFacts
from gpurules.cli.options import kept_facts, option
from gpurules.cli.project.editor import EditorProject
from gpurules.lsp import serve


@click.command("lsp")
@option("--stdio", is_flag=True, help="Use stdio (the only transport; accepted because editors pass it).")
@kept_facts
def command(stdio: bool, **given: str | None) -> int:
    """Serve an editor over stdin and stdout: diagnostics, completion, hover, rename, fixes, formatting.

    The configuration nearest to each file applies. With --snapshot, hover also shows the values of names and rules on
    those facts; files are reread when they change, and of a recording (.jsonl) the last line is used.
    The exit code is 0 if the editor requested a shutdown, else 1.
    """
    return serve(EditorProject(LiveFacts(given)))
