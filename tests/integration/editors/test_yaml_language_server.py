"""yaml-language-server reads our schemas, as the documentation says: it completes and checks by them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.editors.programs import ROOT, documented, program
from tests.integration.lsp.client import Editor, place


class YamlEditor(Editor):
    """An editor with yaml-language-server."""

    reports_versions = False

    def stop(self) -> int:
        """Leave without a word: it is ended anyway."""
        return 0


RULE = "  - name: a\n    condition: gpu_memory > 80\n"
RULES = documented("yaml").replace("rules: []\n", "rules:\n" + RULE)
TEST = """\
# yaml-language-server: $schema=./test.schema.json
kind: gpurules/test
version: 1
rulesets: [a.yaml]
cases:
  - name: x
"""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YamlEditor]:
    server = program("yaml-language-server")
    here: Path = tmp_path_factory.mktemp("yaml")
    for kind in ("ruleset", "test"):
        command = [sys.executable, "-m", "gpurules", "schema", "--kind", kind, "--output-file", f"{kind}.schema.json"]
        subprocess.run(command, cwd=here, check=True)
    YamlEditor.command = (server, "--stdio")
    with YamlEditor(here) as started:
        yield started


def opened(editor: YamlEditor, name: str, text: str) -> tuple[list[dict[str, Any]], set[str]]:
    """Return what is wrong with a text, and what is offered at its ``¦``."""
    content, position = place(text, "¦")
    uri = editor.open(name, content)
    found = editor.diagnostics(uri)
    got = editor.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
    items = got["items"] if isinstance(got, dict) else got or []
    return found, {item["label"] for item in items}


def test_the_modeline_of_the_documentation_names_the_schema() -> None:
    assert RULES.startswith("# yaml-language-server: $schema=./ruleset.schema.json\nversion: 1\n")
    assert RULE in RULES


@pytest.mark.parametrize(
    ("text", "offers", "not_offered"),
    [
        (RULES + "    ¦\n", {"action", "priority", "until"}, {"condition", "rules"}),
        (RULES + "    action: ¦\n", {"delay_transfer", "webhook"}, {"delay"}),
        (RULES + "    action: delay_transfer\n    parameters:\n      ¦\n", {"delay", "running"}, {"level"}),
        (TEST + "    expect: {rule: a, outcome: ¦}\n", {"match", "suppressed"}, {"for"}),
        (TEST + "    expect: []\n    ¦\n", {"given", "series", "table"}, {"cases", "name"}),
    ],
)  # fmt: skip
def test_it_completes(editor: YamlEditor, text: str, offers: set[str], not_offered: set[str]) -> None:
    _, offered = opened(editor, "complete.yaml", text)
    assert offers <= offered
    assert not offered & not_offered


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (RULES + "    action: log\n¦", None, ""),
        (RULES + "    action: dely\n¦", "    action: dely", "Value is not accepted"),
        (RULES + "    action: log\n    prioritty: 3\n¦", "    prioritty: 3", "Property prioritty is not allowed"),
        (RULES + "    action: log\n    parameters: {levl: info}\n¦", "    parameters: {levl: info}", "Property levl"),
        (RULES.replace("version: 1", "version: 2") + "    action: log\n¦", "version: 2", "Value must be 1"),
        (TEST + "    expect: {rule: a, outcome: match}\n¦", None, ""),
        (TEST + "    expect: {rule: a, outcome: mach}\n¦", "    expect: {rule: a, outcome: mach}", "not accepted"),
    ],
)
def test_it_finds_a_slip_at_its_place(editor: YamlEditor, text: str, line: str | None, says: str) -> None:
    found, _ = opened(editor, "check.yaml", text)
    if line is None:
        assert found == []
        return
    (one,) = found
    assert text.split("\n")[one["range"]["start"]["line"]] == line
    assert says in one["message"]


SHIPPED = [
    *(("ruleset", path) for path in sorted(ROOT.glob("rulesets/*.yaml"))),
    *(("test", path) for path in sorted(ROOT.glob("tests/rulesets/*.test.yaml"))),
    ("ruleset", ROOT / "gpurules/cli/templates/node.rules.yaml"),
    ("test", ROOT / "gpurules/cli/templates/node.test.yaml"),
]


@pytest.mark.parametrize(("kind", "path"), SHIPPED, ids=lambda one: getattr(one, "name", one))
def test_what_the_project_ships_is_right(editor: YamlEditor, kind: str, path: Path) -> None:
    text = f"# yaml-language-server: $schema=./{kind}.schema.json\n{path.read_text(encoding='utf-8')}"
    uri = editor.open(f"shipped.{kind}.yaml", text)
    assert editor.diagnostics(uri) == []


def test_the_schema_that_is_read_is_of_draft_seven(editor: YamlEditor) -> None:
    schema = json.loads((editor.folder / "ruleset.schema.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
