"""``gpurules fmt``."""

import io
from pathlib import Path
from typing import Any

import pytest

UGLY = "version:   1\nname: x\nrules:\n- name: a  # mine\n  condition: gpu_memory>80\n  action: pause_transfer\n"
GOOD = "version: 1\nname: x\nrules:\n  - name: a  # mine\n    condition: gpu_memory > 80\n    action: pause_transfer\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x.rules.yaml").write_text(UGLY)
    (tmp_path / "x.test.yaml").write_text("kind:   gpurules/test\ncases: []\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_changes_files(gpurules: Any, here: Path) -> None:
    done = gpurules("fmt")
    assert (done.code, done.out, done.err) == (0, "", "2 files: 2 changed, 0 failed\n")
    assert (here / "x.rules.yaml").read_text() == GOOD
    assert (here / "x.test.yaml").read_text() == "kind: gpurules/test\ncases: []\n"
    assert gpurules("fmt", "--check").code == 0


def test_check_names_them_and_diff_shows_them(gpurules: Any, here: Path) -> None:
    done = gpurules("fmt", "--check")
    assert (done.code, done.out) == (1, "x.rules.yaml\nx.test.yaml\n")
    done = gpurules("fmt", "--diff", "x.rules.yaml")
    assert done.code == 1
    assert "-  condition: gpu_memory>80\n" in done.out
    assert (here / "x.rules.yaml").read_text() == UGLY


def test_stdin_goes_to_stdout(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
    done = gpurules("fmt", "-")
    assert (done.code, done.out) == (0, GOOD)


def test_what_cannot_be_formatted_is_named_and_the_rest_goes_on(gpurules: Any, here: Path) -> None:
    (here / "a.rules.yaml").write_text("a: [")
    (here / "b.rules.yaml").write_bytes(b"\xff")
    (here / "c.rules.yaml").symlink_to("nowhere")
    done = gpurules("fmt")
    assert done.code == 1
    assert [line.split(":")[1].strip() for line in done.err.splitlines()[:3]] == [f"{n}.rules.yaml" for n in "abc"]
    assert (here / "x.rules.yaml").read_text() == GOOD


def test_usage(gpurules: Any, here: Path) -> None:
    assert gpurules("fmt", "none.yaml").code == 2
    assert gpurules("fmt", "gpurules:default").code == 2
    (here / "empty").mkdir()
    assert gpurules("fmt", "empty").code == 2
    assert gpurules("fmt", "empty", "--allow-empty").code == 0


def test_lint_says_that_a_file_is_not_formatted_and_fixes_it(gpurules: Any, here: Path) -> None:
    done = gpurules("lint", "--extend-select", "GPR704", "--output-format", "concise")
    assert "x.rules.yaml:1:1: GPR704" in done.out
    gpurules("lint", "--extend-select", "GPR704", "--fix")
    assert (here / "x.rules.yaml").read_text() == GOOD
