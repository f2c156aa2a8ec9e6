"""What takes long never holds up what is typed: it is said last, and given up once it is not wanted any more."""

import time
from typing import Any

import pytest

from tests.integration.lsp.client import Editor
from tests.integration.lsp.test_fixing import WHOLE, actions, edited

ODD = "  - name: odd\n    condition: gpu_memory > 90 AND gpu_memory < 10\n    action: log\n    cooldown: 1m\n"
SMALL = "version: 1\nname: small\nrules:\n" + ODD
BARE = "  - name: bare\n    condition: transfer_size > 1000000\n    action: pause_transfer\n"


def large(rules: int = 500) -> str:
    """Return a ruleset whose analysis takes a while, with one finding of it and one that is seen at once."""
    listed = "".join(
        f"  - name: r{n}\n    condition: gpu_memory > {n % 90} AND transfer_size > {n}MB\n    action: log\n"
        for n in range(rules)
    )
    return "version: 1\nname: big\nrules:\n" + listed + BARE + ODD


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {one["code"] for one in found}


def test_what_is_seen_at_once_is_said_first_and_the_rest_beside_it(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", large())
    first = codes(editor.diagnostics(uri))
    assert "GPR105" in first
    assert "GPR201" not in first
    assert {"GPR105", "GPR201"} <= codes(editor.diagnostics(uri, "GPR201"))


def test_it_is_said_once_where_the_analysis_finds_nothing_more(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", "version: 1\nname: x\nrules:\n" + BARE)
    other = editor.open("b.rules.yaml", SMALL)
    editor.diagnostics(other, "GPR201")  # one after the other, so the first has been analyzed too
    assert editor.published(uri) == 1


@pytest.mark.slow
def test_an_analysis_that_is_not_wanted_any_more_holds_up_nothing(editor: Editor) -> None:
    text = large(1000)
    uri = editor.open("a.rules.yaml", text)
    started = time.monotonic()
    editor.diagnostics(uri, "GPR201")
    whole = time.monotonic() - started
    for leave in ("change", "close", "save"):
        uri = editor.open(f"{leave}.rules.yaml", text)
        editor.diagnostics(uri)  # what is seen at once; the analysis has begun
        started = time.monotonic()
        if leave == "save":
            editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
            asked = {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 20}}
            assert "**gpu_memory**" in editor.ask("textDocument/hover", asked)["contents"]["value"]
        elif leave == "close":
            editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            editor.diagnostics(editor.open("b.rules.yaml", SMALL), "GPR201")
        else:
            editor.change(uri, SMALL)
            editor.diagnostics(uri, "GPR201")
        assert time.monotonic() - started < whole / 2


def test_safe_fixes_that_are_looked_for_are_given_up_when_the_text_changes(editor: Editor) -> None:
    text = large().replace("gpu_memory < 10", "gpu_memory > 80")
    uri = editor.open("a.rules.yaml", text)
    editor.diagnostics(uri, "GPR203")
    asked = {"textDocument": {"uri": uri}, "range": WHOLE, "context": {"diagnostics": [], "only": ["source.fixAll"]}}
    number = editor.send_request("textDocument/codeAction", asked)
    time.sleep(0.3)  # far less than the analysis after each fix takes
    editor.change(uri, SMALL)
    answer = editor.answer_to(number)
    assert answer["error"]["code"] == -32801  # ContentModified
    assert "GPR201" in codes(editor.diagnostics(uri, "GPR201"))


def test_safe_fixes_that_take_an_analysis_are_made_too(editor: Editor) -> None:
    text = "version: 1\nname: x\nrules:\n" + BARE + ODD.replace("gpu_memory < 10", "gpu_memory > 80")
    uri = editor.open("a.rules.yaml", text)
    editor.diagnostics(uri, "GPR203")
    (action,) = actions(editor, uri, WHOLE, "source.fixAll").values()
    fixed = edited(text, action["edit"]["changes"][uri])
    assert fixed == text.replace("1000000", "1000000B").replace(" AND gpu_memory > 80", "")
