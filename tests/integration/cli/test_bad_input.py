"""No file, whatever it is, makes any command fail in a way of its own: an exit code of 0, 1 or 2, and no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.main import COMMANDS, run
from gpurules.rules.yaml.reader import MAX_BYTES
from tests.cases import representative

ARGUMENTS = {
    "lint": [["{}"], ["--fix", "{}"], ["--diff", "{}"], ["gpurules:default", "--baseline", "{}"],
             ["gpurules:default", "--config", "{}"], ["gpurules:default", "--output-file", "{}/x"]],
    "fmt": [["{}"], ["--check", "{}"], ["--diff", "{}", "--config", "{}"]],
    "test": [["{}"], ["{}", "--update"], ["{}", "--mutate"], ["{}", "--junit", "{}/x"]],
    "eval": [["-r", "{}"], ["TRUE", "--snapshot", "{}"], ["TRUE", "--transfer", "{}"], ["TRUE", "--node", "{}"]],
    "repl": [["--snapshot", "{}"]],
    "explain": [["{}"], ["gpurules:default", "--snapshot", "{}"]],
    "run": [["{}", "--source", "synthetic:gpus=1", "--once"], ["gpurules:default", "--source", "replay:{}"],
            ["gpurules:default", "--source", "replay:{}", "--transfers", "{}"]],
    "watch": [["{}", "--source", "synthetic:gpus=1", "--once"],
              ["gpurules:default", "--source", "replay:{}", "--once"]],
    "record": [["--source", "replay:{}"], ["--source", "replay:{}", "-o", "{}"]],
    "export": [["prometheus", "{}"], ["prometheus", "gpurules:default", "-o", "{}/x"], ["tests", "{}"]],
    "import": [["prometheus", "{}"], ["prometheus", "{}", "-o", "{}/x"]],
    "health": [["{}", "--source", "synthetic:gpus=1"], ["gpurules:health", "--source", "replay:{}"]],
    "doctor": [["{}", "--source", "replay:{}"]],
    "snapshot": [["--source", "replay:{}"]],
    "bench": [["{}", "--seconds", "0.01"]],
    "rulesets": [["{}"]],
    "rule": [["{}"]],
    "fields": [["{}"]],
    "actions": [["{}"]],
    "schema": [["--output-file", "{}/x"]],
    "config": [["--config", "{}"]],
    "sources": [[]],
    "version": [[]],
    "init": [["{}"]],
    "diff": [["{}", "gpurules:default"], ["gpurules:default", "{}"]],
    "testgen": [["{}"], ["gpurules:default", "--tests", "{}"]],
    "build": [["{}", "--check"], ["{}", "--target", "c", "-o", "{}"],
              ["gpurules:default", "--target", "go", "-o", "{}"]],
    "backtest": [["{}", "--history", "{}"], ["gpurules:default", "--history", "{}", "--jobs", "1"],
                 ["gpurules:default", "--history", "{}", "--jobs", "1", "--transfers", "{}"]],
    "tune": [["{}", "--history", "{}"], ["gpurules:default", "--history", "{}", "--goal", "x.flaps_per_hour <= 1"]],
    "history": [["info", "{}"], ["compact", "{}"], ["export", "{}"], ["import", "{}", "{}"]],
    "serve": [["{}", "--source", "synthetic:gpus=1", "--bind", "unix:{}/agent.sock"],
              ["gpurules:default", "--source", "synthetic:gpus=1", "--bind", "unix:s/s", "--token-file", "{}"]],
    "status": [["--connect", "unix:{}"], ["--connect", "https://localhost:1", "--token-file", "{}", "--ca-file", "{}"]],
    "lsp": [],  # has tests of its own: tests/integration/lsp/test_surviving.py
}  # fmt: skip


def directory(path: Path) -> None:
    path.mkdir()


def huge(path: Path) -> None:
    path.write_bytes(b"a: b\n" * (MAX_BYTES // 5 + 100))


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def unreadable(path: Path) -> None:
    path.write_text("version: 1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the user who runs the tests can read everything")


BAD: dict[str, Callable[[Path], object]] = {
    "directory": directory,
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "null": lambda path: path.write_bytes(b"\0"),
    "huge": huge,
    "empty": lambda path: path.write_bytes(b""),
    "brackets": lambda path: path.write_bytes(b"[" * 5000),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a circle of links": circle,
    "gone": lambda path: None,
    "unreadable": unreadable,
}

CALLS = [(subcommand, arguments) for subcommand, calls in ARGUMENTS.items() for arguments in calls]


def test_every_command_is_tried() -> None:
    assert set(ARGUMENTS) >= set(COMMANDS)


@pytest.mark.parametrize("name", representative(BAD, BAD.keys() - {"huge"}))
def test_a_bad_file_is_answered_by_every_command(
    gpurules: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = []
    for number, (subcommand, arguments) in enumerate(CALLS):
        if subcommand not in COMMANDS:
            continue
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"")))
        path = tmp_path / f"{number}.rules.yaml"
        BAD[name](path)
        done = gpurules(subcommand, *(argument.format(path.name) for argument in arguments))
        said = done.err + (done.out if done.code else "")
        if done.code not in (0, 1, 2) or (done.code and not said.strip()) or "Traceback" in said:
            wrong.append((subcommand, arguments, done.code, said[:300]))
    assert wrong == []


@pytest.mark.parametrize("subcommand", ["lint", "fmt", "test"])
def test_a_file_that_vanishes_after_it_was_listed_is_named_and_the_rest_goes_on(
    gpurules: Any, subcommand: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kind = "test" if subcommand == "test" else "rules"
    (tmp_path / f"a.{kind}.yaml").symlink_to("gone")  # is listed, and cannot be opened
    (tmp_path / f"b.{kind}.yaml").write_text("version: 1\nnam: b\n")
    done = gpurules(subcommand)
    assert done.code == 1
    printed_text = done.out + done.err
    assert f"a.{kind}.yaml" in printed_text and "No such file or directory" in printed_text
    assert "2 files" in done.err


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
@pytest.mark.parametrize("subcommand", ["lint", "fmt", "test"])
def test_a_device_without_an_end_is_read_as_far_as_a_file_may_go(gpurules: Any, subcommand: str, path: str) -> None:
    assert gpurules(subcommand, path).code == 1


def process(*arguments: str, folder: Path, **options: Any) -> "subprocess.Popen[bytes]":
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "gpurules", *arguments], cwd=folder, **{**pipes, **options})


RULE = "  - {{name: r{0}, condition: gpu_memroy > {0}, action: pause_transfer}}\n"


@pytest.mark.parametrize(
    "arguments", [("lint",), ("lint", "--diff"), ("lint", "--output-format", "sarif"), ("fmt", "--diff"), ("rule",)]
)
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text("version:  1\nname: a\nrules:\n" + "".join(map(RULE.format, range(300))))
    with process(*arguments, folder=tmp_path) as program:
        assert program.stdout is not None and program.stderr is not None
        program.stdout.close()
        said = program.stderr.read().decode()
        assert "Traceback" not in said and "Errno" not in said
        assert program.wait(timeout=120) in (0, 1)


def test_a_plug_in_that_fails_to_import_is_named_and_the_rest_goes_on(
    gpurules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin-1.0.dist-info").mkdir()
    (tmp_path / "broken_plugin-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\n")
    (tmp_path / "broken_plugin-1.0.dist-info" / "entry_points.txt").write_text(
        "[gpurules.actions]\nfail = broken_plugin:action\n[gpurules.sources]\nfail = broken_plugin:source\n"
    )
    (tmp_path / "broken_plugin.py").write_text("raise ZeroDivisionError('at import')\n")
    (tmp_path / "a.rules.yaml").write_text("version: 1\nname: a\nrules:\n" + RULE.format(1).replace("memroy", "memory"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with process("lint", "a.rules.yaml", folder=tmp_path, env=environment) as program:
        out, said = program.communicate(timeout=120)
    assert program.returncode == 0, said
    with process("actions", folder=tmp_path, env=environment) as program:
        out, said = program.communicate(timeout=120)
    assert program.returncode == 0
    assert b"delay_transfer" in out
    assert b"fail" in said + out and b"ZeroDivisionError: at import" in said + out


def test_an_interrupted_run_of_any_command_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*arguments: object, **options: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.rules.yaml").write_text("version: 1\n")
    (tmp_path / "a.test.yaml").write_text("version: 1\n")
    monkeypatch.setattr("gpurules.cli.inputs.files.files_below", interrupted)
    assert [run([subcommand]) for subcommand in ("lint", "fmt", "test")] == [130, 130, 130]
