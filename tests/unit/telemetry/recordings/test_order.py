"""Whose the snapshots of a recording are, and whether they are in order of time."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gpurules.telemetry import Replay, TelemetryError, replay


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(*snapshots: dict[str, Any], **options: Any) -> Replay:
        (tmp_path / "node.jsonl").write_text("".join(json.dumps(snapshot) + "\n" for snapshot in snapshots))
        return replay(tmp_path / "node.jsonl", **options)

    return player


def node(time: float, host: str | None = None, uuid: str = "GPU-a", power: float = 5) -> dict[str, Any]:
    reported = {} if host is None else {"host": host}
    return {"timestamp": time, **reported, "gpus": [{"index": 0, "uuid": uuid, "power": power}]}


def test_snapshots_of_several_nodes_are_refused_and_both_are_named(play: Any) -> None:
    source = play(node(1, "a"), node(2, "b", "GPU-b"))
    assert source.read().host == "a"
    with pytest.raises(TelemetryError, match="several nodes, a and b; select one with --node b"):
        source.read()


@pytest.mark.parametrize("chosen", ["a", "b"])
def test_of_several_nodes_the_chosen_one_is_read(play: Any, chosen: str) -> None:
    source = play(
        node(1, "a", power=1), node(1, "b", "GPU-b", 2), node(2, "a", power=3), node(2, "b", "GPU-b", 4), node=chosen
    )
    assert [snapshot.gpus[0].power for snapshot in source] == {"a": [1, 3], "b": [2, 4]}[chosen]


def test_a_node_that_is_not_there_is_an_error_that_names_those_that_are(play: Any) -> None:
    with pytest.raises(TelemetryError, match="no snapshot of the node 'c'; it has a, b"):
        list(play(node(1, "a"), node(2, "b", "GPU-b"), node="c"))


def test_a_recording_that_names_no_node_is_read_with_a_notice(play: Any) -> None:
    source = play(node(1), node(2), node="a")
    assert (len(list(source)), len(source.notices)) == (2, 1)
    assert "does not name its node" in source.notices[0]


def test_a_node_whose_name_changes_keeps_its_gpus_and_that_is_noted(play: Any) -> None:
    source = play(node(1, "pod-1"), node(2, "pod-2"), node(3, "pod-2"))
    assert (len(list(source)), source.problem_count, len(source.notices)) == (3, 0, 1)
    assert "the host changes to pod-2" in source.notices[0]


@pytest.mark.parametrize(
    ("times", "cause"),
    [
        ((1e9, 1e9 - 3595), "daylight saving"),
        ((1e9, 1e9 - 7), "was the clock set back"),
        ((5, 5), "was the clock set back"),
    ],
)
def test_a_snapshot_that_is_not_newer_is_reported_with_the_likely_cause(
    play: Any, times: tuple[float, float], cause: str
) -> None:
    source = play(*map(node, times), node(2e9))
    assert [snapshot.timestamp for snapshot in source] == [*times, 2e9]
    assert source.problem_count == 1
    assert "not newer" in source.problems[0]
    assert cause in source.problems[0]


FALL_BACK = {"Europe/Berlin": (2025, 10, 26, 2, 3600), "America/New_York": (2025, 11, 2, 1, 3600),
             "Australia/Lord_Howe": (2025, 4, 6, 1, 1800)}  # fmt: skip


@pytest.mark.parametrize("zone", FALL_BACK)
@pytest.mark.parametrize("step", [5, 60, 1500])
@pytest.mark.parametrize("shape", ["csv", "xml", "text"])
def test_local_times_over_the_end_of_daylight_saving_give_the_times_that_were(
    tmp_path: Path, zone: str, step: int, shape: str
) -> None:
    year, month, day, hour, shift = FALL_BACK[zone]
    start = datetime(year, month, day, hour, 0, 0, tzinfo=ZoneInfo(zone)).timestamp() - 600
    times = [start + n * step for n in range(int((600 + 3 * shift) / step))]
    texts = [datetime.fromtimestamp(time, ZoneInfo(zone)) for time in times]
    stamps = [t.strftime("%Y/%m/%d %H:%M:%S.000" if shape == "csv" else "%a %b %d %H:%M:%S %Y") for t in texts]
    text = {
        "csv": "timestamp, index, fan.speed [%]\n" + "".join(f"{stamp}, 0, 7 %\n" for stamp in stamps),
        "xml": "".join(
            f"<nvidia_smi_log><timestamp>{stamp}</timestamp><gpu><fan_speed>7 %</fan_speed></gpu></nvidia_smi_log>\n"
            for stamp in stamps
        ),
        "text": "".join(f"==NVSMI LOG==\nTimestamp : {stamp}\nGPU 0:1\n    Fan Speed : 7 %\n" for stamp in stamps),
    }[shape]
    (tmp_path / "log").write_text(text)
    source = replay(tmp_path / "log", timezone=zone)
    assert [snapshot.timestamp for snapshot in source] == times
    assert (source.problem_count, len(source.notices)) == (0, 1)
    assert ":" in source.notices[0] and "daylight saving" in source.notices[0]


def test_options_stand_after_the_path_too(tmp_path: Path) -> None:
    from gpurules.telemetry import open_source

    (tmp_path / "a?b").write_text(json.dumps(node(1, "a")) + "\n" + json.dumps(node(2, "b", "GPU-b")) + "\n")
    assert [s.host for s in open_source(f"replay:{tmp_path}/a?b?node=b")] == ["b"]  # type: ignore[attr-defined]
    with pytest.raises(TelemetryError, match="did you mean 'node'"):
        open_source(f"replay:{tmp_path}/a?b?nod=b")
