"""Go to a name, find it, and give it another, across the files that share it."""

import re
from typing import Any

import pytest

from tests.integration.lsp.client import Editor, place
from tests.integration.lsp.test_diagnostics import text_at
from tests.integration.lsp.test_fixing import edited

BASE = """\
version: 1
name: base
inputs:
  limit: {type: number, unit: C, default: 83C}
define:
  hot: gpu_temperature > limit  # limit of the "hot" kind
signals:
  pressure: {condition: gpu_memory > 85 AND NOT hot, for: 30s}
rules:
  - name: hold
    condition: >-
      pressure AND gpu_name != '😀 pressure'
      AND pressure  # pressure again
    action: log
    parameters: {message: "{pressure} at ${limit}"}
"""
TOP = """\
version: 1
name: top
extends:
  - {from: ./base.rules.yaml, with: {limit: 70C}}
signals:
  both: {condition: "pressure AND hot"}
rules:
  - name: hold
    override: true
    condition: 'both OR pressure'
"""
TEST = """\
kind: gpurules/test
version: 1
rulesets: [top.rules.yaml]
cases:
  - name: one
    expect: {rule: hold, outcome: unknown}
properties:
  - {name: p, never: {if: pressure, all_match: [hold]}}
"""
OTHER = "version: 1\nname: other\nsignals:\n  pressure: {condition: gpu_memory > 1}\n"


@pytest.fixture
def editor(editor: Editor) -> Editor:
    """An editor in a folder of four files, of which one has nothing to do with the others."""
    for name, text in [("base.rules", BASE), ("top.rules", TOP), ("top.test", TEST), ("other.rules", OTHER)]:
        (editor.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return editor


def at(editor: Editor, name: str, text: str, mark: str) -> dict[str, Any]:
    """Open *text* as *name* and return the place of the ``|`` in *mark*, a part of it."""
    plain = mark.replace("|", "")
    assert text.count(plain) >= 1
    content, position = place(text.replace(plain, mark, 1))
    assert content == text
    return {"textDocument": {"uri": editor.open(name, text)}, "position": position}


def covered(editor: Editor, location: dict[str, Any]) -> tuple[str, int, str]:
    """Return the name of a location's file, its line from 1, and what it covers."""
    name = location["uri"].rpartition("/")[2]
    start, end = location["range"]["start"], location["range"]["end"]
    line = (editor.folder / name).read_text(encoding="utf-8").split("\n")[start["line"]].encode("utf-16-le")
    assert start["line"] == end["line"]
    return name, start["line"] + 1, line[start["character"] * 2 : end["character"] * 2].decode("utf-16-le")


@pytest.mark.parametrize(
    ("mark", "where"),
    [
        ("pres|sure AND gpu_name", ("base.rules.yaml", 8, "pressure")),
        ("NOT ho|t", ("base.rules.yaml", 6, "hot")),
        ("> lim|it ", ("base.rules.yaml", 4, "limit")),
        ("${lim|it}", ("base.rules.yaml", 4, "limit")),
        ("{pres|sure}", ("base.rules.yaml", 8, "pressure")),
    ],
)
def test_a_name_leads_to_where_it_is_declared(editor: Editor, mark: str, where: tuple[str, int, str]) -> None:
    found = editor.ask("textDocument/definition", at(editor, "base.rules.yaml", BASE, mark))
    assert covered(editor, found) == where


@pytest.mark.parametrize(
    ("mark", "where"),
    [
        ("OR pres|sure", ("base.rules.yaml", 8, "pressure")),
        ("bo|th OR", ("top.rules.yaml", 6, "both")),
        ("name: ho|ld", ("base.rules.yaml", 10, "hold")),
        ("lim|it: 70C", ("base.rules.yaml", 4, "limit")),
    ],
)
def test_it_leads_to_a_base(editor: Editor, mark: str, where: tuple[str, int, str]) -> None:
    found = editor.ask("textDocument/definition", at(editor, "top.rules.yaml", TOP, mark))
    assert covered(editor, found) == where


def test_a_base_and_a_tested_ruleset_lead_to_their_files(editor: Editor) -> None:
    found = editor.ask("textDocument/definition", at(editor, "top.rules.yaml", TOP, "./base|.rules"))
    assert (found["uri"], found["range"]["start"]["line"]) == (editor.uri("base.rules.yaml"), 0)
    found = editor.ask("textDocument/definition", at(editor, "top.test.yaml", TEST, "[to|p.rules"))
    assert found["uri"] == editor.uri("top.rules.yaml")
    shipped = "version: 1\nname: x\nextends: [gpurules:thermal]\n"
    found = editor.ask("textDocument/definition", at(editor, "x.rules.yaml", shipped, "gpurules:th|ermal"))
    assert found["uri"].endswith("/rulesets/thermal.yaml")


def test_a_rule_that_a_test_names_leads_to_the_rule(editor: Editor) -> None:
    found = editor.ask("textDocument/definition", at(editor, "top.test.yaml", TEST, "rule: ho|ld"))
    assert covered(editor, found) == ("base.rules.yaml", 10, "hold")


@pytest.mark.parametrize("mark", ["gpu_mem|ory", "AN|D", "😀 pres|sure", "# pres|sure again", "name: ba|se"])
def test_what_is_declared_nowhere_leads_nowhere(editor: Editor, mark: str) -> None:
    assert editor.ask("textDocument/definition", at(editor, "base.rules.yaml", BASE, mark)) is None


def references(editor: Editor, asked: dict[str, Any], with_declaration: bool) -> list[tuple[str, int, str]]:
    found = editor.ask("textDocument/references", {**asked, "context": {"includeDeclaration": with_declaration}})
    return sorted(covered(editor, location) for location in found)


PRESSURE = [
    ("base.rules.yaml", 8),
    ("base.rules.yaml", 12),
    ("base.rules.yaml", 13),
    ("base.rules.yaml", 15),
    ("top.rules.yaml", 6),
    ("top.rules.yaml", 10),
    ("top.test.yaml", 8),
]


@pytest.mark.parametrize("mark", ["pres|sure: {", "pres|sure AND gpu_name"])
def test_all_uses_of_a_signal_are_found_in_every_file_that_shares_it(editor: Editor, mark: str) -> None:
    asked = at(editor, "base.rules.yaml", BASE, mark)
    wanted = [(name, line, "pressure") for name, line in PRESSURE]
    assert references(editor, asked, True) == wanted
    assert references(editor, asked, False) == wanted[1:]


def test_uses_are_found_from_any_of_the_files_and_rules_in_tests(editor: Editor) -> None:
    asked = at(editor, "top.rules.yaml", TOP, "OR pres|sure")
    assert references(editor, asked, True) == [(name, line, "pressure") for name, line in PRESSURE]
    rule = at(editor, "base.rules.yaml", BASE, "name: ho|ld")
    wanted = [("base.rules.yaml", 10), ("top.rules.yaml", 8), ("top.test.yaml", 6), ("top.test.yaml", 8)]
    assert references(editor, rule, True) == [(name, line, "hold") for name, line in wanted]


def test_highlights_are_those_of_the_file_itself(editor: Editor) -> None:
    found = editor.ask("textDocument/documentHighlight", at(editor, "base.rules.yaml", BASE, "pres|sure: {"))
    assert [(one["range"]["start"]["line"] + 1, one["kind"]) for one in found] == [(8, 3), (12, 2), (13, 2), (15, 2)]


def after(editor: Editor, edit: dict[str, Any]) -> dict[str, str]:
    """Return the files that *edit* changes, changed."""
    texts = {}
    for uri, edits in edit["changes"].items():
        name = uri.rpartition("/")[2]
        lines = [
            line.encode("utf-16-le") for line in (editor.folder / name).read_text(encoding="utf-8").splitlines(True)
        ]
        for one in sorted(edits, key=lambda e: (e["range"]["start"]["line"], e["range"]["start"]["character"]))[::-1]:
            start, end = one["range"]["start"], one["range"]["end"]
            line = lines[start["line"]]
            new = one["newText"].encode("utf-16-le")
            lines[start["line"]] = line[: start["character"] * 2] + new + line[end["character"] * 2 :]
        texts[name] = b"".join(lines).decode("utf-16-le")
    return texts


def test_a_signal_is_renamed_everywhere_and_texts_and_comments_stay(editor: Editor) -> None:
    asked = at(editor, "top.rules.yaml", TOP, "OR pres|sure")
    prepared = editor.ask("textDocument/prepareRename", asked)
    assert prepared["placeholder"] == "pressure"
    texts = after(editor, editor.ask("textDocument/rename", {**asked, "newName": "squeeze"}))
    assert texts["base.rules.yaml"] == (
        BASE.replace("  pressure:", "  squeeze:")
        .replace("      pressure AND gpu", "      squeeze AND gpu")
        .replace("AND pressure  #", "AND squeeze  #")
        .replace("{pressure}", "{squeeze}")
    )
    assert texts["top.rules.yaml"] == TOP.replace("pressure", "squeeze")
    assert texts["top.test.yaml"] == TEST.replace("pressure", "squeeze")
    assert "other.rules.yaml" not in texts


def test_inputs_definitions_and_rules_are_renamed(editor: Editor) -> None:
    limit = after(
        editor,
        editor.ask("textDocument/rename", {**at(editor, "base.rules.yaml", BASE, "> lim|it"), "newName": "most"}),
    )
    assert limit["top.rules.yaml"] == TOP.replace("limit", "most")
    assert limit["base.rules.yaml"] == BASE.replace("  limit:", "  most:").replace("> limit ", "> most ").replace(
        "${limit}", "${most}"
    )
    rule = after(
        editor,
        editor.ask("textDocument/rename", {**at(editor, "top.test.yaml", TEST, "rule: ho|ld"), "newName": "wait-2"}),
    )
    assert rule["base.rules.yaml"] == BASE.replace("name: hold", "name: wait-2")
    assert rule["top.test.yaml"] == TEST.replace("hold", "wait-2")


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("hot", "'hot' is taken"),
        ("both", "'both' is taken"),
        ("gpu_power", "is a field"),
        ("and", "is a keyword of the language"),
        ("any", "is a function"),
        ("9lives", "cannot be a name"),
        ("", "cannot be a name"),
        ("a b", "cannot be a name"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused_with_the_reason(editor: Editor, new: str, reason: str) -> None:
    asked = at(editor, "base.rules.yaml", BASE, "pres|sure: {")
    answer = editor.answer("textDocument/rename", {**asked, "newName": new})
    assert reason in answer["error"]["message"]


def test_nothing_is_renamed_while_a_file_cannot_be_read(editor: Editor) -> None:
    editor.open("top.rules.yaml", TOP + "  - name\n    x: 1\n   y: pressure\n")
    asked = at(editor, "base.rules.yaml", BASE, "pres|sure: {")
    answer = editor.answer("textDocument/rename", {**asked, "newName": "squeeze"})
    assert "fix" in answer["error"]["message"]
    assert "top.rules.yaml" in answer["error"]["message"]


@pytest.mark.parametrize("mark", ["gpu_mem|ory", "lo|g\n", "acti|on"])
def test_what_has_no_name_of_ours_cannot_be_renamed(editor: Editor, mark: str) -> None:
    asked = at(editor, "base.rules.yaml", BASE, mark)
    assert editor.ask("textDocument/prepareRename", asked) is None
    assert editor.ask("textDocument/rename", {**asked, "newName": "x"}) is None


def test_a_label_and_a_shipped_name_keep_their_names(editor: Editor) -> None:
    text = "version: 1\nname: x\nextends: [gpurules:thermal]\nfields: {tenant: {type: string, scope: transfer}}\n"
    asked = at(editor, "x.rules.yaml", text, "ten|ant")
    assert editor.ask("textDocument/prepareRename", asked) is None
    answer = editor.answer("textDocument/rename", {**asked, "newName": "owner"})
    assert "label" in answer["error"]["message"]


STYLES = [
    "pressure AND NOT pressure",
    "'pressure AND NOT pressure'",
    '"pressure \\u0041ND \\x4eOT pressure"',
    "|\n      # pressure 😀\n      pressure AND\n      NOT pressure",
    ">-\n      pressure AND\n      NOT pressure",
    "pressure\n      AND NOT pressure",
    '"pressure\n\n      AND NOT \\\n      pressure"',
    "'pressure and gpu_name == ''😀 pressure'' and pressure'",
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_name_is_found_and_renamed_in_every_style_of_scalar(
    editor: Editor, style: str, line_end: str, mark: str
) -> None:
    head = (
        "version: 1\nname: x\nsignals:\n  pressure: {condition: gpu_memory > 85}\nrules:\n  - name: a\n    condition: "
    )
    text = (mark + head + style + "\n    action: pause_transfer\n").replace("\n", line_end)
    uri = editor.open("style.rules.yaml", text)
    asked = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 4}}
    found = editor.ask("textDocument/references", {**asked, "context": {"includeDeclaration": True}})
    assert [text_at(text, one["range"]) for one in found] == ["pressure"] * 3
    edits = editor.ask("textDocument/rename", {**asked, "newName": "squeeze_2"})["changes"][uri]
    names = re.compile(r"(?<!# )(?<!😀 )pressure")
    assert edited(text, edits) == names.sub("squeeze_2", text)


def test_the_facts_of_a_test_are_completed(editor: Editor) -> None:
    head = "kind: gpurules/test\nversion: 1\nrulesets: [base.rules.yaml]\ncases:\n  - name: x\n    given:\n"
    for typed, wanted in [
        ("      snapshot: {gpus: [{|}]}", "temperature: "),
        ("      transfer:\n        |", "file_type: "),
        ("      |", "workload: "),
        ("      node: {|}", "pending_transfers: "),
    ]:
        content, position = place(head + typed + "\n    expect: {rule: hold, outcome: match}\n")
        uri = editor.open("facts.test.yaml", content)
        items = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})["items"]
        assert wanted in [item["label"] for item in items], typed
