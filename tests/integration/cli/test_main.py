"""What holds for every command: exit codes, streams, color, the environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from gpurules.cli import main as main_module
from gpurules.cli.main import COMMANDS
from gpurules.cli.process.signals import Interrupted


@pytest.fixture
def subcommand(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Let the command ``version`` do something else."""

    def install(function: Callable[[], Any]) -> None:
        command = click.Command("version", callback=function)
        monkeypatch.setattr(main_module.CommandGroup, "get_command", lambda self, context, name: command)

    return install


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> None:
        raise error

    return fail


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gpurules", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_every_command_has_help(gpurules: Any) -> None:
    for name in COMMANDS:
        done = gpurules(name, "--help")
        assert done.code == 0, name
        assert done.out.startswith(f"Usage: gpurules {name}"), name


def test_no_command_is_a_mistake_of_usage(gpurules: Any) -> None:
    done = gpurules()
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


def test_a_wrong_command_is_answered_with_the_nearest(gpurules: Any) -> None:
    done = gpurules("lnit")
    assert done.code == 2
    assert "did you mean 'lint' or 'init'?" in done.err


@pytest.mark.parametrize("arguments", [("version", "--format", "xml"), ("version", "--bogus"), ("rule", "a", "b")])
def test_wrong_usage_is_2_and_one_line(gpurules: Any, arguments: tuple[str, ...]) -> None:
    done = gpurules(*arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1


def test_wrong_usage_of_a_subcommand_names_its_own_help(gpurules: Any) -> None:
    assert gpurules("history", "export", "store", "--foo").err.endswith("(gpurules history export --help)\n")


def test_several_mistakes_in_facts_are_separated_by_semicolons(gpurules: Any) -> None:
    done = gpurules("eval", "gpu_memory > 80", "--snapshot", '{"gpus": [{"index": 0, "memory": "x", "foo": 1}]}')
    assert "; --snapshot: gpus[0].foo: a GPU has no 'foo'" in done.err and len(done.err.splitlines()) == 1


def test_an_internal_error_is_3_and_one_line_that_names_the_details(
    gpurules: Any, subcommand: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    subcommand(raising(ZeroDivisionError("secret")))
    done = gpurules("version")
    assert done.code == 3
    assert done.err.startswith("gpurules: internal error: ZeroDivisionError; the details are in ")
    assert len(done.err.splitlines()) == 1
    (details,) = tmp_path.iterdir()
    assert str(details) in done.err
    assert "ZeroDivisionError: secret" in details.read_text()


def while_a_class_is_made() -> RuntimeError:
    """Return what Python before 3.12 raises for a signal that arrives while a class is made."""
    error = RuntimeError("Error calling __set_name__ on 'Field' instance 'findings' in 'Context'")
    error.__cause__ = Interrupted()
    return error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), while_a_class_is_made()])
def test_an_interruption_is_130(gpurules: Any, subcommand: Any, error: BaseException) -> None:
    subcommand(raising(error))
    assert gpurules("version").code == 130


def test_a_file_that_cannot_be_read_is_2(gpurules: Any, subcommand: Any) -> None:
    subcommand(raising(PermissionError(13, "Permission denied", "/x")))
    done = gpurules("version")
    assert (done.code, done.err) == (2, "gpurules: /x: Permission denied\n")


def test_the_exit_code_of_a_command_is_the_programs(gpurules: Any, subcommand: Any) -> None:
    subcommand(lambda: 1)
    assert gpurules("version").code == 1


def test_the_module_is_the_program() -> None:
    done = process("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gpurules ")


def test_an_option_can_be_set_in_the_environment() -> None:
    assert process("version", GPURULES_FORMAT="json").stdout.startswith("{")
    assert process("version", "--format", "text", GPURULES_FORMAT="json").stdout.startswith("gpurules ")


def test_color_is_off_in_a_pipe_unless_forced_and_never_with_no_color() -> None:
    assert "\x1b" not in process("fields").stdout
    assert "\x1b[1m" in process("fields", FORCE_COLOR="1").stdout
    assert "\x1b" not in process("fields", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "gpurules", "fields"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None and program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(timeout=60) == 0


def test_ctrl_c_ends_a_process_with_130(tmp_path: Path) -> None:
    fifo = tmp_path / "facts"
    os.mkfifo(fifo)
    code = (
        f"import sys; sys.argv = ['gpurules', 'snapshot', '--source', 'replay:{fifo}']; import gpurules.__main__ as m; "
    )
    code += "print('ready', flush=True); m.main()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        with fifo.open("w"):  # returns when the program waits for data
            program.send_signal(signal.SIGINT)
            assert program.wait(timeout=60) == 130


def test_help_and_version_do_not_import_the_engine_or_the_terminal_library() -> None:
    code = (
        "import sys; from gpurules.cli.main import run; run(['version']); run(['--help']);"
        "print([m for m in ('rich', 'lark', 'yaml', 'jsonschema', 'gpurules.rules') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
