"""Quick fixes: fix a finding, suppress it, or apply all safe fixes."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from lsprotocol import types

from gpurules.diagnostics import Diagnostic, LocatedEdit, Location
from gpurules.linter import fix
from gpurules.lsp.findings.checker import Checker
from gpurules.lsp.findings.published_findings import publish
from gpurules.lsp.project import Project
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.lsp.text.edits import edits_between
from gpurules.rules.yaml import YamlMapping, YamlSequence

FIX_ALL = "source.fixAll.gpurules"
KINDS = (types.CodeActionKind.QuickFix.value, FIX_ALL)
_NEVER_SILENCED = ("GPR001", "GPR009", "GPR010", "GPR405", "GPR8", "GPR9")


def code_actions(
    document: TextDocument, params: types.CodeActionParams, checker: Checker, documents: Documents, project: Project
) -> list[types.CodeAction]:
    """Return the code actions for the findings in a range, of the requested kinds."""
    only = params.context.only
    found: list[types.CodeAction] = []
    if only is None or _asks(only, types.CodeActionKind.QuickFix.value):
        for finding in checker.known_findings(document):
            place = document.positions.range_of(_location(finding))
            if _is_own(finding, document) and place.start <= params.range.end and params.range.start <= place.end:
                found += _quick(document, finding, publish(document, [finding], documents, project))
    if only is not None and _asks(only, FIX_ALL):
        found += _all(document, checker, lambda: documents.get(document.uri) is document)
    return found


def _asks(only: Iterable[str | types.CodeActionKind], kind: str) -> bool:
    """Return whether *kind* is a requested kind or a sub-kind of one."""
    asked = [one.value if isinstance(one, types.CodeActionKind) else one for one in only]
    return any(kind == one or kind.startswith(f"{one}.") for one in asked)


def _location(finding: Diagnostic) -> Location:
    return Location(finding.line, finding.column, finding.end_line, finding.end_column)


def _is_own(finding: Diagnostic, document: TextDocument) -> bool:
    return finding.path in (None, document.path)


def _quick(
    document: TextDocument, finding: Diagnostic, shown: Sequence[types.Diagnostic]
) -> Iterator[types.CodeAction]:
    if finding.edits:
        care = "" if finding.safe else " (may change the meaning)"
        yield types.CodeAction(
            f"{finding.code}: {finding.hint or finding.message}{care}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=shown,
            is_preferred=finding.safe,
            edit=_edit(document, [_text_edit(document, edit) for edit in finding.edits]),
        )
    if document.kind is DocumentKind.RULESET and not finding.code.startswith(_NEVER_SILENCED):
        yield types.CodeAction(
            f"Suppress {finding.code} here",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=shown,
            edit=_edit(document, [_suppression(document, finding)]),
        )


def _text_edit(document: TextDocument, edit: LocatedEdit) -> types.TextEdit:
    return types.TextEdit(document.positions.range_of(edit.location), edit.replacement)


def _edit(document: TextDocument, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
    return types.WorkspaceEdit(changes={document.uri: edits})


def _suppression(document: TextDocument, finding: Diagnostic) -> types.TextEdit:
    """Return the comment that suppresses *finding*, above its rule or line; the user fills in the reason.

    A comment without a reason suppresses too, and is itself a finding until it has one.
    """
    number = _first_line(document, finding.line - 1)
    line = document.positions.line(number)
    margin = line[: len(line) - len(line.lstrip())]
    line_end = "\r\n" if "\r\n" in document.source else "\n"
    start = types.Position(number, 0)
    text = f'{margin}# gpurules: ignore[{finding.code}] reason=""{line_end}'
    return types.TextEdit(types.Range(start, start), text)


def _first_line(document: TextDocument, line: int) -> int:
    """Return the first line (from 0) of the rule that contains *line*; outside of rules, the line itself."""
    rules = document.root.get("rules") if document.root is not None else None
    for rule in rules.items if isinstance(rules, YamlSequence) else []:
        if isinstance(rule, YamlMapping):
            first = document.positions.position(rule.start).line
            written = document.source[rule.start : rule.end].rstrip()
            if first <= line <= document.positions.position(rule.start + len(written)).line:
                return first
    return line


def _all(document: TextDocument, checker: Checker, is_wanted: Callable[[], bool]) -> Iterator[types.CodeAction]:
    if document.kind is not DocumentKind.RULESET:
        return
    after = fix(document.source, document.path, checker.check(document, is_wanted), unsafe=False).text
    if after != document.source:
        edit = _edit(document, edits_between(document, after))
        yield types.CodeAction("Apply all safe fixes", kind=FIX_ALL, edit=edit)
