"""The language server: diagnostics, completion, hover and more for editors.

::

    stdin -> transport/ -> server -> text/ (open documents, the cursor) -> names/ (symbols of the workspace)
                              |-> findings/     diagnostics and quick fixes, in the background
                              |-> assistance/   completion, hover, inline values

The entry point is ``serve``.
"""

from gpurules.errors import UnavailableError
from gpurules.lsp.project import DocumentSettings, FactsAtHand, Project

__all__ = ["DocumentSettings", "FactsAtHand", "Project", "serve"]


def serve(project: Project) -> int:
    """Serve an editor over stdin and stdout until it exits; return 0 if it requested a shutdown, else 1.

    Raises:
        UnavailableError: the extra ``lsp`` is not installed.
    """
    try:
        from gpurules.lsp.server import run
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] in ("pygls", "lsprotocol"):
            raise UnavailableError("the language server needs pygls: pip install 'gpurules[lsp]'") from None
        raise
    return run(project)
