"""XML documents of nvidia-smi in a text: with warnings around them, cut off, or with a piece of another inside."""

from pathlib import Path
from typing import Any

import pytest

from gpurules.model import Snapshot
from gpurules.telemetry import TelemetryError, replay

WARNINGS = (
    "WARNING: infoROM is corrupted at gpu 0000:2B:00.0",
    "<3>kernel: NVRM: Xid 79",
    "Failed to initialize NVML & more",
    "</gpu>",
)


def document(second: int, more: str = "", attached: str = "") -> str:
    return (
        f'<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n<nvidia_smi_log>\n'
        f"{attached}\t<timestamp>Sat Apr 25 12:00:{second:02d} 2026</timestamp>\n"
        f'\t<gpu id="00000000:2B:00.0">\n\t\t<fan_speed>{40 + second} %</fan_speed>\n{more}'
        "\t</gpu>\n</nvidia_smi_log>\n"
    )


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(text: str) -> tuple[list[Snapshot], Any]:
        (tmp_path / "log.xml").write_text(text)
        source = replay(tmp_path / "log.xml")
        return list(source), source

    return player


def fans(snapshots: list[Snapshot]) -> list[float | None]:
    return [gpu.fan_speed for snapshot in snapshots for gpu in snapshot.gpus]


@pytest.mark.parametrize("warning", WARNINGS)
def test_a_line_between_documents_costs_no_document_and_is_reported(play: Any, warning: str) -> None:
    texts = [document(second) for second in (0, 5, 10)]
    snapshots, source = play(f"{warning}\n" + f"{warning}\n".join(texts) + f"{warning}\n")
    assert fans(snapshots) == [40, 45, 50]
    assert (source.problem_count, len(source.problems)) == (4, 4)


def test_a_document_that_is_cut_off_at_any_line_costs_only_itself(play: Any) -> None:
    lines = document(5).splitlines(keepends=True)
    for kept in range(3, len(lines)):
        snapshots, source = play(document(0) + "".join(lines[:kept]) + document(10))
        assert (fans(snapshots), source.problem_count) == ([40, 50], 1), kept
        assert "cut off" in source.problems[0]


def test_a_document_that_is_cut_off_within_a_line_costs_only_itself(play: Any) -> None:
    text = document(5)
    for kept in range(text.index("<nvidia_smi_log>") + 20, len(text) - 20, 7):
        snapshots, source = play(document(0) + text[:kept] + document(10))
        assert fans(snapshots) == [40, 50], text[:kept]
        assert source.problem_count >= 1


def test_the_second_half_of_a_document_costs_only_itself(play: Any) -> None:
    text = document(5)
    snapshots, source = play(text[text.index("<fan_speed>") :] + document(10))
    assert (fans(snapshots), source.problem_count > 0) == ([50], True)


def test_documents_on_one_line_are_read(play: Any) -> None:
    snapshots, source = play("".join(document(second).replace("\n", "") for second in (0, 5)))
    assert (fans(snapshots), source.problem_count) == ([40, 45], 0)


def test_a_file_of_which_no_document_is_whole_is_an_error_that_says_so(play: Any) -> None:
    with pytest.raises(TelemetryError, match=r"no snapshot that can be read; .*cut off"):
        play(document(0)[:-20])


@pytest.mark.parametrize(
    ("attached", "minor", "index"),
    [(None, "3", 0), (1, "3", 0), (4, "3", 3), (4, "N/A", "bus 00000000:2B:00.0"), (2, None, "bus 00000000:2B:00.0")],
)
def test_of_fewer_gpus_than_are_attached_the_place_is_not_the_index(
    play: Any, attached: int | None, minor: str | None, index: int | str
) -> None:
    more = "" if minor is None else f"<minor_number>{minor}</minor_number>"
    count = "" if attached is None else f"<attached_gpus>{attached}</attached_gpus>"
    (snapshot,), _ = play(document(0, more, count))
    (gpu,) = snapshot.gpus
    assert gpu.index == index
    assert gpu.index_number == (index if isinstance(index, int) else None)
