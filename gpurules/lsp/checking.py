"""Finds what is wrong with an open text, once for each version of it."""

from collections.abc import Callable, Sequence
from threading import Lock

from gpurules.diagnostics import Diagnostic
from gpurules.linter import lints
from gpurules.lsp.documents import Document, Kind
from gpurules.lsp.project import Project
from gpurules.ruletest import examine, toothless


class Checker:
    """Checks documents as the project's configuration says, and keeps the findings of each until it changes.

    ``runs`` counts how often a text was really looked at.
    """

    def __init__(self, project: Project) -> None:
        self.runs = 0
        self._project = project
        self._kept: dict[str, tuple[Document, tuple[Diagnostic, ...]]] = {}
        self._lock = Lock()

    def findings(self, document: Document) -> tuple[Diagnostic, ...]:
        """Return the findings of *document*, in order of place; those in its bases too.

        Raises:
            ValueError: it is a configuration that can not be read; the message says why.
        """
        with self._lock:
            kept = self._kept.get(document.uri)
            if kept is not None and kept[0] is document:
                return kept[1]
            self.runs += 1
            found = tuple(self._found(document))
            self._kept[document.uri] = (document, found)
            return found

    def kept(self, document: Document) -> tuple[Diagnostic, ...]:
        """Return the findings of *document* where they are known already; none where it has changed since."""
        found = self._kept.get(document.uri)
        return found[1] if found is not None and found[0] is document else ()

    def forget(self, uri: str | None = None) -> None:
        """Forget the findings of one text, or of all: what they stand on has changed."""
        with self._lock:
            if uri is None:
                self._kept.clear()
            else:
                self._kept.pop(uri, None)

    def check(self, document: Document) -> Callable[[str], Sequence[Diagnostic]]:
        """Return how another text in the place of *document* is checked."""
        policy = self._project.settings(document.path).policy
        return lambda text: lints(text, document.path, None, policy)

    def _found(self, document: Document) -> Sequence[Diagnostic]:
        path = document.path
        if document.kind is Kind.OTHER:
            return ()
        if document.kind is Kind.CONFIGURATION:
            return self._project.check_configuration(document.text, path or "gpurules.toml")
        settings = self._project.settings(path)
        if settings.is_excluded:
            return ()
        if document.kind is Kind.TEST:
            tests, _, problems = examine(document.text, path or "<text>")
            return [*problems, *(toothless(tests) if tests else ())]
        return lints(document.text, path, None, settings.policy)
