"""A store that cannot be written for a while: rows wait, are written once, and what is lost is counted and said."""

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from gpurules import GPU, Coordinator, Snapshot, loads
from gpurules.cli.run.history_keeper import kept_in
from gpurules.engine.effects.metrics import HistoryState
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.writer import StoreWriter
from tests.factories import NEW_YEAR, gpu, snapshot


class FaultyStorage(Storage):
    """A store whose writes fail where *fails* says so: of the number of the write and its path."""

    def __init__(self, place: Path, fails: Callable[[int, str], Exception | None]) -> None:
        super().__init__(str(place))
        self._fails, self.writes = fails, 0

    def write(self, path: str, fill: Callable[[IO[bytes]], None]) -> None:
        self.writes += 1
        if (error := self._fails(self.writes, path)) is not None:
            raise error
        super().write(path, fill)


def full(*_: object) -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def read(place: Path) -> tuple[list[tuple[float, int]], list[str]]:
    reader = StoreReader(Storage(place))
    found = [(one.timestamp, len(one.gpus)) for frame in reader.frames("n") for one, _ in frame.snapshots()]
    return found, reader.findings.texts


def minutes(count: int) -> list[Snapshot]:
    return [snapshot(gpu(0), gpu(1), at=60.0 * n) for n in range(count)]


FAULTS: dict[str, Callable[[int, str], Exception | None]] = {
    "the first write": lambda n, path: full() if n == 1 else None,
    "every second write": lambda n, path: full() if n % 2 else None,
    "the table of snapshots": lambda n, path: full() if n < 9 and path.startswith("node/") else None,
    "telemetry": lambda n, path: full() if n < 9 and path.startswith("telemetry/") else None,
    "permission": lambda n, path: PermissionError(errno.EACCES, "Permission denied") if n < 6 else None,
    "a store of objects": lambda n, path: RuntimeError("503 slow down") if n < 6 else None,
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_could_not_be_written_is_written_later_and_once(name: str, tmp_path: Path) -> None:
    complaints = list[Exception]()
    with StoreWriter(FaultyStorage(tmp_path, FAULTS[name]), "n", complain=complaints.append) as writer:
        for one in minutes(20):
            assert writer.add(one)
    while writer.unwritten:
        writer.flush()
    found, findings = read(tmp_path)
    assert found == [(one.timestamp, 2) for one in minutes(20)]
    assert complaints and not findings, "no row is there twice either"
    assert (writer.written, writer.lost) == (20, 0)


@pytest.mark.parametrize("name", FAULTS)
def test_without_one_to_complain_to_the_error_is_raised_and_nothing_is_lost(name: str, tmp_path: Path) -> None:
    writer, raised = StoreWriter(FaultyStorage(tmp_path, FAULTS[name]), "n"), 0
    for one in minutes(20):
        try:
            writer.add(one)
        except (OSError, RuntimeError):
            raised += 1
    while writer.unwritten or writer.written < 20:
        try:
            writer.flush()
        except (OSError, RuntimeError):
            raised += 1
    assert raised
    assert read(tmp_path)[0] == [(one.timestamp, 2) for one in minutes(20)]


def test_what_waits_is_bounded_and_the_oldest_is_counted_as_lost(tmp_path: Path) -> None:
    is_full = True
    storage = FaultyStorage(tmp_path, lambda n, path: full() if is_full else None)
    writer = StoreWriter(storage, "n", complain=lambda error: None, most_rows=30)
    for one in minutes(100):
        writer.add(one)
        assert writer.unwritten <= 10 + 2, "of three rows each"
    is_full = False
    writer.flush()
    assert writer.lost > 80 and writer.lost + writer.written == 100
    assert read(tmp_path)[0] == [(one.timestamp, 2) for one in minutes(100)[writer.lost :]]


class Scripted:
    name = "scripted"

    def __init__(self, count: int) -> None:
        self._times = iter([NEW_YEAR + 60.0 * n for n in range(count)])

    def read(self) -> Snapshot:
        return Snapshot(timestamp=next(self._times), host="n", gpus=(GPU(index=0, temperature=40),))

    def close(self) -> None: ...


def record(place: Path, count: int) -> None:
    rules = "version: 1\nname: mine\nrules: [{name: hot, condition: gpu_temperature > 95C, action: pause_transfer}]\n"
    coordinator = Coordinator(loads(rules), Scripted(count))
    try:
        with kept_in(str(place), coordinator):
            for _ in range(count):
                coordinator.poll()
    finally:
        coordinator.stop()


def broken_until(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Have the first *last* writes fail."""
    real, count = Storage.write, [0]

    def write(self: Storage, path: str, fill: Callable[[IO[bytes]], None]) -> None:
        count[0] += 1
        if count[0] <= last:
            raise full()
        real(self, path, fill)

    monkeypatch.setattr(Storage, "write", write)


def test_an_agent_says_that_its_history_waits_and_that_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken_until(monkeypatch, 5)
    record(tmp_path, 20)
    said = capsys.readouterr().err
    assert said.count("No space left on device; it is kept in memory and retried") == 1
    assert said.count("is written again") == 1 and "lacks" not in said
    assert len(read(tmp_path)[0]) == 20


def test_an_agent_says_at_its_end_how_much_its_history_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken_until(monkeypatch, 10_000)
    record(tmp_path, 20)
    assert "lacks 20 snapshots that could not be written" in capsys.readouterr().err


def test_an_agent_shows_what_waits_and_what_is_lost_in_its_status_and_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = "version: 1\nname: mine\nrules: [{name: hot, condition: gpu_temperature > 95C, action: pause_transfer}]\n"
    coordinator = Coordinator(loads(rules), Scripted(90))
    seen: list[HistoryState] = []
    monkeypatch.setattr("gpurules.history.store.writer.StoreWriter", partial(StoreWriter, most_rows=40))
    try:
        assert coordinator.status().history is None, "nothing is recorded"
        with kept_in(str(tmp_path), coordinator), monkeypatch.context() as broken:
            broken_until(broken, 10_000)
            for n in range(90):
                if n == 70:
                    broken.undo()
                coordinator.poll()
                state, counts = coordinator.status().history, coordinator.collect()
                assert state is not None
                assert (counts.history_unwritten, counts.history_lost) == (state.unwritten, state.lost)
                seen.append(state)
    finally:
        coordinator.stop()
    worst, last = seen[69], coordinator.status().to_dict()["history"]
    assert worst.unwritten > 0 and worst.lost > 0 and "No space left" in str(worst.error)
    assert [state.lost for state in seen] == sorted(state.lost for state in seen)
    assert last == {"place": str(tmp_path), "unwritten": 0, "lost": seen[-1].lost, "error": None}
    assert len(read(tmp_path)[0]) == 90 - seen[-1].lost


def test_record_fails_where_something_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpurules.cli.commands.record import _opened

    broken_until(monkeypatch, 10_000)
    with (
        pytest.raises(RecordingStoreError, match=r"lacks 3 snapshots that could not be written: .*No space left"),
        _opened(f"{tmp_path}/store/") as add,
    ):
        assert all(add(one) for one in minutes(3))
    assert capsys.readouterr().err.count("kept in memory and retried") == 1
