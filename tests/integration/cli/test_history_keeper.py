"""What an agent records is tidied by itself: days that are over become one file, old ones go, and trouble is said."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules import GPU, Coordinator, Snapshot, loads
from gpurules.cli.run.history_keeper import StoreTidier, kept_in
from gpurules.history.store import maintenance
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from tests.factories import NEW_YEAR

DAY = 86_400.0
RULES = "version: 1\nname: mine\nrules: [{name: hot, condition: gpu_temperature > 95C, action: pause_transfer}]\n"


class Scripted:
    """A source that reports at the times that it is given, one a poll."""

    name = "scripted"

    def __init__(self, times: list[float]) -> None:
        self._times = iter(times)

    def read(self) -> Snapshot:
        return Snapshot(timestamp=next(self._times), host="n", gpus=(GPU(index=0, uuid="GPU-0", temperature=40),))

    def close(self) -> None: ...


def days(count: int, a_day: int = 6) -> list[float]:
    """Return times that are two minutes apart on each of *count* days: every one becomes a file."""
    return [NEW_YEAR + DAY * day + 120.0 * n for day in range(count) for n in range(a_day)]


def record(place: Path, times: list[float], keep: int | None = None) -> None:
    coordinator = Coordinator(loads(RULES), Scripted(times))
    try:
        with kept_in(str(place), coordinator, keep):
            for _ in times:
                coordinator.poll()
                for thread in tidying():
                    thread.join(20)
    finally:
        coordinator.stop()


def tidying() -> Iterator[threading.Thread]:
    return (thread for thread in threading.enumerate() if thread.name == "gpurules-history")


def files_by_day(place: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in Storage(place).parts("telemetry"):
        found[part.date] = found.get(part.date, 0) + 1
    return found


def test_days_that_are_over_become_one_file_and_nothing_is_lost(tmp_path: Path) -> None:
    record(tmp_path, days(3))
    found = files_by_day(tmp_path)
    assert found["2026-01-01"] == found["2026-01-02"] == 1
    assert found["2026-01-03"] > 1, "the day goes on"
    read = [one.timestamp for frame in StoreReader(Storage(tmp_path)).frames("n") for one, _ in frame.snapshots()]
    assert read == days(3)


def test_days_that_are_too_old_go_by_themselves(tmp_path: Path) -> None:
    record(tmp_path, days(4), keep=2)
    assert sorted(files_by_day(tmp_path)) == ["2026-01-02", "2026-01-03", "2026-01-04"], "two, and the one that began"


def test_without_a_number_of_days_everything_is_kept(tmp_path: Path) -> None:
    record(tmp_path, days(4))
    assert len(files_by_day(tmp_path)) == 4


def test_trouble_is_said_once_and_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(maintenance, "compact", fails)
    record(tmp_path, days(3))
    assert capsys.readouterr().err.count("the disk is gone") == 1
    read = [one.timestamp for frame in StoreReader(Storage(tmp_path)).frames("n") for one, _ in frame.snapshots()]
    assert read == days(3)


def test_a_day_is_tidied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(maintenance, "compact", lambda *given: seen.append(given) or iter(()))
    tidier = StoreTidier(Storage(tmp_path), None, seen.append)
    for time in [NEW_YEAR, NEW_YEAR + 5, NEW_YEAR + 7200, NEW_YEAR + DAY]:
        tidier.look(time)
        tidier.close()
    assert len(seen) == 2
