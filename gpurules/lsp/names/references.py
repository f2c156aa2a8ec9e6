"""Go to definition, find references, and rename."""

import re
from collections.abc import Iterator

from lsprotocol import types

from gpurules.errors import GpurulesError
from gpurules.fields import FIELDS
from gpurules.language import FUNCTIONS
from gpurules.language.completion import KEYWORDS
from gpurules.lsp.findings.published_findings import references
from gpurules.lsp.names.occurrences import Occurrence, Space, occurrence_at, occurrences
from gpurules.lsp.names.scope import DeclaringSection, Symbol, scope_of
from gpurules.lsp.names.workspace_index import WorkspaceIndex, readable_whole
from gpurules.lsp.text.documents import Documents, TextDocument, uri_of
from gpurules.rules.files import SHIPPED

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_ ./-]{0,98}[A-Za-z0-9_])?")


class RenameError(GpurulesError):
    """A rename is not possible; the message says why."""


def definition(document: TextDocument, offset: int, documents: Documents) -> types.Location | None:
    """Return the declaration of the name at *offset*, or the start of the file that is named there."""
    for node, path in references(document):
        if node.start <= offset <= node.end:
            uri = uri_of(path) if documents.at(path) is not None else None
            return types.Location(uri, types.Range(types.Position(0, 0), types.Position(0, 0))) if uri else None
    found = _found(document, offset, documents)
    return _place(found[1], document, documents) if found is not None else None


def _found(document: TextDocument, offset: int, documents: Documents) -> tuple[Occurrence, Symbol] | None:
    occurrence = occurrence_at(document, offset)
    symbol = occurrence.symbol(scope_of(document, documents)) if occurrence is not None else None
    return (occurrence, symbol) if occurrence is not None and symbol is not None else None


def _place(symbol: Symbol, document: TextDocument, documents: Documents) -> types.Location | None:
    path = symbol.key.source.path
    home = document if path is None or path == document.path else documents.at(path)
    if home is None:
        return None
    return types.Location(home.uri, home.positions.range(*symbol.key.offsets(0, len(symbol.key.text))))


def uses(
    document: TextDocument, offset: int, documents: Documents, workspace: WorkspaceIndex
) -> list[tuple[TextDocument, Occurrence]]:
    """Return every occurrence in the workspace of the name at *offset*, including declarations."""
    found = _found(document, offset, documents)
    if found is None:
        return []
    symbol = found[1]
    return [
        (other, occurrence)
        for other in workspace.of(symbol.key.source.path or "", symbol.name, document)
        for occurrence in _of(symbol, other)
    ]


def _of(symbol: Symbol, document: TextDocument) -> Iterator[Occurrence]:
    spaces = {Space.RULE} if symbol.section is DeclaringSection.RULES else {Space.NAME}
    if symbol.section is DeclaringSection.INPUTS:
        spaces.add(Space.INPUT)
    for occurrence in occurrences(document):
        if occurrence.name == symbol.name and occurrence.space in spaces:
            yield occurrence


def highlights(document: TextDocument, offset: int, documents: Documents) -> list[types.DocumentHighlight]:
    """Return every occurrence in the document of the name at *offset*."""
    found = _found(document, offset, documents)
    if found is None:
        return []
    return [
        types.DocumentHighlight(
            document.positions.range(one.start, one.end),
            types.DocumentHighlightKind.Write if one.is_declaration else types.DocumentHighlightKind.Read,
        )
        for one in _of(found[1], document)
    ]


def locations_of(found: list[tuple[TextDocument, Occurrence]], with_declarations: bool) -> list[types.Location]:
    """Return occurrences as locations of the protocol."""
    return [
        types.Location(document.uri, document.positions.range(one.start, one.end))
        for document, one in found
        if with_declarations or not one.is_declaration
    ]


def renameable(document: TextDocument, offset: int, documents: Documents) -> types.PrepareRenamePlaceholder | None:
    """Return the name at *offset* if it can be renamed; names that other programs define cannot."""
    found = _found(document, offset, documents)
    if found is None or _reason(found[1]) is not None:
        return None
    occurrence, symbol = found
    return types.PrepareRenamePlaceholder(document.positions.range(occurrence.start, occurrence.end), symbol.name)


def _reason(symbol: Symbol) -> str | None:
    if symbol.section is DeclaringSection.FIELDS:
        return f"{symbol.name!r} is the name of a label, which is set outside the ruleset"
    if (symbol.key.source.path or "").startswith(SHIPPED):
        return f"{symbol.name!r} is declared in a shipped ruleset"
    return None


def rename(
    document: TextDocument, offset: int, new: str, documents: Documents, workspace: WorkspaceIndex
) -> types.WorkspaceEdit | None:
    """Return the edits that rename every occurrence of the name at *offset*.

    Raises:
        RenameError: the new name is invalid or taken, or a file cannot be read completely.
    """
    found = _found(document, offset, documents)
    if found is None:
        return None
    symbol = found[1]
    places = uses(document, offset, documents, workspace)
    homes = list({id(home): home for home, _ in places}.values())
    reason = _reason(symbol) or _misfit(new, symbol)
    if reason is not None:
        raise RenameError(reason)
    broken = readable_whole(homes)
    if broken is not None:
        raise RenameError(f"fix {broken.path or 'the file'} first: a line of it cannot be parsed")
    for home in homes:
        _check_free(new, symbol, home, documents)
    changes: dict[str, list[types.TextEdit]] = {}
    for home, one in places:
        changes.setdefault(home.uri, []).append(types.TextEdit(home.positions.range(one.start, one.end), new))
    return types.WorkspaceEdit(changes=changes)


def _misfit(new: str, symbol: Symbol) -> str | None:
    if symbol.section is DeclaringSection.RULES:
        return None if _RULE_NAME.fullmatch(new) else f"{new!r} cannot be written as a rule's name without quotes"
    if not _IDENTIFIER.fullmatch(new):
        return f"{new!r} cannot be a name: names are a-z, A-Z, 0-9 and _, and do not start with a digit"
    if new.upper() in KEYWORDS:
        return f"{new!r} is a keyword of the language"
    if new in FUNCTIONS:
        return f"{new!r} is a function"
    return f"{new!r} is a field" if new in FIELDS else None


def _check_free(new: str, symbol: Symbol, home: TextDocument, documents: Documents) -> None:
    scope = scope_of(home, documents)
    taken = scope.rules if symbol.section is DeclaringSection.RULES else scope.names
    if new in taken and new != symbol.name:
        line = taken[new].key.location().line
        raise RenameError(f"{new!r} is taken: {taken[new].key.source.path or 'this file'}, line {line}")
