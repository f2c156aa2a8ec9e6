"""The action ``exec``: which programs run, with what, for how long, and what is left of them."""

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.actions import ActionError, Event
from gpurules.actions.effects.exec import Exec
from gpurules.actions.effects.notification.delivery import RefusedError, RetryLater
from gpurules.actions.effects.transport.programs import MAX_OUTPUT_BYTES, run_program
from tests.integration.coordinator.stand import node, ruleset
from tests.waiting import wait_until


@pytest.fixture
def program(tmp_path: Path) -> Any:
    def write(script: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


def event(program: str, *arguments: str, allowed: tuple[str, ...] | None = None, **parameters: Any) -> Event:
    given = {"command": [program, *arguments], "timeout": 5.0, **parameters}
    permitted = frozenset((program,) if allowed is None else allowed)
    return Event("start", "hot", 5.0, given, (0,), None, {"host": "n; id", "gpu_power": 9}, allowed_programs=permitted)


def test_it_gets_its_arguments_as_they_are_and_the_event_on_stdin(program: Any, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setenv("AGENT_SECRET", "s3cret")
    path = program(
        f'printf "%s\\n" "$@" > {tmp_path}/args; cat > {tmp_path}/event; env > {tmp_path}/env; pwd >> {tmp_path}/env'
    )
    Exec().start(event(path, "--host={host}", "$(id) `id`", "a b", "", "-n{gpu_power}"))
    assert (tmp_path / "args").read_text().splitlines() == ["--host=n; id", "$(id) `id`", "a b", "", "-n9"]
    assert json.loads((tmp_path / "event").read_text())["rule"] == "hot"
    environment = (tmp_path / "env").read_text()
    assert "s3cret" not in environment and "GPURULES_EDGE=start" in environment


@pytest.mark.parametrize("allowed", [(), ("/bin/true",), ("/bin",)])
def test_what_the_agent_does_not_allow_is_not_run(program: Any, tmp_path: Path, allowed: tuple[str, ...]):
    path = program(f"touch {tmp_path}/ran")
    with pytest.raises(RefusedError, match="does not allow"):
        Exec().start(event(path, allowed=allowed))
    assert not (tmp_path / "ran").exists()


def test_a_program_that_fails_is_an_error_with_its_last_line(program: Any):
    with pytest.raises(ActionError, match="exited with 3: no such GPU") as caught:
        Exec().start(event(program("echo first; echo 'no such GPU' >&2; exit 3")))
    assert not isinstance(caught.value, RetryLater)


def test_a_program_that_asks_for_it_is_run_again_later(program: Any):
    with pytest.raises(RetryLater, match="exited with 75"):
        Exec().start(event(program("exit 75")))


@pytest.mark.parametrize(
    "script", ["sleep 60", "trap '' TERM INT; sleep 60", "while :; do :; done", "exec sleep 60 <&-"]
)
def test_a_program_that_takes_too_long_is_killed(program: Any, script: str):
    began = time.monotonic()
    with pytest.raises(ActionError, match=r"longer than 0\.2 s"):
        Exec().start(event(program(script), timeout=0.2))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("script", ["sleep 60 & echo $! > {0}; sleep 60", "sleep 60 & echo $! > {0}; exit 0"])
def test_what_it_started_is_killed_with_it(program: Any, tmp_path: Path, script: str):
    path = program(script.format(tmp_path / "pid"))
    with contextlib.suppress(ActionError):
        Exec().start(event(path, timeout=0.5))
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())


def test_output_without_end_is_read_and_dropped(program: Any):
    ended = run_program([program("yes | head -c 5000000; echo end >&2")], b"", {"PATH": os.environ["PATH"]}, 20.0)
    assert ended.status == 0
    assert len(ended.output) == MAX_OUTPUT_BYTES


def test_a_program_that_does_not_read_a_large_input_is_no_error(program: Any):
    assert run_program([program("exit 0")], b"x" * 5_000_000, {}, 5.0).status == 0


@pytest.mark.parametrize(
    ("path", "error"), [("/does/not/exist", RetryLater), ("/dev/null", RetryLater), ("/a\0b", ActionError)]
)
def test_a_program_that_cannot_be_started_is_an_error(path: str, error: type[ActionError]):
    with pytest.raises(error, match="cannot be started"):
        Exec().start(event(path))


@pytest.mark.parametrize("first", ["drain", "./drain", "{host}", "/bin/{host}", "/bin/../bin/true", ""])
def test_a_program_is_named_by_its_absolute_path(first: str):
    assert [complaint.code for complaint in Exec().check({"command": [first]})] == ["GPR505"]


def test_a_rule_runs_what_the_options_of_the_agent_allow_and_nothing_else(program: Any, tmp_path: Path):
    path = program(f"cat > {tmp_path}/event")
    rule = f"{{name: full, condition: gpu_memory > 80, action: exec, parameters: {{command: ['{path}']}}}}"
    with node(ruleset(rule)) as it:
        it.poll(90)
        wait_until(lambda: it.coordinator.collect().effects["exec"].failed == 1)
        assert "does not allow" in str(it.coordinator.collect().effects["exec"].last_error)
    assert not (tmp_path / "event").exists()
    with node(ruleset(rule), allowed_programs=frozenset({path})) as it:
        it.poll(90)
        wait_until(lambda: it.coordinator.collect().effects["exec"].sent == 1)
    assert json.loads((tmp_path / "event").read_text())["devices"] == [0]
