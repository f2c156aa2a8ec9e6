"""The requests about open documents, and the handler of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from lsprotocol import types

from gpurules.lsp.assistance.completion import completions
from gpurules.lsp.assistance.hover import hover
from gpurules.lsp.assistance.inline_values import Values
from gpurules.lsp.findings.checker import Checker
from gpurules.lsp.findings.code_actions import KINDS, code_actions
from gpurules.lsp.names.references import definition, highlights, locations_of, rename, renameable, uses
from gpurules.lsp.names.workspace_index import WorkspaceIndex
from gpurules.lsp.project import Project
from gpurules.lsp.text.documents import Documents, TextDocument
from gpurules.lsp.text.edits import format_document
from gpurules.lsp.text.outline import folds, symbols


@dataclass(frozen=True, slots=True)
class ServerContext:
    """The context of handlers: open documents, workspace files, findings, and the values of names."""

    project: Project
    documents: Documents
    workspace: WorkspaceIndex
    checker: Checker
    values: Values


Answer: TypeAlias = Callable[[ServerContext, TextDocument, Any], object]
"""Answers a request about a document; its parameters are those of the protocol."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A request of the protocol; ``is_slow`` if it may take long in a large file.

    Missing: ``options`` None: there is nothing to negotiate.
    """

    method: str
    answer: Answer
    options: object = None
    is_slow: bool = False


def _offset(document: TextDocument, params: Any) -> int:
    return document.positions.offset(params.position)


def _completion(context: ServerContext, document: TextDocument, params: types.CompletionParams) -> types.CompletionList:
    return completions(document, _offset(document, params), context.documents)


def _hover(context: ServerContext, document: TextDocument, params: types.HoverParams) -> types.Hover | None:
    return hover(document, params.position, context.documents, context.checker.known_findings(document), context.values)


def _definition(
    context: ServerContext, document: TextDocument, params: types.DefinitionParams
) -> types.Location | None:
    return definition(document, _offset(document, params), context.documents)


def _references(context: ServerContext, document: TextDocument, params: types.ReferenceParams) -> list[types.Location]:
    found = uses(document, _offset(document, params), context.documents, context.workspace)
    return locations_of(found, params.context.include_declaration)


def _highlights(
    context: ServerContext, document: TextDocument, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight]:
    return highlights(document, _offset(document, params), context.documents)


def _renameable(context: ServerContext, document: TextDocument, params: types.PrepareRenameParams) -> object:
    return renameable(document, _offset(document, params), context.documents)


def _renamed(context: ServerContext, document: TextDocument, params: types.RenameParams) -> types.WorkspaceEdit | None:
    return rename(document, _offset(document, params), params.new_name, context.documents, context.workspace)


def _code_actions(
    context: ServerContext, document: TextDocument, params: types.CodeActionParams
) -> list[types.CodeAction]:
    return code_actions(document, params, context.checker, context.documents, context.project)


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
    Feature(types.TEXT_DOCUMENT_FORMATTING, lambda context, document, params: format_document(document), is_slow=True),
    Feature(
        types.TEXT_DOCUMENT_RANGE_FORMATTING,
        lambda context, document, params: format_document(document, params.range),
        is_slow=True,
    ),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, lambda context, document, params: symbols(document)),
    Feature(types.TEXT_DOCUMENT_FOLDING_RANGE, lambda context, document, params: folds(document)),
)
"""Every request about an open text that is answered."""
