"""CommandGroup that read a ruleset take it from stdin too, under a name of its own."""

import io
from pathlib import Path
from typing import Any

import pytest

BASE = "version: 1\nname: base\nrules:\n  - {name: full, condition: gpu_memory > 80, action: pause_transfer}\n"
SITE = "version: 1\nname: site\nextends: [base.yaml]\nrules: []\n"
SNAPSHOT = '{"gpus": [{"index": 0, "memory": 91}]}'
COMMANDS = [
    ("lint", "-"),
    ("eval", "-r", "-", "--snapshot", SNAPSHOT),
    ("explain", "-", "--snapshot", SNAPSHOT),
    ("diff", "-", "site/base.yaml"),
    ("run", "-", "--source", "synthetic:gpus=1", "--once"),
    ("watch", "-", "--source", "synthetic:gpus=1", "--once"),
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "base.yaml").write_text(BASE)


def with_stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_what_stdin_extends_is_looked_for_beside_its_name(
    gpurules: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    with_stdin(monkeypatch, SITE)
    done = gpurules(*arguments, "--stdin-filename", "site/rules.yaml")
    assert done.code == 0, done.err
    with_stdin(monkeypatch, SITE)
    assert gpurules(*arguments).code == 1  # there is no base.yaml here


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_mistake_in_stdin_stands_at_its_name(
    gpurules: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    with_stdin(monkeypatch, BASE.replace("gpu_memory", "gpu_memroy"))
    done = gpurules(*arguments, "--stdin-filename", "site/rules.yaml")
    assert done.code == 1
    assert "--> site/rules.yaml:4:29\n" in done.out + done.err
    assert "condition: gpu_memroy > 80" in done.out + done.err


TESTS = """
kind: gpurules/test
version: 1
rulesets: [base.yaml]
cases:
  - name: a full GPU pauses
    given: {snapshot: {gpus: [{index: 0, memory: 91%}]}}
    expect: [{rule: full, outcome: match}]
"""


def test_tests_come_from_stdin_too(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_stdin(monkeypatch, TESTS)
    assert gpurules("test", "-", "--stdin-filename", "site/base.test.yaml").code == 0
    with_stdin(monkeypatch, TESTS.replace("match", "no-match"))
    done = gpurules("test", "-", "--stdin-filename", "site/base.test.yaml")
    assert done.code == 1
    assert "FAIL  site/base.test.yaml: a full GPU pauses\n  --> site/base.test.yaml:8:" in done.out
    with_stdin(monkeypatch, TESTS)
    assert gpurules("test", "-").code == 1, "there is no base.yaml here"


@pytest.mark.parametrize("option", ["--mutate", "--update"])
def test_what_needs_a_file_says_so(gpurules: Any, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    with_stdin(monkeypatch, TESTS)
    done = gpurules("test", "-", option)
    assert done.code == 2 and "need the tests in a file" in done.err
