"""Finds the files that share names: those that extend a file, and the tests of its rules."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from gpurules.input_files import file_stamp
from gpurules.lsp.findings.published_findings import references
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.rules.files import MAX_FILES, SHIPPED, files_below, identity, is_ruleset, is_test

MOST_FILES = 2_000


class WorkspaceIndex:
    """Finds the files of a workspace that include a given one.

    Files are reread only when they have changed.
    """

    def __init__(self, documents: Documents) -> None:
        self.folders: tuple[str, ...] = ()
        self._documents = documents
        self._kept: dict[str, tuple[tuple[int, int, int], TextDocument]] = {}

    def of(self, path: str, word: str, asking: TextDocument) -> Iterator[TextDocument]:
        """Yield the documents that contain *word* and are, or include, the file at *path*; *asking* is one of them."""
        own = identity(path) if path else ""
        seen = {identity(asking.path)} if asking.path else set()
        if word in asking.text:
            yield asking
        for other in self._paths(path):
            if (name := identity(other)) in seen:
                continue
            seen.add(name)
            document = self._document(other)
            if document is not None and word in document.text and own in self._brought_in(document):
                yield document

    def _paths(self, path: str) -> Iterator[str]:
        if path:
            yield path
        yield from (document.path for document in self._documents.all if document.path)
        count = 0
        for folder in self.folders:
            for found in files_below(folder, _is_ours, partial(_relative, folder)):
                count += 1
                if count > MOST_FILES:
                    return
                yield found

    def _document(self, path: str) -> TextDocument | None:
        if path.startswith(SHIPPED):
            return self._documents.at(path)
        is_open = self._documents.open_text(path)
        if is_open is not None:
            return is_open
        stamp = file_stamp(path)
        if stamp is None:
            return None
        kept = self._kept.get(path)
        if kept is None or kept[0] != stamp:
            document = self._documents.at(path)
            if document is None:
                return None
            kept = self._kept[path] = (stamp, document)
        return kept[1]

    def _brought_in(self, document: TextDocument) -> set[str]:
        """Return the identity of *document*'s file and of every file that it extends, or tests."""
        found: set[str] = set()
        todo: list[TextDocument] = [document]
        while todo and len(found) < MAX_FILES:
            one = todo.pop()
            name = identity(one.path) if one.path else ""
            if name in found:
                continue
            found.add(name)
            for _, path in references(one):
                found_there = self._document(path)
                if path.startswith(SHIPPED):
                    found.add(path)
                elif found_there is not None and found_there.kind is not DocumentKind.OTHER:
                    todo.append(found_there)
        return found


def _is_ours(path: Path, inside: bool) -> bool:
    return is_ruleset(path, inside) or is_test(path, inside)


def _relative(top: str, folder: str) -> str:
    return folder.removeprefix(top)


def readable_whole(documents: Iterable[TextDocument]) -> TextDocument | None:
    """Return the first of *documents* with an unreadable line; None if all can be read."""
    return next((d for d in documents if d.tree.root is None or d.tree.source.text != d.source), None)
