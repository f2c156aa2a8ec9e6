"""The open documents, with the editor's text instead of that on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path

from gpurules.lsp.text.positions import Positions
from gpurules.lsp.text.tolerant_yaml import readable
from gpurules.rules.files import SHIPPED, SUFFIXES, is_inside, is_ruleset, is_test, read_file
from gpurules.rules.yaml import YamlDocument, YamlMapping, YamlScalar

MAX_CHARACTERS = 1_000_000
"""A longer text is checked, but nothing is offered while it is typed."""

CONFIGURATIONS = ("gpurules.toml", "pyproject.toml")


class DocumentKind(StrEnum):
    """The kind of a document."""

    RULESET = "ruleset"
    TEST = "test"
    CONFIGURATION = "configuration"
    OTHER = "other"


@dataclass(frozen=True)
class TextDocument:
    """An open document.

    Missing: ``path`` is None for a document that was never saved."""

    uri: str
    text: str
    version: int | None
    encoding: str

    @cached_property
    def path(self) -> str | None:
        """The path of its file."""
        return to_fs_path(self.uri) or None

    @property
    def is_too_long(self) -> bool:
        """Whether it is too long for help while typing."""
        return len(self.text) > MAX_CHARACTERS

    @cached_property
    def positions(self) -> Positions:
        """The positions of its lines."""
        return Positions(self.text, self.encoding)

    @cached_property
    def source(self) -> str:
        """Its text without a byte order mark; offsets count in this."""
        return self.text.removeprefix("\ufeff")

    @cached_property
    def tree(self) -> YamlDocument:
        """The YAML tree, without lines that are incomplete; offsets are those of the text."""
        return readable("" if self.is_too_long else self.source, self.path)

    @cached_property
    def root(self) -> YamlMapping | None:
        """The root mapping of the file; None if there is none yet."""
        return self.tree.root if isinstance(self.tree.root, YamlMapping) else None

    @cached_property
    def kind(self) -> DocumentKind:
        """Its kind, from its name, else from its keys, so that other YAML files are left alone."""
        path = Path(self.path) if self.path else None
        if path is not None and path.name in CONFIGURATIONS:
            return DocumentKind.CONFIGURATION
        if path is not None and path.suffix == ".toml":
            return DocumentKind.OTHER
        if path is not None and path.suffix in SUFFIXES:
            if is_test(path, False):
                return DocumentKind.TEST
            if is_ruleset(path, is_inside(str(path.parent))):
                return DocumentKind.RULESET
        return self._kind_by_keys()

    def _kind_by_keys(self) -> DocumentKind:
        if self.root is None:
            return DocumentKind.OTHER
        kind = self.root.get("kind")
        if isinstance(kind, YamlScalar) and kind.text.startswith("gpurules/"):
            return DocumentKind.TEST if kind.text == "gpurules/test" else DocumentKind.RULESET
        is_ours = "version" in self.root.keys and ("rules" in self.root.keys or "extends" in self.root.keys)
        return DocumentKind.RULESET if is_ours else DocumentKind.OTHER


class Documents:
    """The open documents by URI, and the files beside them.

    A document is immutable; an edit replaces it, so any thread may read one.
    """

    def __init__(self) -> None:
        self.encoding = "utf-16"
        self._open: Mapping[str, TextDocument] = {}

    def put(self, uri: str, text: str, version: int | None) -> TextDocument:
        """Store the new text of *uri*."""
        document = TextDocument(uri, text, version, self.encoding)
        self._open = {**self._open, uri: document}
        return document

    def renew(self) -> None:
        """Invalidate every document: an input changed, so pending results are obsolete."""
        self._open = {uri: replace(document) for uri, document in self._open.items()}

    def remove(self, uri: str) -> None:
        """Remove a closed document."""
        self._open = {other: document for other, document in self._open.items() if other != uri}

    def get(self, uri: str) -> TextDocument | None:
        """Return the document *uri*; None if it is not open."""
        return self._open.get(uri)

    @property
    def all(self) -> tuple[TextDocument, ...]:
        """Every open document."""
        return tuple(self._open.values())

    def open_text(self, path: str) -> TextDocument | None:
        """Return the text of the file at *path* if it is open."""
        return next((d for d in self.all if d.path is not None and same_file(d.path, path)), None)

    def at(self, path: str) -> TextDocument | None:
        """Return the document of the file at *path*: the open one, else from disk; None if it cannot be read."""
        found = self.open_text(path)
        if found is not None:
            return found
        try:
            data = read_file(path)
        except (OSError, ValueError):
            return None
        return TextDocument(uri_of(path) or "", data.decode("utf-8", "replace"), None, self.encoding)

    def read(self, path: str) -> bytes:
        """Return the readable part of the file at *path*, for merging.

        Raises:
            OSError: there is no such file.
        """
        found = self.at(path)
        if found is None:
            return read_file(path)
        return found.tree.source.text.encode("utf-8", "surrogatepass")


def same_file(one: str, other: str) -> bool:
    """Return whether two paths name one file."""
    if one == other:
        return True
    if one.startswith(SHIPPED) or other.startswith(SHIPPED):
        return False
    try:
        return Path(one).resolve() == Path(other).resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def uri_of(path: str) -> str | None:
    """Return the URI of the file at *path*, including shipped rulesets; None if it has none."""
    if path.startswith(SHIPPED):
        from gpurules.resources import resource_root

        path = str(resource_root("rulesets").joinpath(f"{path.removeprefix(SHIPPED)}.yaml"))
    uri = from_fs_path(str(Path(path).absolute()))
    return uri if isinstance(uri, str) else None
