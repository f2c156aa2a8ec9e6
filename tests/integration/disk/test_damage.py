"""Whatever is read from disk, damaged in every way: a clear report and a fresh start, never a crash or a hang."""

import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.main import run
from gpurules.clients.settings.restorable_setting import RestorableSetting
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.rules import loads
from tests.integration.coordinator.stand import Clock, Script, gpu

RULES = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 80, for: 10s, action: pause_transfer}\n"
TEST = "kind: gpurules/test\nversion: 1\nrulesets: [x.rules.yaml]\n"

TEXTS: dict[str, bytes] = {
    "empty": b"",
    "white": b"  \n\n",
    "list": b"[]",
    "null": b"null",
    "number": b"5",
    "text": b'"x"',
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "digits": b"9" * 5_000,
    "digits in a list": b"[" + b"9" * 5_000 + b"]",
    "digits no int reads": "²".encode(),
    "NaN": b'{"version": 1, "saved": NaN, "findings": NaN, "gpus": NaN, "signals": NaN}',
    "infinite": b'{"version": 1, "saved": 1e999, "findings": [1e999], "gpus": [{"memory": 1e999}]}',
    "binary": bytes(range(256)) * 16,
    "UTF-16": '{"version": 1}'.encode("utf-16"),
    "surrogate": b'{"version": "\\ud800", "findings": ["\\ud800"]}',
    "cut short": b'{"version": 1, "saved": 17',
    "wrong types": b'{"version": {}, "saved": [], "signals": 5, "episodes": {}, "findings": {}, "gpus": 5}',
    "wrong inside": b'{"version": 1, "findings": [5, null, []], "gpus": [5], "key": "k", "before": 5, "ours": [5]}',
    "too large": b"#" * (11 << 20),
}
PLACES = ("directory", "pipe", "socket", "device", "endless link", "loop of links", "link to nothing", "no permission")
DAMAGES = (*TEXTS, *PLACES)


def damage(path: Path, how: str) -> None:
    """Put something wrong at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if how in TEXTS:
        path.write_bytes(TEXTS[how])
        return
    match how:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            here = Path.cwd()
            os.chdir(path.parent)  # the name of a socket is short
            try:
                with socket.socket(socket.AF_UNIX) as made:
                    made.bind(path.name)
            finally:
                os.chdir(here)
        case "device":
            path.symlink_to("/dev/zero")
        case "endless link":
            path.symlink_to("/proc/self/mem")
        case "loop of links":
            path.symlink_to(path.name)
        case "link to nothing":
            path.symlink_to("nowhere")
        case "no permission":
            path.write_bytes(b"{}")
            path.chmod(0)


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Fail a test that hangs, wherever it does."""

    def late(number: int, frame: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x.rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


Command = tuple[str, tuple[str, ...]]
COMMANDS: dict[str, Command] = {
    "a ruleset": ("bad.rules.yaml", ("lint", "bad.rules.yaml")),
    "a ruleset to format": ("bad.rules.yaml", ("fmt", "--diff", "bad.rules.yaml")),
    "a ruleset to run": ("bad.rules.yaml", ("run", "bad.rules.yaml", "--source", "synthetic:gpus=1,seconds=5")),
    "a base": ("bad.rules.yaml", ("lint", "extending.rules.yaml")),
    "tests": ("bad.test.yaml", ("test", "bad.test.yaml")),
    "a recording of tests": ("bad.jsonl", ("test", "replaying.test.yaml")),
    "a baseline": ("bad.json", ("lint", "x.rules.yaml", "--baseline", "bad.json")),
    "a baseline to update": ("bad.json", ("lint", "x.rules.yaml", "--baseline", "bad.json", "--update-baseline")),
    "the configuration": ("gpurules.toml", ("lint", "x.rules.yaml")),
    "a configuration": ("bad.toml", ("lint", "x.rules.yaml", "--config", "bad.toml")),
    "the project": ("pyproject.toml", ("lint", "x.rules.yaml")),
    "a snapshot": ("bad.json", ("eval", "gpu_memory > 1", "--snapshot", "bad.json")),
    "a transfer": ("bad.json", ("eval", "gpu_memory > 1", "--transfer", "bad.json")),
    "facts of the node": ("bad.json", ("eval", "gpu_memory > 1", "--node", "bad.json")),
    "a target of tests": ("bad.test.yaml", ("lint", "x.rules.yaml", "--emit-test", "bad.test.yaml")),
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_reports_a_damaged_file_and_ends(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str, how: str
) -> None:
    name, arguments = COMMANDS[what]
    (folder / "extending.rules.yaml").write_text("version: 1\nname: y\nextends: [bad.rules.yaml]\nrules: []\n")
    replay = "replay: [{name: r, history: bad.jsonl, expect: {rule: a}}]\n"
    (folder / "replaying.test.yaml").write_text(TEST + replay)
    damage(folder / name, how)
    code = run(list(arguments))
    out, err = capsys.readouterr()
    output = out + err
    assert code in (0, 1, 2), output
    assert "Traceback" not in output and "internal error" not in output
    if code and how != "directory":  # which commands look for files in
        named_by_option = arguments[-2] if arguments[-2].startswith("--") else name
        assert name in output or named_by_option in output, "the report says which file"


@pytest.mark.parametrize("how", DAMAGES)
def test_an_agent_starts_from_scratch_where_its_state_is_damaged(
    folder: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    path = folder / "agent.json"
    damage(path, how)
    clock = Clock()
    source = Script(clock, (gpu(90),))
    coordinator = Coordinator(
        loads(RULES), source, clock=clock, steady=clock.steady, options=CoordinatorOptions(state_path=path)
    )
    try:
        for _ in range(5):
            clock.advance(5.0)
            coordinator.poll()
        assert coordinator.decide().paused, "the rule is in force after its ten seconds"
    finally:
        coordinator.stop()
    is_absent = how in ("link to nothing",)
    is_readable = how == "no permission" and os.geteuid() == 0
    assert is_absent or is_readable or str(path) in caplog.text
    if how in ("directory", "pipe", "socket"):
        assert coordinator.collect().state_failures, "what is not a file is never replaced"
        assert not path.is_file()
    else:
        assert json.loads(path.read_bytes())["signals"], "what is written from now on is sound"


class Knob:
    """A setting that is as it was before any rule."""

    key = "k"

    def __init__(self) -> None:
        self.value = "128"

    def read(self) -> str:
        return self.value

    def write(self, value: str) -> None:
        self.value = value


@pytest.mark.parametrize("how", DAMAGES)
def test_a_setting_is_changed_and_restored_where_its_journal_is_damaged(
    folder: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    caplog.set_level(logging.WARNING)
    with_journal = RestorableSetting(Knob(), folder / "settings")
    with_journal.close()
    (journal,) = (folder / "settings").iterdir()
    damage(journal, how)
    knob = Knob()
    setting = RestorableSetting(knob, folder / "settings")
    try:
        assert not setting.recovered
        assert setting.put("64") and knob.value == "64"
        assert setting.restore() and knob.value == "128"
    finally:
        setting.close()
    is_fresh = how in ("empty", "null", *PLACES)  # what is not a file is replaced
    assert is_fresh or "damaged" in caplog.text


def linted(path: Path) -> int:
    return run(["lint", str(path)])


def shown(path: Path) -> int:
    return run(["eval", "gpu_memory > 1", "--snapshot", str(path)])


@pytest.mark.parametrize("read", [linted, shown])
def test_a_file_that_grows_while_it_is_read_is_read_as_far_as_the_limit(
    folder: Path, capsys: pytest.CaptureFixture[str], read: Callable[[Path], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpurules import input_files

    path = folder / "growing.rules.yaml"
    path.write_text("#")
    real, chunk = input_files.open_input, b"#" * (1 << 20)

    class Growing:
        """A regular file that is written faster than it is read."""

        read_bytes = 0

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> "Growing":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def read(self, count: int) -> bytes:
            Growing.read_bytes += count
            return chunk[:count]

        def close(self) -> None:
            self.file.close()

    monkeypatch.setattr(input_files, "open_input", lambda path: Growing(real(path)))
    began = time.monotonic()
    assert read(path) in (1, 2)
    assert Growing.read_bytes <= (64 << 20) * 2 + 10
    assert time.monotonic() - began < 50
