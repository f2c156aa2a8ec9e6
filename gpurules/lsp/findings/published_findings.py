"""Converts findings for editors."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lsprotocol import types

from gpurules.diagnostics import Diagnostic, Location, Related, Severity
from gpurules.lsp.project import Project
from gpurules.lsp.text.documents import Documents, TextDocument, same_file, uri_of
from gpurules.lsp.text.positions import Positions
from gpurules.rules.files import resolve_reference
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence

SOURCE = "gpurules"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_TAGS = {
    "GPR111": types.DiagnosticTag.Unnecessary,
    "GPR113": types.DiagnosticTag.Deprecated,
    "GPR901": types.DiagnosticTag.Unnecessary,
}
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_TOP = types.Range(types.Position(0, 0), types.Position(0, 0))


def publish(
    document: TextDocument, findings: Iterable[Diagnostic], documents: Documents, project: Project
) -> list[types.Diagnostic]:
    """Return *findings* in the form in which the editor receives them.

    An error in another file, such as a base, is reported at the reference to that file.
    """
    shown = []
    for found in findings:
        if found.path is None or (document.path is not None and same_file(found.path, document.path)):
            shown.append(_own(document, found, documents, project))
        elif found.severity is Severity.ERROR:
            shown.append(_foreign(document, found, documents, project))
    return shown


def problem(document: TextDocument, message: str) -> types.Diagnostic:
    """Return a diagnostic without a code, at the line and column at the end of the message, else at the top."""
    match = _PLACE.search(message)
    line, column = (int(match[1]), int(match[2])) if match else (1, 1)
    place = document.positions.range_of(Location(line, column, line, column + 1))
    return types.Diagnostic(place, message, severity=types.DiagnosticSeverity.Error, source=SOURCE)


def _own(document: TextDocument, found: Diagnostic, documents: Documents, project: Project) -> types.Diagnostic:
    place = document.positions.range_of(
        Location(found.line, found.column, found.end_line, found.end_column),
    )
    related = [r for one in found.related if (r := _related(document, one, documents)) is not None]
    return _drawn(found, place, _said(found), project, related)


def _foreign(document: TextDocument, found: Diagnostic, documents: Documents, project: Project) -> types.Diagnostic:
    path = found.path or ""
    reference = next((node for node, target in references(document) if same_file(target, path)), None)
    place = document.positions.range(reference.start, reference.end) if reference else _TOP
    there = Related(found.message, path, Location(found.line, found.column, found.end_line, found.end_column))
    related = _related(document, there, documents)
    message = f"{Path(path).name}:{found.line}: {_said(found)}"
    return _drawn(found, place, message, project, [related] if related else [])


def _said(found: Diagnostic) -> str:
    parts = [found.message, f"witness: {found.witness}" if found.witness else None, found.hint]
    return "\n".join(part for part in parts if part)


def _drawn(
    found: Diagnostic,
    place: types.Range,
    message: str,
    project: Project,
    related: list[types.DiagnosticRelatedInformation],
) -> types.Diagnostic:
    page = project.page(found.code)
    uri = uri_of(page) if page else None
    return types.Diagnostic(
        place,
        message,
        severity=_SEVERITIES[found.severity],
        code=found.code,
        code_description=types.CodeDescription(uri) if uri else None,
        source=SOURCE,
        tags=[_TAGS[found.code]] if found.code in _TAGS else None,
        related_information=related or None,
    )


def _related(
    document: TextDocument, related: Related, documents: Documents
) -> types.DiagnosticRelatedInformation | None:
    positions: Positions | None = document.positions
    uri: str | None = document.uri
    if related.path is not None and not (document.path and same_file(related.path, document.path)):
        other = documents.at(related.path)
        positions, uri = (other.positions, other.uri) if other else (None, None)
    if positions is None or not uri:
        return None
    return types.DiagnosticRelatedInformation(
        types.Location(uri, positions.range_of(related.location)), related.message
    )


def references(document: TextDocument) -> Iterator[tuple[YamlScalar, str]]:
    """Yield the positions in *document* that name another ruleset, each with its path."""
    root = document.root
    if root is None:
        return
    for key in ("extends", "rulesets"):
        listed = root.get(key)
        for entry in listed.items if isinstance(listed, YamlSequence) else []:
            node: YamlNode | None = entry.get("from") if isinstance(entry, YamlMapping) else entry
            if isinstance(node, YamlScalar) and node.text:
                yield node, resolve_reference(node.text, document.path)
