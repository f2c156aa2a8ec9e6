"""``gpurules build``: what it writes, what it refuses, and what it leaves alone."""

from pathlib import Path
from typing import Any

import pytest

RULESET = r"""
version: 1
name: held
rules:
  - {name: big, condition: transfer_size > 5, action: pause_transfer}
  - {name: odd, condition: "path MATCHES '\\\\C'", action: pause_transfer}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "held.rules.yaml").write_text(RULESET)
    (tmp_path / "file").write_text("mine")


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_of_c_bear_the_prefix(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("build", "gpurules:coordinator", "--target", "c", "--prefix", "node", "-o", "out", "--driver")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("wrote 7 rules as 4 C files (")
    assert set(written(tmp_path / "out")) == {"node.h", "node.c", "node_driver.c", "README.md"}
    assert b"node_decide(" in (tmp_path / "out" / "node.h").read_bytes()


def test_the_files_of_go_are_a_module_of_the_package(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("build", "gpurules:coordinator", "--target", "go", "--package", "node", "-o", "out", "--driver")
    assert done.code == 0
    files = written(tmp_path / "out")
    assert {"go.mod", "rules.go", "driver/main.go", "README.md"} <= set(files)
    assert b"module node\n" in files["go.mod"] and b"\npackage node\n" in files["rules.go"]


@pytest.mark.parametrize("target", ["go", "c"])
def test_the_same_ruleset_gives_the_same_bytes_and_touches_nothing(gpurules: Any, tmp_path: Path, target: str) -> None:
    arguments = ("build", "gpurules:coordinator", "--target", target, "-o", "out")
    gpurules(*arguments)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (tmp_path / "out").rglob("*")}
    first = written(tmp_path / "out")
    assert gpurules(*arguments).code == 0
    assert written(tmp_path / "out") == first
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in before} == before


def test_a_rule_that_the_target_cannot_say_stops_the_build(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("build", "held.rules.yaml", "--target", "go", "-o", "out")
    assert done.code == 1
    assert done.out.startswith("held.rules.yaml:6:") and "rule 'odd'" in done.out and "\\C" in done.out
    assert "1 of 2 rules can be written in Go" in done.err and "--partial" in done.err
    assert not (tmp_path / "out").exists()


def test_partial_leaves_it_out_and_says_so(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("build", "held.rules.yaml", "--target", "go", "-o", "out", "--partial")
    assert done.code == 0 and "left out: 'odd'" in done.err
    assert done.out.startswith("wrote 1 rule as ")
    files = written(tmp_path / "out")
    assert b"odd" in files["README.md"] and b"odd" not in files["rules.go"]


@pytest.mark.parametrize(("targets", "lines"), [((), 2), (("--target", "go"), 1), (("--target", "c"), 1)])
def test_check_writes_nothing(gpurules: Any, tmp_path: Path, targets: tuple[str, ...], lines: int) -> None:
    before = written(tmp_path)
    done = gpurules("build", "gpurules:coordinator", "--check", "-o", "out", *targets)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("7 rules can be written in ") == len(done.out.splitlines()) == lines
    assert written(tmp_path) == before


def test_check_fails_where_a_target_cannot_say_a_rule(gpurules: Any) -> None:
    done = gpurules("build", "held.rules.yaml", "--check", "--target", "go")
    assert done.code == 1 and "1 of 2 rules can be written in Go" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "missing --target go or c"),
        (("--target", "go"), "missing -o DIR"),
        (("-o", "out"), "missing --target go or c"),
        (("--target", "rust", "-o", "out"), "'rust' is not one of 'go', 'c'"),
        (("--target", "go", "-o", "file"), "is a file"),
        (("--target", "go", "-o", "out", "--package", "func"), "'func' cannot be a name there"),
        (("--target", "go", "-o", "out", "--package", ""), "'' cannot be a name there"),
        (("--target", "go", "-o", "out", "--package", "a/b"), "'a/b' cannot be a name there"),
        (("--target", "c", "-o", "out", "--prefix", "9a"), "'9a' cannot be a name there"),
        (("--target", "c", "-o", "out", "--prefix", "Größe"), "cannot be a name there"),
        (("--target", "c", "-o", "/proc/out"), "/proc/out"),
    ],
)
def test_wrong_arguments_say_what_would_do(
    gpurules: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = written(tmp_path)
    done = gpurules("build", "gpurules:coordinator", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err and len(done.err.splitlines()) == 1
    assert written(tmp_path) == before


def test_a_ruleset_that_is_not_there_or_is_wrong_builds_nothing(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("version: 1\nname: wrong\nrules: [{name: a, condition: gpu_memry > 5}]\n")
    assert gpurules("build", "nothing.yaml", "--target", "c", "-o", "out").code == 2
    assert gpurules("build", "wrong.yaml", "--target", "c", "-o", "out").code == 1
    assert not (tmp_path / "out").exists()


def test_files_of_others_are_not_overwritten(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gr.c").write_text("int main(void) { return 0; }\n")
    before = written(tmp_path)
    done = gpurules("build", "gpurules:coordinator", "--target", "c", "-o", "out")
    assert done.code == 2 and "out/gr.c is not from gpurules" in done.err
    assert written(tmp_path) == before, "not even the files beside it"
