"""Recordings, played through engines on their own clock."""

from pathlib import Path

import pytest

from gpurules.engine.recordings import Recording, play_recording
from gpurules.model import Transfer
from gpurules.telemetry import TelemetryError
from tests.factories import NEW_YEAR, one_gpu, ruleset

HOT = ruleset("  - {name: hot, condition: gpu_temperature > 85, for: 10s, action: pause_transfer}\n")
WARM = ruleset("  - {name: warm, condition: gpu_temperature > 60, action: pause_transfer}\n")
LOG = "2026/01/01 10:00:00.000, 90\n2026/01/01 10:00:05.000, 90\n"


def test_each_ruleset_has_an_engine_with_its_memory() -> None:
    snapshots = [one_gpu(at=5.0 * n, temperature=90) for n in range(4)]
    rules = [[decision.rules for decision in turn.decisions] for turn in play_recording([HOT, WARM], snapshots)]
    assert rules == [[(), ("warm",)], [(), ("warm",)], [("hot",), ("warm",)], [("hot",), ("warm",)]]


def test_a_snapshot_that_is_not_newer_is_reported() -> None:
    snapshots = [one_gpu(at=5.0, temperature=90), one_gpu(at=5.0, temperature=90)]
    assert [turn.is_new for turn in play_recording([WARM], snapshots)] == [True, False]


def test_transfers_come_when_they_came_into_being_and_the_late_ones_at_the_end() -> None:
    early, late, anytime = Transfer(id="e", created=2.0), Transfer(id="l", created=99.0), Transfer(id="a")
    turns = list(
        play_recording([WARM], [one_gpu(at=0.0), one_gpu(at=5.0)], [(late, None), (early, None), (anytime, None)])
    )
    ids = [turn.transfer.id if turn.transfer else None for turn in turns]
    assert ids == [None, "a", "e", None, "l"]
    assert [turn.at - NEW_YEAR for turn in turns] == [0, 0, 2, 5, 5]


def test_a_recording_can_be_walked_through_again(tmp_path: Path) -> None:
    (tmp_path / "smi.csv").write_text(LOG)
    recording = Recording(str(tmp_path / "smi.csv"), columns="timestamp,temperature.gpu", timezone="Europe/Berlin")
    for _ in range(2):
        assert [snapshot.gpus[0].temperature for snapshot in recording] == [90, 90]
    assert next(iter(recording)).timestamp == NEW_YEAR + 9 * 3600


def test_an_interval_of_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "smi.csv").write_text(LOG)
    with pytest.raises(TelemetryError, match="interval"):
        list(Recording(str(tmp_path / "smi.csv"), columns="timestamp,temperature.gpu", interval=0))


def test_one_without_a_snapshot_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "smi.csv").write_text("timestamp, temperature.gpu\n")
    with pytest.raises(TelemetryError, match="no snapshot"):
        list(Recording(str(tmp_path / "smi.csv")))
