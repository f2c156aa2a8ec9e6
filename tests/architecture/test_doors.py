"""What leaves the process passes a door: everything that is printed, logged or written as JSON."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpurules"
MODULES = sorted(PACKAGE.rglob("*.py"))
PRINTING = {
    "cli/terminal/output.py",
    "cli/watch/session.py",  # the live screen, whose lines are those of cli/watch/frame.py
    "lsp/transport/pipes.py",  # the protocol, which is JSON
    "__main__.py",  # a constant, before anything else is loaded
}
LOGGING = {
    "logs.py",
    "lsp/server.py",  # silences the logger of pygls
}
WRITING = {
    "output_files.py",
    "history/store/storage.py",  # the files of a store, with an fsync before they get their names
    "history/store/prometheus.py",  # a temporary file that only this process reads
    "cli/commands/history.py",  # a device that an export goes to
    "cli/commands/record.py",  # a recording, which grows line by line
    "cli/reference/__main__.py",  # the project's own generated files, in a checkout
    "cli/reference/first_hour.py",
    "cli/reference/pages.py",
    "clients/mounts/readahead.py",  # a setting of the kernel
    "clients/transfers/object_transfers.py",  # the data of a transfer, which can be resumed
}
"""Modules that write to files by themselves, and why these are not replaced as a whole."""


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def dotted(node: ast.expr) -> str:
    """Return ``sys.stdout.write`` of the expression that says so, and of others what of it is names."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls_of(module: Path) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func), node


def is_printing(called: str, call: ast.Call) -> bool:
    """Return whether a call writes to the terminal by itself."""
    if called in ("print", "click.echo", "click.secho", "click.echo_via_pager", "click.confirm", "click.prompt"):
        return True
    if called.startswith(("sys.stdout.", "sys.stderr.", "sys.__stdout__", "sys.__stderr__")):
        return called.endswith((".write", ".writelines", ".buffer.write"))
    return called == "os.write" and bool(call.args) and isinstance(call.args[0], ast.Constant)


def is_writing(called: str, call: ast.Call) -> bool:
    """Return whether a call writes to a file in place, so that a reader or a full disk sees half of it."""
    if called.endswith((".write_text", ".write_bytes")):
        return True
    if called != "open" and not called.endswith(".open"):
        return False
    modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    return any(isinstance(one, ast.Constant) and one.value in ("w", "wb", "a", "ab", "x", "xb", "wt") for one in modes)


def wrong(module: Path) -> Iterator[str]:
    """Yield what in *module* goes around a door."""
    name = name_of(module)
    for line, called, call in calls_of(module):
        if name not in PRINTING and is_printing(called, call):
            yield f"{name}:{line}: {called}: print through cli/terminal/output.py"
        if name not in WRITING and is_writing(called, call):
            yield f"{name}:{line}: {called}: write through gpurules/output_files.py"
        if name not in LOGGING and called in ("logging.getLogger", "logging.StreamHandler", "logging.basicConfig"):
            yield f"{name}:{line}: {called}: take a logger of gpurules/logs.py"
        if called in ("logging.debug", "logging.info", "logging.warning", "logging.error", "logging.exception"):
            yield f"{name}:{line}: {called}: take a logger of gpurules/logs.py"
        if called == "warnings.warn":
            yield f"{name}:{line}: {called}: take a logger of gpurules/logs.py"
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        imported = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        if isinstance(node, ast.ImportFrom) and node.module:
            imported = {node.module}
        if name != "strict_json.py" and imported & {"json", "simplejson", "orjson"}:
            yield f"{name}:{node.lineno}: json: read and write it through gpurules/strict_json.py"


def test_nothing_is_printed_logged_or_written_as_json_around_the_doors() -> None:
    assert [fault for module in MODULES for fault in wrong(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "print('x')",
        "import sys\nsys.stdout.write('x')",
        "import sys\nsys.stderr.buffer.write(b'x')",
        "import click\nclick.echo('x')",
        "import logging\nlogging.getLogger('gpurules.x')",
        "import logging\nlogging.warning('x')",
        "import warnings\nwarnings.warn('x')",
        "path.write_text('x')",
        "Path(name).write_bytes(data)",
        "open(name, 'w')",
        "with Path(name).open(mode='wb') as file:\n    pass",
        "def f():\n    import json",
        "from json import dumps",
    ],
)
def test_what_goes_around_a_door_is_found(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "module.py"
    module.write_text(text)
    monkeypatch.setattr("tests.architecture.test_doors.PACKAGE", tmp_path)
    assert list(wrong(module))


def test_the_modules_that_are_doors_are_there() -> None:
    assert {name_of(module) for module in MODULES} >= PRINTING | LOGGING | WRITING
