"""The requests about an open text, and who answers each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from lsprotocol import types

from gpurules.lsp.checking import Checker
from gpurules.lsp.completing import completions
from gpurules.lsp.documents import Document, Documents
from gpurules.lsp.editing import formatting
from gpurules.lsp.family import Family
from gpurules.lsp.fixing import KINDS, code_actions
from gpurules.lsp.hovering import hover
from gpurules.lsp.naming import definition, highlights, located, renameable, renamed, uses
from gpurules.lsp.outline import folds, symbols
from gpurules.lsp.project import Project
from gpurules.lsp.valuing import Values


@dataclass(frozen=True, slots=True)
class Desk:
    """What answers are given from: the open texts, the files around them, their findings, and what names are worth."""

    project: Project
    documents: Documents
    family: Family
    checker: Checker
    values: Values


Answer: TypeAlias = Callable[[Desk, Document, Any], object]
"""Answers a request about a document; its parameters are those of the protocol."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One request of the protocol; ``is_slow`` where answering it may take long in a large file.

    Missing: ``options`` is None where there is nothing to agree on.
    """

    method: str
    answer: Answer
    options: object = None
    is_slow: bool = False


def _offset(document: Document, params: Any) -> int:
    return document.positions.offset(params.position)


def _completion(desk: Desk, document: Document, params: types.CompletionParams) -> types.CompletionList:
    return completions(document, _offset(document, params), desk.documents)


def _hover(desk: Desk, document: Document, params: types.HoverParams) -> types.Hover | None:
    return hover(document, params.position, desk.documents, desk.checker.kept(document), desk.values)


def _definition(desk: Desk, document: Document, params: types.DefinitionParams) -> types.Location | None:
    return definition(document, _offset(document, params), desk.documents)


def _references(desk: Desk, document: Document, params: types.ReferenceParams) -> list[types.Location]:
    found = uses(document, _offset(document, params), desk.documents, desk.family)
    return located(found, params.context.include_declaration)


def _highlights(desk: Desk, document: Document, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    return highlights(document, _offset(document, params), desk.documents)


def _renameable(desk: Desk, document: Document, params: types.PrepareRenameParams) -> object:
    return renameable(document, _offset(document, params), desk.documents)


def _renamed(desk: Desk, document: Document, params: types.RenameParams) -> types.WorkspaceEdit | None:
    return renamed(document, _offset(document, params), params.new_name, desk.documents, desk.family)


def _code_actions(desk: Desk, document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    return code_actions(document, params, desk.checker, desk.documents, desk.project)


FEATURES = (
    Feature(
        types.TEXT_DOCUMENT_COMPLETION,
        _completion,
        types.CompletionOptions(trigger_characters=[" ", "'", '"', "(", "{", "$", ":", "-"]),
    ),
    Feature(types.TEXT_DOCUMENT_HOVER, _hover),
    Feature(types.TEXT_DOCUMENT_DEFINITION, _definition),
    Feature(types.TEXT_DOCUMENT_REFERENCES, _references, is_slow=True),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, _highlights),
    Feature(types.TEXT_DOCUMENT_PREPARE_RENAME, _renameable),
    Feature(types.TEXT_DOCUMENT_RENAME, _renamed, types.RenameOptions(prepare_provider=True), True),
    Feature(
        types.TEXT_DOCUMENT_CODE_ACTION, _code_actions, types.CodeActionOptions(code_action_kinds=list(KINDS)), True
    ),
    Feature(types.TEXT_DOCUMENT_FORMATTING, lambda desk, document, params: formatting(document), is_slow=True),
    Feature(
        types.TEXT_DOCUMENT_RANGE_FORMATTING,
        lambda desk, document, params: formatting(document, params.range),
        is_slow=True,
    ),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, lambda desk, document, params: symbols(document)),
    Feature(types.TEXT_DOCUMENT_FOLDING_RANGE, lambda desk, document, params: folds(document)),
)
"""Every request about an open text that is answered."""
