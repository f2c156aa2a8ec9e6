"""State that survives a restart."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.run.replay_clock import ReplayClock
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.model import Snapshot
from gpurules.rules import loads
from gpurules.telemetry import EndOfTelemetry
from tests.integration.coordinator.stand import Clock, Script, gpu, node, ruleset
from tests.waiting import wait_until

SIGNAL = "{pressure: {condition: gpu_memory > 80, for: 10s, keep_for: 30s}}"
RULES = ruleset(
    "{name: held, condition: pressure, actions: [{action: pause_transfer}, {action: notify}], cooldown: 1h}",
    signals=SIGNAL,
)


@pytest.fixture(autouse=True)
def received(effect: Any) -> list[Any]:
    return effect("notify")  # type: ignore[no-any-return]


def restarted(path: Path, clock: Clock, text: str = RULES, percent: float | None = 90, **options: Any) -> Coordinator:
    """Another coordinator on the same file, polled once."""
    given = CoordinatorOptions(state_path=path, read_timeout=5, **options)
    coordinator = Coordinator(
        loads(text), Script(clock, (gpu(percent),)), clock=clock, steady=clock.steady, options=given
    )
    clock.advance(5)
    coordinator.poll()
    return coordinator


@pytest.fixture
def saved(tmp_path: Path, received: list[Any]) -> tuple[Path, Clock]:
    """The file of a coordinator that was stopped while its signal was on."""
    path = tmp_path / "state.json"
    with node(RULES, state_path=path) as it:
        for _ in range(3):
            it.poll(90)
        assert it.coordinator.decide().paused
        wait_until(lambda: len(received) == 1)
    return path, it.clock


def test_a_signal_and_its_episode_go_on_after_a_restart(saved: Any, received: list[Any]) -> None:
    path, clock = saved
    since = clock()
    clock.advance(20)
    coordinator = restarted(path, clock)
    assert coordinator.decide().paused, "without waiting its 10 s again"
    (signal,) = coordinator.engine.signals()
    assert (signal.on, signal.since) == (True, since)
    coordinator.stop()
    assert len(received) == 1, "the effect ran before the restart"


def test_a_cooldown_goes_on_after_a_restart(saved: Any, received: list[Any]) -> None:
    path, clock = saved
    coordinator = restarted(path, clock, percent=50)
    for percent in (50,) * 8 + (90,) * 3:
        coordinator._poller.reading._source.gpus = (gpu(percent),)  # type: ignore[union-attr]
        clock.advance(5)
        report = coordinator.poll()
    assert [(edge.kind, edge.suppressed) for edge in report.edges] == [("start", True)]
    coordinator.stop()
    assert len(received) == 1


def test_state_that_is_too_old_is_ignored(saved: Any) -> None:
    path, clock = saved
    clock.advance(601)
    coordinator = restarted(path, clock)
    assert not coordinator.decide().paused
    coordinator.stop()


def test_state_of_the_future_is_ignored(saved: Any) -> None:
    path, clock = saved
    clock.set_by(-3600)
    coordinator = restarted(path, clock)
    assert not coordinator.decide().paused
    coordinator.stop()


def test_a_file_that_is_not_taken_over_is_named_once(saved: Any, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = saved
    clock.advance(7200)
    coordinator = restarted(path, clock)
    coordinator.poll()
    said = [record.message for record in caplog.records if "is not restored" in record.message]
    assert len(said) == 1 and str(path) in said[0] and "older than the telemetry" in said[0]
    coordinator.stop()


def test_a_restart_while_nothing_can_be_read_keeps_the_state(saved: Any) -> None:
    path, clock = saved
    script = Script(clock, (gpu(90),))
    script.error = RuntimeError("the driver is being updated")
    given = CoordinatorOptions(state_path=path, read_timeout=5)
    coordinator = Coordinator(loads(RULES), script, clock=clock, steady=clock.steady, options=given)
    for _ in range(14):  # one poll in twelve saves
        clock.advance(0.5)
        coordinator.poll()
    coordinator.stop()
    again = restarted(path, clock, percent=81)
    assert again.engine.signals()[0].on, "without its ten seconds again"
    again.stop()


class Recorded:
    """A recording of long ago: one snapshot every five seconds."""

    name = "recorded"

    def __init__(self, first: int, last: int) -> None:
        self.times = list(range(first, last, 5))

    def read(self) -> Snapshot:
        if not self.times:
            raise EndOfTelemetry("it has ended")
        return Snapshot(timestamp=self.times.pop(0), gpus=(gpu(90),))

    def close(self) -> None:
        pass


def recorded(path: Path, first: int, last: int) -> Coordinator:
    """A coordinator on the clock of a recording, as ``gpurules run --state`` makes it, played to its end."""
    played = ReplayClock(Recorded(first, last), time.time)
    it = Coordinator(
        loads(RULES), played, clock=played.clock, options=CoordinatorOptions(state_path=path, read_timeout=60)
    )
    with pytest.raises(EndOfTelemetry):
        while True:
            it.poll()
    return it


def test_the_state_of_a_recording_belongs_to_the_time_of_the_recording(tmp_path: Path, received: list[Any]) -> None:
    path = tmp_path / "state.json"
    recorded(path, 1_000_000, 1_000_010).stop()
    assert received == [], "the signal waits for ten seconds"
    second = recorded(path, 1_000_010, 1_000_020)
    assert [signal.since for signal in second.engine.signals()] == [1_000_010]
    second.stop()
    third = recorded(path, 1_000_020, 1_000_030)
    third.stop()
    assert [event.edge for event in received] == ["start"], "an episode goes on over three parts"


def test_the_same_recording_once_more_begins_from_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state.json"
    recorded(path, 1_000_000, 1_000_020).stop()
    again = recorded(path, 1_000_000, 1_000_010)
    assert "ahead of the telemetry" in caplog.text
    again.stop()


def test_state_of_another_definition_is_ignored(saved: Any) -> None:
    path, clock = saved
    coordinator = restarted(path, clock, RULES.replace("> 80", "> 70"))
    assert not coordinator.decide().paused
    coordinator.stop()


def test_an_episode_of_another_definition_is_ignored(saved: Any, received: list[Any]) -> None:
    path, clock = saved
    changed = RULES.replace("held", "held2")
    coordinator = restarted(path, clock, changed)
    assert coordinator.decide().paused, "its signal is the same"
    wait_until(lambda: len(received) == 2)
    coordinator.stop()


def variations(text: str) -> list[str]:
    """Texts that a broken disk or an editor may leave."""
    data = json.loads(text)
    broken: list[object] = [{}, [], None, 5, {**data, "version": 2}, {**data, "saved": "now"}]
    for junk in (None, 5, "x", [], {}, [[]], [[[], 1, 2, 3, 4]], [["x", {}, 1, 2, 3]], {"": 1}, {"a": {"b": 1}}):
        broken += [{**data, key: junk} for key in ("signals", "episodes", "last_start")]
    name = next(iter(data["signals"]))
    for state in (None, 5, {"on": 1}, {"on": True, "since": "x", "known": 1}, {"on": True, "since": 1e400, "known": 0}):
        broken.append({**data, "signals": {name: {"": state, "GPU-0": state}}})
    return ["", "{", text[: len(text) // 2], "\0" * 50, "[" * 100_000, *(json.dumps(item) for item in broken)]


def test_a_corrupted_file_is_ignored(saved: Any) -> None:
    path, clock = saved
    for text in variations(path.read_text()):
        path.write_text(text)
        coordinator = restarted(path, clock, state_max_age=1e9)
        assert coordinator.decide().rules in ((), ("held",))
        coordinator.stop()


def test_bytes_that_are_no_text_are_ignored(saved: Any) -> None:
    path, clock = saved
    path.write_bytes(b"\xff\xfe\x00")
    coordinator = restarted(path, clock)
    assert not coordinator.decide().paused
    coordinator.stop()


def test_a_full_disk_is_counted_and_said_once_not_raised(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    path = tmp_path / "state.json"

    opened = os.open

    def full(name: str | Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_EXCL:
            os.close(opened(name, flags, mode))
            return opened("/dev/full", os.O_WRONLY)
        return opened(name, flags, mode)

    with node(RULES, state_path=path) as it:
        it.poll(90)
        it.coordinator._save()
        before = path.read_text()
        monkeypatch.setattr("gpurules.output_files.os.open", full)
        for percent in (90, 90, 50, 90, 50):
            it.poll(percent)
        assert it.coordinator.collect().state_failures >= 1
        assert it.coordinator.decide().paused
        assert path.read_text() == before
        assert [p.name for p in tmp_path.iterdir()] == ["state.json"]
    assert caplog.text.count("No space left on device") == 1


def test_a_folder_that_is_not_there_is_no_reason_to_fail(tmp_path: Path) -> None:
    with node(RULES, state_path=tmp_path / "none" / "state.json") as it:
        for _ in range(3):
            it.poll(90)
        assert it.coordinator.decide().paused


def test_one_that_never_polled_does_not_make_old_state_look_fresh(saved: Any) -> None:
    path, clock = saved
    before = path.read_text()
    clock.advance(300)
    Coordinator(loads(RULES), Script(clock), clock=clock, options=CoordinatorOptions(state_path=path)).stop()
    assert path.read_text() == before


def test_the_file_is_for_its_owner_alone(saved: Any) -> None:
    assert saved[0].stat().st_mode & 0o777 == 0o600
