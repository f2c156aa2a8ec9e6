"""Requests with wrong parameters, sent to the real server: each gets an answer, and the next one is served."""

import json
from typing import Any

import pytest

from tests.integration.lsp.client import Editor

RULES = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 80, action: log}\n"
INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32600, -32601, -32602
METHODS = [
    "textDocument/completion", "textDocument/hover", "textDocument/definition", "textDocument/references",
    "textDocument/documentHighlight", "textDocument/prepareRename", "textDocument/rename", "textDocument/codeAction",
    "textDocument/formatting", "textDocument/rangeFormatting", "textDocument/documentSymbol",
    "textDocument/foldingRange", "textDocument/inlineValue", "workspace/executeCommand", "initialize",
]  # fmt: skip
JUNK: list[Any] = [
    None, 5, "x", True, [], [1, 2], {}, {"textDocument": None}, {"textDocument": 5}, {"textDocument": {}},
    {"textDocument": {"uri": "file:///x"}, "position": {"line": "x", "character": 0}, "range": 5, "options": 5},
    {"textDocument": {"uri": "file:///x"}, "position": [], "range": {"start": 1}, "options": [], "context": 5},
    {"jsonrpc": "2.0", "id": 5, "method": "shutdown"},
]  # fmt: skip


def served(editor: Editor, uri: str) -> None:
    """Make sure that a sound request is answered as ever."""
    symbols = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert symbols, "it serves on"


@pytest.mark.parametrize("junk", JUNK, ids=json.dumps)
def test_every_request_with_junk_for_parameters_is_answered_with_invalid_params(editor: Editor, junk: Any) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    for method in METHODS:
        answer = editor.answer(method, junk)
        code = answer.get("error", {}).get("code")
        assert code in (INVALID_PARAMS, METHOD_NOT_FOUND) or "result" in answer, (method, answer)
        if not isinstance(junk, dict) and code != METHOD_NOT_FOUND:
            assert code == INVALID_PARAMS, (method, answer)
    served(editor, uri)


@pytest.mark.parametrize(
    "position",
    [{"line": -1, "character": 0}, {"line": 10**30, "character": 0}, {"line": None}, {"line": "x", "character": 0}, []],
    ids=json.dumps,
)
def test_a_position_that_is_none_is_answered_with_invalid_params(editor: Editor, position: Any) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    for method in ("textDocument/hover", "textDocument/completion", "textDocument/definition"):
        answer = editor.answer(method, {"textDocument": {"uri": uri}, "position": position})
        assert answer.get("error", {}).get("code") == INVALID_PARAMS or "result" in answer
    served(editor, uri)


def test_params_that_are_absent_are_invalid(editor: Editor) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    for number, method in enumerate(METHODS, 1000):
        editor.message({"id": number, "method": method})
        assert editor.answer_to(number)["error"]["code"] in (INVALID_PARAMS, METHOD_NOT_FOUND)
    served(editor, uri)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"id": 7, "method": 5, "params": {}}, INVALID_REQUEST),
        ({"id": 7, "method": "textDocument/hover", "params": {}, "jsonrpc": "1.0"}, INVALID_REQUEST),
        ({"id": 7, "method": "textDocument/nothing"}, METHOD_NOT_FOUND),
        ({"id": 7, "method": "$/nothing", "params": []}, METHOD_NOT_FOUND),
        ({"id": "text", "method": "textDocument/hover", "params": 5}, INVALID_PARAMS),
    ],
)
def test_a_message_that_is_no_request_of_ours_is_answered(editor: Editor, message: dict[str, Any], code: int) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    editor.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert editor.answer_to(message["id"])["error"]["code"] == code
    served(editor, uri)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}'])
def test_what_cannot_be_answered_by_its_id_is_answered_without(editor: Editor, body: bytes) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    editor.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert editor.answer_to(None)["error"]["code"] == INVALID_REQUEST  # type: ignore[arg-type]
    served(editor, uri)


def test_a_request_after_the_shutdown_is_invalid(editor: Editor) -> None:
    editor.ask("shutdown", None)
    answer = editor.answer("textDocument/hover", {"textDocument": {"uri": "file:///x"}})
    assert answer["error"]["code"] == INVALID_REQUEST
    editor.notify("exit", None)
    assert editor.process.wait(60) == 0


def test_junk_in_notifications_does_no_harm(editor: Editor) -> None:
    uri = editor.open("x.rules.yaml", RULES)
    for method in ("textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "$/cancelRequest", "x"):
        for junk in JUNK:
            editor.notify(method, junk)
    served(editor, uri)
