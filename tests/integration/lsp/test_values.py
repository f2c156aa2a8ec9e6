"""With facts at hand, hover shows the values of names and rules on them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lsp.client import Editor, place

TEXT = """\
version: 1
name: node
inputs:
  limit: {type: number, unit: C, default: 83C}
define:
  weights: ['model', 'tensor']
  hot: any(gpu_temperature > limit)
signals:
  pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}
rules:
  - name: hold
    condition: pressure AND file_type IN weights
    action: pause_transfer
  - name: wait
    condition: hot AND active_training
    action: pause_transfer
"""
SNAPSHOT = {"gpus": [{"index": 0, "temperature": 91, "memory": 90}, {"index": 1, "power": 100}]}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "node.jsonl"
    path.write_text(f'{{"gpus": []}}\n{json.dumps(SNAPSHOT)}\n', encoding="utf-8")
    return path


@pytest.fixture
def editor(tmp_path: Path, recording: Path) -> Iterator[Editor]:
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    facts = {"GPURULES_SNAPSHOT": str(recording), "GPURULES_TRANSFER": '{"path": "/m/a.safetensors"}'}
    with Editor(tmp_path, **facts, GPURULES_NODE='{"active_training": true}') as started:
        yield started


def value(editor: Editor, at: str, text: str = TEXT) -> str:
    """Return what is said of the value at the ``|`` in *at*, a part of the text; empty where nothing is."""
    plain = at.replace("|", "")
    assert plain in text
    content, position = place(text.replace(plain, at, 1))
    uri = editor.open("a.rules.yaml", content)
    found = editor.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    said: str = found["contents"]["value"].rpartition("\n\n")[2]
    return said if said.startswith("Now") else ""


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("gpu_temp|erature", "Now: GPU 0 91 C, GPU 1 missing"),
        ("any(gpu|_temp", "Now: GPU 0 91 C, GPU 1 missing"),
        ("file_t|ype", "Now: 'model'"),
        ("active_tr|aining", "Now: TRUE"),
        ("pres|sure AND", "Now, by its condition alone: GPU 0 TRUE, GPU 1 unknown"),
        ("  pres|sure: {", "Now, by its condition alone: GPU 0 TRUE, GPU 1 unknown"),
        ("ho|t AND", "Now: TRUE"),
        ("  ho|t: any", "Now: TRUE"),
        ("name: ho|ld", "Now it matches on GPU 0: "),
        ("cond|ition: pressure AND", "Now it matches on GPU 0: "),
        ("name: wa|it", "Now it matches: "),
    ],
)
def test_a_name_shows_its_value(editor: Editor, at: str, says: str) -> None:
    reported = value(editor, at)
    assert reported.startswith(says)
    assert reported.endswith("(node.jsonl, the JSON given, the JSON given).")


@pytest.mark.parametrize("at", ["IN wei|ghts", "  lim|it: {", "an|y(", "ac|tion: pause"])
def test_what_has_no_value_shows_none(editor: Editor, at: str) -> None:
    assert value(editor, at) == ""


def test_fields_have_values_while_the_rules_cannot_be_loaded(editor: Editor) -> None:
    text = TEXT.replace("pressure AND", "nope AND gpu_power > 3 AND")
    assert value(editor, "gpu_po|wer", text).startswith("Now: GPU 0 missing, GPU 1 100 W")
    assert value(editor, "name: ho|ld", text) == ""


def test_a_recording_that_grows_is_read_again(editor: Editor, recording: Path) -> None:
    with recording.open("a", encoding="utf-8") as file:
        file.write('{"gpus": [{"index": 0, "temperature": 40}, {"index": 1, "temperature": 40}]}\n{"gpus": [')
    assert value(editor, "gpu_temp|erature").startswith("Now: 40 C on all 2 GPUs")


@pytest.mark.parametrize(("content", "why"), [("nonsense\n", "is not a JSON object"), (None, "No such file")])
def test_facts_that_become_unreadable_are_reported_and_come_back(
    editor: Editor, recording: Path, content: str | None, why: str
) -> None:
    if content is None:
        recording.unlink()
    else:
        recording.write_text(content, encoding="utf-8")
    content, position = place(TEXT.replace("gpu_temperature", "gpu_temp|erature"))
    asked = {"textDocument": {"uri": editor.open("a.rules.yaml", content)}, "position": position}
    said = editor.ask("textDocument/hover", asked)["contents"]["value"]
    assert "No value now: --snapshot: " in said
    assert why in said
    recording.write_text('{"gpus": [{"index": 0, "temperature": 40}]}\n', encoding="utf-8")
    assert value(editor, "gpu_temp|erature").startswith("Now: GPU 0 40 C")


@pytest.mark.parametrize(
    ("given", "why"),
    [("none.json", "No such file"), ("-", "stdin belongs to the editor"), ('{"gpus": 3}', "--snapshot: ")],
)
def test_facts_that_cannot_be_read_at_first_end_it_with_the_reason(tmp_path: Path, given: str, why: str) -> None:
    pytest.importorskip("pygls", reason="the language server needs the extra lsp")
    command: list[Any] = [sys.executable, "-m", "gpurules", "lsp", "--snapshot", given]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
