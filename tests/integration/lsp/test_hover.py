"""What is said of a name when the cursor rests on it."""

from collections.abc import Iterator

import pytest

from tests.integration.lsp.client import Editor, place

TEXT = """\
version: 1
name: node
inputs:
  limit: {type: number, unit: C, default: 83C}
define:
  weights: ['model', 'tensor']
signals:
  pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}
rules:
  - name: hold
    condition: >-
      any(gpu_temperature > limit) AND gpu_name != '😀'
      AND pressure AND file_type IN weights
    for: 10s
    action: log
    parameters: {level: info, message: "at {gpu_power}, ${limit}"}
"""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    with Editor(tmp_path_factory.mktemp("hovered")) as started:
        yield started


def hovered(editor: Editor, text: str) -> tuple[str, str]:
    """Return what is said at the ``|`` of *text*, and the text that it is said of; empty where nothing is."""
    content, position = place(text)
    uri = editor.open("a.rules.yaml", content)
    editor.diagnostics(uri)
    found = editor.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    if found is None:
        return "", ""
    where = found.get("range")
    if where is None:
        return found["contents"]["value"], ""
    line = content.split("\n")[where["start"]["line"]].encode("utf-16-le")
    of = line[where["start"]["character"] * 2 : where["end"]["character"] * 2].decode("utf-16-le")
    return found["contents"]["value"], of


@pytest.mark.parametrize(
    ("at", "name", "says"),
    [
        ("gpu_temp|erature", "gpu_temperature", ["**gpu_temperature**: celsius, of each GPU", "Missing", "Units: C"]),
        ("file_t|ype", "file_type", ["model, dataset"]),
        ("pre|ssure AND", "pressure", ["signal", "condition: gpu_memory > 85", "for: 30s", "line 8"]),
        ("IN weig|hts", "weights", ["definition", "model, tensor"]),
        ("> li|mit)", "limit", ["input", "default: 83C"]),
        ("an|y(", "any", ["any(condition)", "Whether it holds on some GPU"]),
        ("action: l|og", "log", ["**log**: effect", "`level` (debug or info"]),
        ("lev|el: info", "level", ["Default: `info`"]),
        ("{gpu_po|wer}", "gpu_power", ["watts"]),
        ("${lim|it}", "limit", ["default: 83C"]),
        ("f|or: 10s", "for", ["seconds", "TRUE for this long"]),
        ("cond|ition: >-", "condition", ["Condition of the rule's match"]),
        ("  pres|sure: {", "pressure", ["signal"]),
        ("name: ho|ld", "hold", ["rule", "condition:"]),
    ],
)
def test_a_name_says_what_it_is(editor: Editor, at: str, name: str, says: list[str]) -> None:
    plain = at.replace("|", "")
    assert plain in TEXT
    text, of = hovered(editor, TEXT.replace(plain, at, 1))
    assert of == name
    for part in says:
        assert part in text


@pytest.mark.parametrize("at", ["AN|D pressure", "'|😀'", "no|de\ninputs"])
def test_where_there_is_nothing_to_say_nothing_is_said(editor: Editor, at: str) -> None:
    quiet = TEXT.replace("    for: 10s\n", "").replace("action: log", "action: pause_transfer")
    quiet = quiet[: quiet.index("    parameters")]
    plain = at.replace("|", "")
    assert plain in quiet
    assert hovered(editor, quiet.replace(plain, at, 1)) == ("", "")


def test_a_finding_says_why_it_is_one(editor: Editor) -> None:
    text, _ = hovered(editor, TEXT.replace("gpu_temperature", "gpu_temp|rature"))
    assert "**GPR101 unknown-field**" in text
    assert "Prefer:" in text


def test_a_code_in_a_suppression_says_what_it_means(editor: Editor) -> None:
    text, _ = hovered(
        editor, TEXT.replace("  - name: hold", '  # gpurules: ignore[GPR6|01] reason="known"\n  - name: hold')
    )
    assert "**GPR601 flapping-risk**" in text
    wide = '  - name: hold\n    description: 😀😀😀😀😀😀  # gpurules: ignore[GP|R601] reason="known"'
    text, _ = hovered(editor, TEXT.replace("  - name: hold", wide))
    assert "**GPR601 flapping-risk**" in text


def test_names_are_known_while_other_lines_are_half_typed(editor: Editor) -> None:
    text, of = hovered(editor, TEXT.replace("    for: 10s\n", "    for\n").replace("pressure AND", "press|ure AND"))
    assert (of, "signal" in text) == ("pressure", True)
