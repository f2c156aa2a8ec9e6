"""``gpurules run``."""

import json
from pathlib import Path
from typing import Any

import pytest

RULESET = """\
version: 1
name: node
signals:
  memory_pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 20s}
rules:
  - name: prefetch_less
    condition: memory_pressure
    action: reduce_prefetch
    parameters: {reduction_factor: 0.3}
  - name: hold_data
    condition: memory_pressure AND file_type == 'dataset'
    action: delay_transfer
    parameters: {delay: 30s}
"""
START = 1767225600
MEMORY = [50, 90, 91, 92, 93, 60, 50]
TRANSFERS = [
    {"id": "t-1", "path": "/data/a.tar", "size": 1073741824, "created": 12},
    {"id": "t-2", "path": "/data/b.tar", "size": 1073741824, "created": 42},
    {"transfer": {"id": "t-3", "path": "/m/c.pt", "created": 43}, "workload": {"id": "w", "type": "training"}},
    {"id": "t-4", "created": 4000},
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULESET)
    gpu = {"index": 0, "uuid": "GPU-a", "memory_total": 80 * 2**30, "temperature": 61, "power": 212.4}
    snapshots = [
        {"timestamp": START + 10 * n, "gpus": [{**gpu, "memory_used": percent * 80 * 2**30 // 100}]}
        for n, percent in enumerate(MEMORY)
    ]
    (tmp_path / "node.jsonl").write_text("".join(json.dumps(s) + "\n" for s in snapshots))
    (tmp_path / "transfers.jsonl").write_text("".join(json.dumps(t) + "\n" for t in TRANSFERS))


RUN = ("run", "node.rules.yaml", "--source", "replay:node.jsonl")


def test_the_timeline_shows_signals_the_node_and_transfers_with_reasons(gpurules: Any) -> None:
    done = gpurules(*RUN, "--transfers", "transfers.jsonl")
    assert done.code == 0
    head, legend, *lines, last = done.out.splitlines()
    assert all(f"{mark} " in legend for mark in "▲▼→✗?")
    assert "ruleset node " in head and "2 rules, 1 signal ·" in head and "UTC" in head
    assert lines == [
        "00:00:30  GPU 0  memory 92.0 % of 80 GiB · 61 C · 212 W",
        "          ▲ memory_pressure on GPU 0  on   gpu_memory > 85 held 20 s",
        "          → prefetch 1.00 → 0.30   prefetch_less",
        "00:00:42  t-2      dataset       1 GiB  /data/b.tar                           delay 30 s",
        "          hold_data: memory_pressure is on: gpu_memory 93 % > 85 and file_type is 'dataset' (GPU 0)",
        "00:00:50  GPU 0  memory 60.0 % of 80 GiB · 61 C · 212 W",
        "          ▼ memory_pressure on GPU 0  off  gpu_memory < 75, 20 s on",
        "          → prefetch 0.30 → 1.00   no rule matches",
    ]
    assert last.startswith("7 snapshots of 1 m, 3 transfers in ")
    assert "1 delayed (max 30 s, median 30 s), 0 boosted, 0 staged, 2 untouched; 2 transitions, 0 flaps" in last
    assert last.endswith("; 1 transfer arrived after the end")


def test_verbose_shows_untouched_transfers_too(gpurules: Any) -> None:
    done = gpurules(*RUN, "--transfers", "transfers.jsonl", "-v")
    assert "t-1" in done.out and "t-3" in done.out


def test_json_is_an_event_a_line(gpurules: Any) -> None:
    done = gpurules(*RUN, "--transfers", "transfers.jsonl", "--format", "json")
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["transfer", "signal", "node", "transfer", "transfer", "signal", "node", "summary"]
    assert events[3]["decision"]["delay"] == 30
    assert events[-1]["delayed"] == 1


def test_a_list_on_the_clock_of_the_recording_is_not_shifted(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"id": "t", "path": "/a.tar", "created": START + 42}) + "\n")
    done = gpurules(*RUN, "--transfers", "t.jsonl")
    assert "00:00:42  t " in done.out


def test_a_run_without_transfers_shows_the_node(gpurules: Any) -> None:
    done = gpurules(*RUN)
    assert done.code == 0
    assert "0 transfers" in done.out


def test_lines_that_cannot_be_used_are_said_on_stderr(gpurules: Any, tmp_path: Path) -> None:
    with (tmp_path / "node.jsonl").open("a") as file:
        file.write("{nonsense\n")
    done = gpurules(*RUN)
    assert done.code == 0
    assert "node.jsonl:8" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "node.rules.yaml"),
        ("run", "none.yaml", "--source", "replay:node.jsonl"),
        ("run", "node.rules.yaml", "--source", "replay:none.jsonl"),
        ("run", "node.rules.yaml", "--source", "bogus:x"),
        (*RUN, "--transfers", "none.jsonl"),
    ],
)
def test_what_cannot_be_read_is_2(gpurules: Any, arguments: tuple[str, ...]) -> None:
    done = gpurules(*arguments)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_a_ruleset_with_errors_is_1(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "node.rules.yaml").write_text(RULESET.replace("reduce_prefetch", "reduce_prefetsch"))
    done = gpurules(*RUN)
    assert (done.code, done.out) == (1, "")
    assert "GPR501" in done.err
