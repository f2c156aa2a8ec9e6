"""File systems that do not answer: polls go on, the present ruleset stays in force, and the status says why."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine.polling import file_watch, reloader, state_store
from gpurules.rules import load
from tests.integration.coordinator.stand import node, ruleset
from tests.waiting import wait_until

HELD = "{name: held, condition: gpu_memory > 80, action: pause_transfer}"


class Mount:
    """A substitute for a file system that stops to answer: calls that go through it wait while it hangs."""

    def __init__(self) -> None:
        self._answers = threading.Event()
        self._answers.set()

    def hang(self) -> None:
        self._answers.clear()

    def recover(self) -> None:
        self._answers.set()

    def through(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def passed(*arguments: Any, **named: Any) -> Any:
            self._answers.wait(60)
            return call(*arguments, **named)

        return passed


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    mount = Mount()
    monkeypatch.setattr(file_watch, "mark", mount.through(file_watch.mark))
    monkeypatch.setattr(reloader, "load", mount.through(reloader.load))
    monkeypatch.setattr(state_store, "save", mount.through(state_store.save))
    monkeypatch.setattr(reloader, "PATIENCE_SECONDS", (0.2, 0.2))
    monkeypatch.setattr(state_store, "PATIENCE_SECONDS", 0.2)
    yield mount
    mount.recover()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "node.rules.yaml"
    path.write_text(ruleset(HELD))
    return path


def test_polls_go_on_while_the_files_of_the_ruleset_hang_and_the_status_says_so(path: Path, mount: Mount) -> None:
    with node(load(path), reload_timeout=0.5) as it:  # type: ignore[arg-type]
        it.poll(90)
        mount.hang()
        began = time.monotonic()
        for _ in range(5):
            it.poll(70)
            it.poll(90)
        assert time.monotonic() - began < 3, "one poll waits briefly, the others not at all"
        assert it.coordinator.decide().paused, "the present ruleset is in force"
        assert it.coordinator.status().reload_error is None
        wait_until(lambda: it.poll(90) and it.coordinator.status().reload_error)
        assert "is their file system responding?" in str(it.coordinator.status().reload_error)
        assert it.coordinator.collect().reload_failures == 1
        path.write_text(ruleset(HELD.replace("80", "95")))
        mount.recover()
        wait_until(lambda: it.poll(90) and not it.coordinator.decide().paused, seconds=30)
        assert it.coordinator.status().reload_error is None


def test_a_hang_that_ends_without_a_change_leaves_no_error(path: Path, mount: Mount) -> None:
    with node(load(path), reload_timeout=0.1) as it:  # type: ignore[arg-type]
        mount.hang()
        wait_until(lambda: it.poll(90) and it.coordinator.status().reload_error)
        mount.recover()
        wait_until(lambda: it.poll(90) and it.coordinator.status().reload_error is None)
        assert it.coordinator.collect().reloads == 0


def test_a_reload_that_is_asked_for_during_a_hang_is_made_up_for(path: Path, mount: Mount) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        mount.hang()
        it.poll(90)
        it.coordinator.request_reload()
        it.poll(90)
        assert it.coordinator.collect().reloads == 0
        mount.recover()
        wait_until(lambda: it.poll(90) and it.coordinator.collect().reloads == 1, seconds=30)


def test_asking_for_a_reload_returns_in_time_while_files_hang(path: Path, mount: Mount) -> None:
    with node(load(path), reload_timeout=0.3) as it:  # type: ignore[arg-type]
        mount.hang()
        began = time.monotonic()
        assert not it.coordinator.reload()
        assert time.monotonic() - began < 3
        assert "is their file system responding?" in str(it.coordinator.status().reload_error)


def test_a_ruleset_that_was_given_meanwhile_is_not_replaced_by_one_read_before(path: Path, mount: Mount) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        other = load(path)
        mount.hang()
        it.coordinator.request_reload()
        it.poll(90)
        assert it.coordinator.reload(other)
        mount.recover()
        for _ in range(20):
            it.poll(90)
            time.sleep(0.02)  # a reload that ends without effect raises no event
        assert it.coordinator.engine.ruleset is other


def test_polls_go_on_while_the_state_cannot_be_written(path: Path, mount: Mount, tmp_path: Path, caplog: Any) -> None:
    with node(load(path), state_path=tmp_path / "state.json") as it:  # type: ignore[arg-type]
        it.poll(90)
        mount.hang()
        began = time.monotonic()
        for _ in range(5):
            it.poll(70)
            it.poll(90)
        assert time.monotonic() - began < 5
        assert it.coordinator.collect().state_failures > 0
        assert caplog.text.count("the state cannot be written") == 1
        mount.recover()
        wait_until(lambda: it.poll(70) and it.poll(90) and (tmp_path / "state.json").exists())
        mount.hang()
        began = time.monotonic()
        it.coordinator.stop(1.0)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("what", ["pipe", "device", "directory", "endless"])
def test_a_ruleset_replaced_by_something_that_is_no_file_is_an_error_and_polls_go_on(path: Path, what: str) -> None:
    with node(load(path)) as it:  # type: ignore[arg-type]
        it.poll(90)
        path.unlink()
        match what:
            case "pipe":
                os.mkfifo(path)
            case "device":
                path.symlink_to("/dev/zero")
            case "directory":
                path.mkdir()
            case "endless":
                path.symlink_to("/proc/self/mem")
        it.poll(90)
        assert it.coordinator.status().reload_error
        assert it.coordinator.decide().paused
