"""Quick fixes, formatting, outline and folding."""

from typing import Any

import pytest

from tests.integration.lsp.client import Editor

TEXT = """\
version: 1
name: node
rules:
  - name: hold
    description: 😀 big ones
    condition: gpu_name == '😀' AND transfer_size > 1000000
    action: pause_transfer
  - name: wrong
    condition: gpu_memroy > 80
    action: pause_transfer
"""
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}


def actions(editor: Editor, uri: str, place: dict[str, Any], *only: str) -> dict[str, dict[str, Any]]:
    context: dict[str, Any] = {"diagnostics": [], **({"only": list(only)} if only else {})}
    asked = {"textDocument": {"uri": uri}, "range": place, "context": context}
    return {action["title"]: action for action in editor.ask("textDocument/codeAction", asked)}


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """Return *text* with *edits* made, as an editor would."""
    data = text.encode("utf-16-le")
    starts = [0]
    for line in text.splitlines(True):
        starts.append(starts[-1] + len(line.encode("utf-16-le")))

    def offset(position: dict[str, int]) -> int:
        return min(starts[position["line"]] + 2 * position["character"], len(data))

    for edit in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        start, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        data = data[:start] + edit["newText"].encode("utf-16-le") + data[end:]
    return data.decode("utf-16-le")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_finding_is_fixed_or_silenced(editor: Editor, line_end: str) -> None:
    text = TEXT.replace("\n", line_end)
    uri = editor.open("a.rules.yaml", text)
    found = {one["code"]: one for one in editor.diagnostics(uri)}
    offered = actions(editor, uri, found["GPR105"]["range"])
    (fix,) = (action for title, action in offered.items() if title.startswith("GPR105"))
    assert (fix["kind"], fix["isPreferred"], fix["diagnostics"][0]["code"]) == ("quickfix", True, "GPR105")
    assert edited(text, fix["edit"]["changes"][uri]) == text.replace("1000000", "1000000B")
    silence = offered["Suppress GPR105 here"]
    comment = f'  # gpurules: ignore[GPR105] reason=""{line_end}'
    silenced = edited(text, silence["edit"]["changes"][uri])
    assert silenced == text.replace("  - name: hold", f"{comment}  - name: hold")
    editor.change(uri, silenced.replace('""', '"they are all large"'))
    assert [one["code"] for one in editor.diagnostics(uri)] == ["GPR101"]


def test_only_what_is_wrong_in_the_range_is_offered(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", TEXT)
    editor.diagnostics(uri)
    first = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    assert actions(editor, uri, first) == {}
    assert "Suppress GPR101 here" in actions(editor, uri, WHOLE)


def test_a_finding_outside_of_rules_is_silenced_above_its_line(editor: Editor) -> None:
    text = TEXT.replace("rules:", "define:\n  big: transfer_size > 1\nrules:")
    text = text.replace("gpu_memroy > 80\n    action: pause_transfer", "big\n    action: limit_concurrency")
    text += "    parameters: {max_concurrency: 1}\n"
    uri = editor.open("a.rules.yaml", text)
    (found,) = (one for one in editor.diagnostics(uri) if one["range"]["start"]["line"] == 3)
    edit = actions(editor, uri, found["range"])["Suppress GPR105 here"]["edit"]["changes"][uri]
    silenced = edited(text, edit)
    assert silenced.split("\n")[3] == '  # gpurules: ignore[GPR105] reason=""'
    editor.change(uri, silenced)
    assert sorted(one["code"] for one in editor.diagnostics(uri)) == ["GPR105", "GPR903"]


def test_an_error_of_the_file_itself_cannot_be_silenced(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", TEXT + "\tx: 1\n")
    assert [one["code"] for one in editor.diagnostics(uri)] == ["GPR001"]
    assert actions(editor, uri, WHOLE) == {}


def test_all_safe_fixes_are_made_at_once_where_that_is_asked_for(editor: Editor) -> None:
    text = TEXT.replace("gpu_memroy > 80", "transfer_size < 4000000")
    uri = editor.open("a.rules.yaml", text)
    editor.diagnostics(uri)
    for only in ("source.fixAll.gpurules", "source.fixAll", "source"):
        (action,) = actions(editor, uri, WHOLE, only).values()
        assert action["kind"] == "source.fixAll.gpurules"
        fixed = edited(text, action["edit"]["changes"][uri])
        assert fixed == text.replace("000000", "000000B")
    assert actions(editor, uri, WHOLE, "refactor") == {}
    assert "Apply all safe fixes" not in actions(editor, uri, WHOLE)


def test_an_unsafe_fix_says_so_and_is_not_preferred(editor: Editor) -> None:
    text = TEXT.replace("gpu_memroy > 80", "TRUE").replace("name: hold", "name: Hold")
    (editor.folder / "gpurules.toml").write_text('extend-select = ["GPR7"]\n', encoding="utf-8")
    uri = editor.open("a.rules.yaml", text)
    editor.diagnostics(uri)
    unsafe = [a for title, a in actions(editor, uri, WHOLE).items() if title.endswith("(may change the meaning)")]
    assert unsafe
    assert not any(action["isPreferred"] for action in unsafe)


MESSY = """\
version:   1
name: node
rules:
- name: a   # mine
  condition: gpu_memory>80
  action:   log
- name: b
  condition: gpu_memory>90
  action: log
"""
NEAT = """\
version: 1
name: node
rules:
  - name: a   # mine
    condition: gpu_memory > 80
    action: log
  - name: b
    condition: gpu_memory > 90
    action: log
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["a.rules.yaml", "😀.rules.yaml"])
def test_a_whole_file_is_laid_out(editor: Editor, line_end: str, name: str) -> None:
    text = MESSY.replace("\n", line_end)
    uri = editor.open(name, text)
    options = {"tabSize": 2, "insertSpaces": True}
    edits = editor.ask("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options})
    assert edited(text, edits) == NEAT.replace("\n", line_end)
    editor.change(uri, edited(text, edits))
    assert editor.ask("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options}) == []


def test_a_part_is_laid_out_where_the_rest_still_fits(editor: Editor) -> None:
    text = NEAT.replace("gpu_memory > 80", "gpu_memory>80").replace("gpu_memory > 90", "gpu_memory>90")
    uri = editor.open("a.rules.yaml", text)

    def laid_out(first: int, last: int) -> str:
        place = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
        asked = {"textDocument": {"uri": uri}, "range": place, "options": {"tabSize": 2, "insertSpaces": True}}
        return edited(text, editor.ask("textDocument/rangeFormatting", asked))

    assert laid_out(4, 4) == text.replace("gpu_memory>80", "gpu_memory > 80")
    assert laid_out(0, 8) == NEAT
    assert laid_out(0, 1) == text


def test_what_cannot_be_laid_out_stays(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", MESSY + "\tx")
    options = {"tabSize": 2, "insertSpaces": True}
    assert editor.ask("textDocument/formatting", {"textDocument": {"uri": uri}, "options": options}) == []


def test_the_outline_has_sections_names_and_rules(editor: Editor) -> None:
    text = NEAT.replace("rules:", "signals:\n  hot: {condition: gpu_temperature > 85}\nrules:")
    uri = editor.open("a.rules.yaml", text)
    found = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    outline = [(one["name"], [(inner["name"], inner["detail"]) for inner in one["children"]]) for one in found]
    assert outline == [
        ("version", []),
        ("name", []),
        ("signals", [("hot", "gpu_temperature > 85")]),
        ("rules", [("a", "gpu_memory > 80"), ("b", "gpu_memory > 90")]),
    ]
    rule = found[3]["children"][0]
    assert (rule["range"]["start"]["line"], rule["range"]["end"]["line"]) == (5, 7)
    folds = editor.ask("textDocument/foldingRange", {"textDocument": {"uri": uri}})
    assert [(fold["startLine"], fold["endLine"]) for fold in folds] == [(2, 3), (4, 10), (5, 7), (8, 10)]
