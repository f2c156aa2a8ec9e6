"""Findings about what rules mean: with their witness, their second place, and fixes that say whether they are safe."""

from typing import Any

import pytest

from tests.integration.lsp.client import Editor
from tests.integration.lsp.test_diagnostics import text_at
from tests.integration.lsp.test_fixing import actions, edited

BASE = """\
version: 1
name: base
rules:
  - name: hold-hot-gpu
    condition: gpu_temperature > 85
    action: pause_transfer
    priority: 50
"""
HEAD = "version: 1\nname: node\nrules:\n"
CLASH = """\
version: 1
name: node
extends: [./base.yaml]
rules:
  - name: boost-models
    condition: gpu_memory > 80 AND file_type == 'model'
    action: increase_priority
    parameters: {priority_boost: 10}
    priority: 50
"""


def one(editor: Editor, text: str, code: str) -> tuple[str, dict[str, Any]]:
    """Open *text* and return its address and its one finding of *code*."""
    uri = editor.open("a.rules.yaml", text)
    (found,) = (d for d in editor.diagnostics(uri, code) if d["code"] == code)
    return uri, found


def hovered(editor: Editor, uri: str, position: dict[str, int]) -> str:
    said = editor.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    text: str = said["contents"]["value"]
    return text


def test_a_conflict_shows_its_witness_and_leads_to_the_other_rule(editor: Editor) -> None:
    (editor.folder / "base.yaml").write_text(BASE, encoding="utf-8")
    uri, found = one(editor, CLASH, "GPR306")
    assert found["severity"] == 1
    assert text_at(CLASH, found["range"]) == "gpu_memory > 80 AND file_type == 'model'"
    witness = "file_type 'model', gpu_memory 81 %, gpu_temperature 86 C"
    assert f"\nwitness: {witness}\n" in found["message"]
    assert "give one a higher priority" in found["message"]
    (related,) = found["relatedInformation"]
    assert related["location"]["uri"] == editor.uri("base.yaml")
    assert text_at(BASE, related["location"]["range"]) == "gpu_temperature > 85"
    assert "`hold-hot-gpu`: pause_transfer (priority 50)" in related["message"]
    said = hovered(editor, uri, found["range"]["start"])
    assert "**GPR306 conflicting-actions**: `hold-hot-gpu` and `boost-models` can act on one transfer at once" in said
    assert f"Witness: {witness}" in said
    assert "Prefer:" in said
    assert list(actions(editor, uri, found["range"])) == ["Suppress GPR306 here"]


STYLES = [
    "gpu_memory > 80 AND gpu_memory > 60",
    "'gpu_memory > 80 AND gpu_memory > 60'",
    '"gpu_memory > 80 \\u0041ND gpu_memory > 60"',
    ">-\n      gpu_memory > 80\n      AND gpu_memory > 60",
    "|\n      # 😀 full\n      gpu_memory > 80 AND\n      gpu_memory > 60",
    "gpu_memory > 80\n      AND gpu_memory > 60",
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_part_that_changes_nothing_is_removed_in_every_style_of_scalar(
    editor: Editor, style: str, line_end: str
) -> None:
    text = (HEAD + f"  - name: a\n    condition: {style}\n    action: pause_transfer\n").replace("\n", line_end)
    uri, found = one(editor, text, "GPR203")
    assert text_at(text, found["range"]) == "gpu_memory > 60"
    (related,) = found["relatedInformation"]
    assert text_at(text, related["location"]["range"]) == "gpu_memory > 80"
    (fix,) = (a for title, a in actions(editor, uri, found["range"]).items() if title.startswith("GPR203"))
    assert fix["isPreferred"] is True
    fixed = edited(text, fix["edit"]["changes"][uri])
    assert "gpu_memory > 60" not in fixed
    uri = editor.open("fixed.rules.yaml", fixed)
    assert editor.diagnostics(uri) == []


def test_a_fix_that_is_not_proved_says_so_and_is_not_preferred(editor: Editor) -> None:
    text = (
        HEAD
        + "  - {name: one, condition: gpu_count > 4, action: pause_transfer}\n"
        + "  - {name: two, condition: 4 < gpu_count, action: pause_transfer}\n"
    )
    uri, found = one(editor, text, "GPR302")
    (fix,) = (a for title, a in actions(editor, uri, found["range"]).items() if title.startswith("GPR302"))
    assert fix["title"].endswith("(may change the meaning)")
    assert fix["isPreferred"] is False
    assert edited(text, fix["edit"]["changes"][uri]) == "".join(text.splitlines(True)[:-1])


def test_a_finding_of_the_analysis_can_be_silenced_and_the_suppression_counts_as_used(editor: Editor) -> None:
    text = HEAD + "  - name: a\n    condition: gpu_memory > 90 AND gpu_memory < 10\n    action: pause_transfer\n"
    uri, found = one(editor, text, "GPR201")
    edit = actions(editor, uri, found["range"])["Suppress GPR201 here"]["edit"]["changes"][uri]
    silenced = edited(text, edit).replace('""', '"a drill"')
    other = editor.open("b.rules.yaml", silenced)
    assert editor.diagnostics(other) == []
    last = editor.open("c.rules.yaml", text)
    editor.diagnostics(last, "GPR201")  # one after the other, so b has been analyzed too
    assert editor.published(other) == 1
