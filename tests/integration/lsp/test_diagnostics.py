"""What is wrong with a text is said while it is typed."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.lsp.client import Editor

RULESET = """\
version: 1
name: node
rules:
  - name: hold
    condition: {}
    action: pause_transfer
"""


def text_at(text: str, place: dict[str, Any]) -> str:
    """Return what a range of one line covers, its columns counted in UTF-16."""
    line = text.replace("\r\n", "\n").split("\n")[place["start"]["line"]].encode("utf-16-le")
    assert place["start"]["line"] == place["end"]["line"]
    return line[place["start"]["character"] * 2 : place["end"]["character"] * 2].decode("utf-16-le")


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [one.get("code", "") for one in found]


def test_a_mistake_is_shown_with_its_place_severity_advice_and_page(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", RULESET.format("gpu_memroy > 80"))
    (found,) = editor.diagnostics(uri)
    assert text_at(RULESET.format("gpu_memroy > 80"), found["range"]) == "gpu_memroy"
    assert (found["code"], found["severity"], found["source"]) == ("GPR101", 1, "gpurules")
    assert "did you mean 'gpu_memory'?" in found["message"]
    page = Path(found["codeDescription"]["href"].removeprefix("file://"))
    assert page.read_text(encoding="utf-8").startswith("# GPR101 unknown-field")


def test_what_was_typed_counts_and_not_what_is_saved(editor: Editor) -> None:
    (editor.folder / "a.rules.yaml").write_text(RULESET.format("gpu_memory > 80"), encoding="utf-8")
    uri = editor.open("a.rules.yaml")
    assert editor.diagnostics(uri) == []
    editor.change(uri, RULESET.format("gpu_memory >"))
    assert codes(editor.diagnostics(uri)) == ["GPR003"]
    editor.change(uri, RULESET.format("gpu_memory > 90"))
    assert editor.diagnostics(uri) == []


@pytest.mark.parametrize(
    "condition",
    [
        "gpu_name == '語語' AND nope > 1",
        "gpu_name == '😀😀' AND nope > 1",
        "\"gpu_name == '\\U0001F600 😀' AND nope > 1\"",
        "'gpu_name == ''😀'' AND nope > 1'",
        "|\n      gpu_name == '😀'\n      AND nope > 1",
        ">-\n      gpu_name == '😀' AND nope > 1",
        "gpu_name == '😀'\n      AND nope > 1",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_columns_are_utf16_in_every_style_of_scalar(editor: Editor, condition: str, line_end: str, mark: str) -> None:
    text = mark + RULESET.format(condition).replace("\n", line_end)
    (found,) = editor.diagnostics(editor.open("a.rules.yaml", text))
    assert text_at(text, found["range"]) == "nope"


@pytest.mark.parametrize(("encoding", "wide"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
def test_columns_are_in_the_units_that_were_agreed_on(tmp_path: Path, encoding: str, wide: int) -> None:
    with Editor(tmp_path, [encoding]) as editor:
        assert editor.capabilities["positionEncoding"] == encoding
        (found,) = editor.diagnostics(editor.open("a.rules.yaml", RULESET.format("gpu_name == '😀' AND nope > 1")))
        assert found["range"]["start"]["character"] == len("    condition: gpu_name == '' AND ") + wide


def test_warnings_and_hints_have_their_severity_and_second_place(editor: Editor) -> None:
    text = (
        RULESET.format("transfer_size > 1000000") + "  - name: hold\n    condition: gpu_memory > 1\n    action: log\n"
    )
    found = {one["code"]: one for one in editor.diagnostics(editor.open("a.rules.yaml", text))}
    assert found["GPR105"]["severity"] == 2
    (related,) = found["GPR301"]["relatedInformation"]
    assert related["message"] == "first here"
    assert related["location"]["range"]["start"]["line"] == 3


def test_the_configuration_and_suppressions_hold(editor: Editor) -> None:
    settings = editor.folder / "gpurules.toml"
    settings.write_text('ignore = ["GPR105"]\nexclude = ["old/*"]\nextend-select = ["GPR701"]\n', encoding="utf-8")
    text = RULESET.format("transfer_size > 1000000").replace("hold", "Hold")
    assert codes(editor.diagnostics(editor.open("a.rules.yaml", text))) == ["GPR701"]
    silenced = text.replace("- name: Hold", '- name: Hold  # gpurules: ignore[GPR701] reason="its old name"')
    assert editor.diagnostics(editor.open("b.rules.yaml", silenced)) == []
    assert editor.diagnostics(editor.open("old/c.rules.yaml", text)) == []


def test_a_configuration_that_changes_holds_at_once(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", RULESET.format("transfer_size > 1000000"))
    assert codes(editor.diagnostics(uri)) == ["GPR105"]
    (editor.folder / "gpurules.toml").write_text('ignore = ["GPR105"]\n', encoding="utf-8")
    editor.notify("workspace/didChangeWatchedFiles", {"changes": []})
    assert editor.diagnostics(uri) == []


def test_a_configuration_file_is_checked_itself(editor: Editor) -> None:
    uri = editor.open("gpurules.toml", 'selekt = ["GPR1"]\n')
    (found,) = editor.diagnostics(uri)
    assert (found["code"], found["range"]["end"]) == ("GPR906", {"line": 0, "character": 6})
    editor.change(uri, 'ignore = ["GPR1"]\nselect = \n')
    (found,) = editor.diagnostics(uri)
    assert "is not TOML" in found["message"]
    assert found["range"]["start"]["line"] == 1


def test_a_configuration_that_cannot_be_read_is_said_once_and_the_defaults_hold(editor: Editor) -> None:
    (editor.folder / "gpurules.toml").write_text("ignore = ", encoding="utf-8")
    for name in ("a.rules.yaml", "b.rules.yaml"):
        uri = editor.open(name, RULESET.format("transfer_size > 1000000"))
        assert codes(editor.diagnostics(uri)) == ["GPR105"]
    shown = [m["params"]["message"] for m in editor.notifications if m["method"] == "window/showMessage"]
    assert len(shown) == 1
    assert "the configuration is not in effect" in shown[0]


def test_an_error_in_a_base_stands_where_the_base_is_named(editor: Editor) -> None:
    base = RULESET.format("gpu_memroy > 80")
    (editor.folder / "base.yaml").write_text(base, encoding="utf-8")
    text = "version: 1\nname: top\nextends:\n  - ./base.yaml\n"
    (found,) = editor.diagnostics(editor.open("top.rules.yaml", text))
    assert text_at(text, found["range"]) == "./base.yaml"
    assert found["message"].startswith("base.yaml:5: no field")
    (related,) = found["relatedInformation"]
    assert related["location"]["uri"] == editor.uri("base.yaml")
    assert text_at(base, related["location"]["range"]) == "gpu_memroy"


def test_a_base_that_is_saved_is_looked_at_again(editor: Editor) -> None:
    base = editor.folder / "base.yaml"
    base.write_text(RULESET.format("gpu_memroy > 80"), encoding="utf-8")
    uri = editor.open("top.rules.yaml", "version: 1\nname: top\nextends: [./base.yaml]\n")
    assert codes(editor.diagnostics(uri)) == ["GPR101"]
    base.write_text(RULESET.format("gpu_memory > 80"), encoding="utf-8")
    editor.notify("textDocument/didSave", {"textDocument": {"uri": editor.uri("base.yaml")}})
    assert editor.diagnostics(uri) == []


def test_a_test_of_rules_is_checked_without_being_run(editor: Editor) -> None:
    (editor.folder / "a.rules.yaml").write_text(RULESET.format("gpu_memory > 80"), encoding="utf-8")
    text = """\
kind: gpurules/test
version: 1
rulesets: [a.rules.yaml]
cases:
  - name: one
    given: {}
    expect: {rule: hodl, outcome: match}
"""
    uri = editor.open("a.test.yaml", text)
    (found,) = editor.diagnostics(uri)
    assert found["code"] == "GPR808"
    assert "did you mean 'hold'?" in found["message"]
    editor.change(uri, text.replace("hodl", "hold").replace("outcome", "outcom"))
    assert codes(editor.diagnostics(uri)) == ["GPR401"]
    editor.change(uri, text.replace("a.rules", "gone.rules"))
    (found,) = editor.diagnostics(uri)
    assert "No such file" in found["message"]
    assert text_at(text.replace("a.rules", "gone.rules"), found["range"]) == "gone.rules.yaml"


@pytest.mark.parametrize(
    ("name", "text"),
    [("compose.yaml", "services:\n  a: {image: b}\n"), ("pod.yml", "apiVersion: v1\nkind: Pod\n"), ("a.toml", "x = ")],
)
def test_files_that_are_not_ours_are_left_in_peace(editor: Editor, name: str, text: str) -> None:
    assert editor.diagnostics(editor.open(name, text)) == []


def test_a_ruleset_of_any_name_is_known_by_its_keys(editor: Editor) -> None:
    assert codes(editor.diagnostics(editor.open("any.yaml", RULESET.format("nope")))) == ["GPR101"]


def test_a_text_that_is_closed_has_no_findings_any_more(editor: Editor) -> None:
    uri = editor.open("a.rules.yaml", RULESET.format("nope"))
    assert codes(editor.diagnostics(uri)) == ["GPR101"]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    del editor._versions[uri]
    assert editor.diagnostics(uri) == []
