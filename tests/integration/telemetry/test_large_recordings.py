"""Large recordings are read in bounded memory."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import representative

MB = 1_000_000
SIZES = {"csv": 110 * MB}
SIZE = 40 * MB
"""Of the other forms, which are read in the same way."""
ALLOWED = 30 * MB
"""What reading a large recording may take beyond what a small one takes: the label sets and cells that are kept."""
CHILD = """
import json, resource, sys
from gpurules.telemetry import replay
source = replay(sys.argv[1])
count = sum(1 for _ in source)
print(json.dumps([count, source.problem_count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""
PAD = "x" * 600


def smi_csv() -> Iterator[str]:
    yield "timestamp, index, serial, fan.speed [%]\n"
    for n in range(10**9):
        stamp = f"2026/04/{n // 17280 % 28 + 1:02d} {n // 720 % 24:02d}:{n // 12 % 60:02d}:{n * 5 % 60:02d}.000"
        yield f"{stamp}, 0, {PAD}, {n % 100} %\n"


def dcgm() -> Iterator[str]:
    for n in range(10**9):
        yield f'DCGM_FI_DEV_GPU_TEMP{{gpu="0",UUID="GPU-a",label="{PAD}{n % 7}"}} {n % 90}\n# EOF\n'


def jsonl() -> Iterator[str]:
    for n in range(1, 10**9):
        yield f'{{"timestamp": {n}, "labels": {{"a": "{PAD}"}}, "gpus": [{{"index": 0, "power": {n % 300}}}]}}\n'


def smi_xml() -> Iterator[str]:
    for n in range(10**9):
        yield (
            f"<nvidia_smi_log>\n<timestamp>Sat Apr {n // 86400 % 28 + 1:02d} {n // 3600 % 24:02d}:{n // 60 % 60:02d}:"
            f"{n % 60:02d} 2026</timestamp>\n<gpu>\n<a>{PAD}</a>\n<fan_speed>{n % 90} %</fan_speed>\n</gpu>\n"
            "</nvidia_smi_log>\n"
        )


def torn() -> Iterator[str]:
    yield "index, fan.speed [%]\n0, 1 %\n"
    while True:
        yield f"{PAD}, {PAD}, {PAD}\n"


FORMS = {"csv": smi_csv, "dcgm": dcgm, "jsonl": jsonl, "xml": smi_xml, "torn": torn}


def write(path: Path, lines: Iterator[str], size: int) -> None:
    written = 0
    with path.open("w") as file:
        for line in lines:
            written += file.write(line)
            if written >= size:
                return


def measured(path: Path) -> list[int]:
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, timeout=400, check=True)
    return [int(number) for number in done.stdout.strip("[]\n").split(",")]


@pytest.mark.slow
@pytest.mark.parametrize("name", representative(FORMS, ("jsonl", "torn")))
def test_a_large_recording_takes_no_more_memory_than_a_small_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / "recording"
    write(path, FORMS[name](), MB // 4)
    few, _, small = measured(path)
    write(path, FORMS[name](), SIZES.get(name, SIZE))
    count, problems, large = measured(path)
    assert large - small < ALLOWED
    assert count > 100 * few or problems > 10_000
