"""What can be typed is offered where it can be typed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.lsp.client import Editor, place

HEAD = """\
version: 1
name: node
inputs:
  limit: {type: number, unit: C, default: 83C}
define:
  weights: ['model', 'tensor']
fields:
  tenant: {type: string, scope: transfer, description: who owns it}
signals:
  pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}
"""
RULES = HEAD + "rules:\n  - name: hold\n"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One server for all of them: nothing that is asked for changes anything."""
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    with Editor(tmp_path_factory.mktemp("typed")) as started:
        yield started


def offered(editor: Editor, text: str, name: str = "a.rules.yaml") -> dict[str, dict[str, Any]]:
    """Return what is offered at the ``|`` of *text*, by its label, likeliest first."""
    content, position = place(text)
    uri = editor.open(name, content)
    asked = {"textDocument": {"uri": uri}, "position": position}
    items = editor.ask("textDocument/completion", asked)["items"]
    return {item["label"]: item for item in sorted(items, key=lambda item: item["sortText"])}


def typed(text: str, item: dict[str, Any]) -> str:
    """Return the line of the ``|`` once *item* is taken."""
    content, position = place(text)
    line = content.split("\n")[position["line"]].encode("utf-16-le")
    edit = item["textEdit"]
    start, end = edit["range"]["start"], edit["range"]["end"]
    assert start["line"] == end["line"] == position["line"]
    done = line[: start["character"] * 2] + edit["newText"].encode("utf-16-le") + line[end["character"] * 2 :]
    return done.decode("utf-16-le").rstrip("\r")


@pytest.mark.parametrize(
    ("text", "wanted", "not_wanted"),
    [
        (HEAD + "|", {"rules: ", "settings: ", "extends: "}, {"version: ", "signals: ", "condition: "}),
        (HEAD + "ru|\n", {"rules: "}, {"name: "}),
        (RULES + "    |\n    action: log\n", {"condition: ", "priority: "}, {"name: ", "action: ", "actions: "}),
        (RULES + "    cond|\n    action: log\n", {"condition: "}, {"rules: "}),
        (RULES + "    cond|", {"condition: ", "action: "}, {"name: "}),
        (RULES + "    prio|: 3\n", {"priority"}, {"priority: "}),
        (RULES + "  - |\n", {"name: ", "condition: "}, set()),
        (HEAD + "rules:\n  |\n", {"- name: "}, set()),
        (HEAD + "  cold:\n    |\n", {"condition: ", "until: "}, {"action: "}),
        (HEAD + "  cold: {condition: gpu_memory > 3, unt|}\n", {"until: "}, {"condition: "}),
        (HEAD + "settings: {|}\n", {"stale_after: ", "timezone: "}, {"condition: "}),
        (HEAD + "settings: {on_stale: |}\n", {"release", "hold"}, {"gpu_memory"}),
        (HEAD + "settings:\n  timezone: Eur|\n", {"Europe/Berlin"}, set()),
        (HEAD.replace("scope: transfer", "scope: |"), {"gpu", "transfer"}, set()),
        (RULES + "    enabled: |\n", {"true", "false"}, set()),
        (RULES + "    for: 30|\n", {"30s", "30m"}, {"30%"}),
        (RULES + "    action: del|\n    priority: 3\n", {"delay_transfer", "webhook"}, {"gpu_memory"}),
        (RULES + "    actions:\n      - action: |\n", {"delay_transfer"}, set()),
        (RULES + "    action: delay_transfer\n    parameters:\n      |\n", {"delay: ", "running: "}, {"level: "}),
        (RULES + "    parameters: {|}\n    action: log\n", {"level: ", "message: "}, {"delay: "}),
        (RULES + "    action: log\n    parameters: {me|\n    priority: 3\n", {"message: "}, set()),
        (RULES + "    action: delay_transfer\n    parameters: {running: |}\n", {"ignore", "pause"}, set()),
        (RULES + '    action: delay_transfer\n    parameters: {delay: "${|"}\n', {"limit"}, {"pressure", "gpu_memory"}),
        (RULES + '    action: log\n    parameters: {message: "at {gpu_t|}"}\n', {"gpu_temperature", "rule"}, set()),
        (HEAD + "extends:\n  - |\n", {"gpurules:thermal", "./base.yaml"}, {"./a.rules.yaml"}),
    ],
)
def test_keys_and_values_are_offered_where_they_belong(
    editor: Editor, text: str, wanted: set[str], not_wanted: set[str]
) -> None:
    (editor.folder / "base.yaml").write_text("version: 1\nname: base\n", encoding="utf-8")
    found = offered(editor, text)
    assert wanted <= set(found)
    assert not not_wanted & set(found)


CONDITIONS = [
    "    condition: {}\n",
    "    condition: {}",
    '    condition: "{}"\n',
    '    condition: "{}\n',
    "    condition: |\n      gpu_power > 3W AND\n      {}\n    action: log\n",
    "    condition: >-\n      {}\n",
    "    condition: TRUE AND\n      {}\n    action: log\n",
    "    gpus: node\n    condition: {}\n    action log\n  - name broken\n",
]


@pytest.mark.parametrize("style", CONDITIONS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_conditions_complete_in_every_style_of_scalar(editor: Editor, style: str, line_end: str) -> None:
    mark = "¦"
    for before, wanted in [("gpu_mem", "gpu_memory"), ("NOT ", "pressure"), ("gpu_memory > 80 AND ", "tenant")]:
        text = (RULES + style.replace("{}", before + mark)).replace("\n", line_end)
        content, position = place(text, mark)
        uri = editor.open("a.rules.yaml", content)
        items = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})["items"]
        assert wanted in [item["label"] for item in items], before


@pytest.mark.parametrize(
    ("before", "choice", "after"),
    [
        ("    condition: gpu_mem|", "gpu_memory", "    condition: gpu_memory"),
        ("    condition: gpu_|memory > 80", "gpu_power", "    condition: gpu_power > 80"),
        ("    condition: file_type == '|'", "model", "    condition: file_type == 'model'"),
        ("    condition: file_type == '|", "model'", "    condition: file_type == 'model'"),
        ("    condition: file_type == ", "'model'", "    condition: file_type == 'model'"),
        ("    condition: 'file_type == |'", "'model'", "    condition: 'file_type == ''model'''"),
        ("    condition: gpu_name == '😀' AND gpu_t|", "gpu_temperature", None),
        ("    condition: av|(gpu_memory)", "avg", "    condition: avg(gpu_memory)"),
        ("    condition: transfer_size > 5Gi|", "GiB", "    condition: transfer_size > 5GiB"),
        ("    co|", "condition: ", "    condition: "),
    ],
)
def test_what_is_taken_replaces_the_word_that_was_begun(
    editor: Editor, before: str, choice: str, after: str | None
) -> None:
    text = RULES + (before if "|" in before else before + "|") + "\n"
    item = offered(editor, text)[choice]
    assert typed(text, item) == (after or before.replace("gpu_t|", "gpu_temperature"))


def test_an_offer_says_what_it_is(editor: Editor) -> None:
    found = offered(editor, RULES + "    condition: |\n")
    assert found["gpu_memory"]["detail"] == "percent"
    about = found["gpu_memory"]["documentation"]["value"]
    assert "memory in use" in about.lower() and "0 to 100 %" in about and "Missing" in about
    assert "condition: gpu_memory > 85" in found["pressure"]["documentation"]["value"]
    assert "who owns it" in found["tenant"]["documentation"]["value"].lower()
    assert found["avg_over_time("]["detail"] == "avg_over_time(field[1m])"
    action = offered(editor, RULES + "    action: |\n")["delay_transfer"]["documentation"]["value"]
    assert "`running` (ignore or pause, by default ignore)" in action


def test_values_of_an_enum_come_before_names(editor: Editor) -> None:
    assert next(iter(offered(editor, RULES + "    condition: file_type == |\n"))) == "'model'"


def test_inputs_of_a_base_are_offered_to_who_sets_them(editor: Editor) -> None:
    base = "version: 1\nname: base\ninputs:\n  limit: {type: number, unit: C, default: 83C}\n"
    (editor.folder / "base.yaml").write_text(base, encoding="utf-8")
    text = "version: 1\nname: top\nextends:\n  - from: ./base.yaml\n    with: {|}\n"
    assert list(offered(editor, text)) == ["limit: "]


def test_rules_of_a_base_are_offered_to_who_patches_them(editor: Editor) -> None:
    base = "version: 1\nname: base\nrules:\n  - {name: hold, condition: gpu_memory > 1, action: pause_transfer}\n"
    (editor.folder / "base.yaml").write_text(base, encoding="utf-8")
    text = "version: 1\nname: top\nextends: [./base.yaml]\nrules:\n  - name: |\n    override: true\n    priority: 3\n"
    assert list(offered(editor, text)) == ["hold"]


def test_tests_of_rules_complete_too(editor: Editor) -> None:
    # a name of its own: what is open in the editor counts before what is saved, and other tests open a.rules.yaml
    (editor.folder / "tested.rules.yaml").write_text(
        RULES + "    condition: pressure\n    action: pause_transfer\n", encoding="utf-8"
    )
    head = "kind: gpurules/test\nversion: 1\nrulesets: [tested.rules.yaml]\ncases:\n  - name: one\n"
    assert {"properties: ", "replay: "} <= set(offered(editor, head + "|", "a.test.yaml"))
    assert {"given: ", "expect: "} <= set(offered(editor, head + "    |\n", "a.test.yaml"))
    assert {"match", "suppressed"} <= set(offered(editor, head + "    expect: {outcome: |}\n", "a.test.yaml"))
    assert list(offered(editor, head + "    expect: {rule: |}\n", "a.test.yaml")) == ["hold"]
    proof = head + "properties:\n  - {name: p, always: {if: gpu_mem|}}\n"
    assert {"gpu_memory", "pressure"} <= set(offered(editor, proof, "a.test.yaml"))


@pytest.mark.parametrize("name", ["pod.yaml", "gpurules.toml", "notes.txt"])
def test_elsewhere_nothing_is_offered(editor: Editor, name: str) -> None:
    assert offered(editor, "kind: Pod\n|", name) == {}
