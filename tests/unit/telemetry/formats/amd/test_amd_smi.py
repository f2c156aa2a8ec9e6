"""Recordings of ``amd-smi metric --json``."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpurules.model import Snapshot
from gpurules.telemetry import Replay, replay
from gpurules.telemetry.formats.amd.amd_smi import identities

METRIC = {
    "gpu": 0,
    "usage": {"gfx_activity": {"value": 42, "unit": "%"}, "umc_activity": {"value": 1, "unit": "%"}},
    "temperature": {"edge": "N/A", "hotspot": {"value": 46, "unit": "C"}},
    "mem_usage": {"total_vram": {"value": 98304, "unit": "MB"}, "used_vram": {"value": 285, "unit": "MB"}},
}
OTHER = {**METRIC, "gpu": 1, "usage": "N/A"}
MIB = 1 << 20


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(text: str, **options: Any) -> tuple[list[Snapshot], Replay]:
        (tmp_path / "amd.json").write_text(text)
        source = replay(tmp_path / "amd.json", **options)
        return list(source), source

    return player


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("wrapped", [True, False])
def test_reports_are_snapshots_whatever_their_spelling(play: Any, indent: int | None, wrapped: bool) -> None:
    gpus = [METRIC, OTHER]
    text = json.dumps({"gpu_data": gpus} if wrapped else gpus, indent=indent)
    snapshots, source = play(f"WARNING: low power\n{text}\n{text}\n", interval=3)
    reported = [(g.index, g.vendor, g.utilization, g.temperature, g.memory_used) for g in snapshots[0].gpus]
    assert reported == [(0, "amd", 42, 46, 285 * MIB), (1, "amd", None, 46, 285 * MIB)]
    assert [snapshot.timestamp for snapshot in snapshots] == [0, 3]
    assert source.problem_count == 1


def test_a_time_of_the_report_is_that_of_the_snapshot(play: Any) -> None:
    snapshots, _ = play("\n".join(json.dumps([{"timestamp": 1_700_000_000 + n, **METRIC}]) for n in (0, 2)))
    assert [snapshot.timestamp for snapshot in snapshots] == [1_700_000_000, 1_700_000_002]


def test_a_report_without_a_gpu_is_a_problem(play: Any) -> None:
    good = json.dumps([METRIC])
    snapshots, source = play(f'{good}\n{{"gpu_data": 3}}\n[]\n[7]\n{good}\n')
    assert (len(snapshots), source.problem_count) == (2, 3)
    assert all("amd.json:" in problem for problem in source.problems)


@pytest.mark.parametrize("word", ["N/A", "", "not supported", None, 7])
def test_what_is_not_reported_is_no_identity(word: object) -> None:
    known = identities(
        [{"gpu": 0, "uuid": word}], [{"gpu": 0, "asic": {"market_name": word}, "driver": {"version": word}}]
    )
    assert (known.uuids, known.names, known.driver) == ({}, {}, None)
