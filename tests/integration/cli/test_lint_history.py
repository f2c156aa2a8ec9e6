"""``gpurules lint --history``."""

import json
from pathlib import Path
from typing import Any

import pytest

RULES = """\
version: 1
name: judged
rules:
  - {name: hot, condition: gpu_temperature > 95, action: pause_transfer}
  - {name: warm, condition: gpu_temperature > 20, action: pause_transfer, priority: 1}
  - name: wobbling
    condition: gpu_temperature > 60
    action: pause_transfer
    priority: 2
  - {name: models, condition: file_type == 'model', action: pause_transfer, priority: 3}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour, a snapshot every ten seconds: warm, and above 60 C in every second of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.rules.yaml").write_text(RULES)
    (tmp_path / "node.jsonl").write_text("".join(f"{line(10.0 * i, 70 - 20 * (i % 2))}\n" for i in range(361)))
    (tmp_path / "smi.csv").write_text(
        "timestamp, index, temperature.gpu\n"
        + "".join(f"2026/01/01 10:{i // 60:02}:{i % 60:02}.000, 0, 50\n" for i in range(100))
    )


def line(timestamp: float, temperature: int) -> str:
    return json.dumps({"timestamp": 1_700_000_000 + timestamp, "gpus": [{"index": 0, "temperature": temperature}]})


def concise(gpurules: Any, *more: str) -> Any:
    return gpurules("lint", "x.rules.yaml", "--output-format", "concise", "--select", "GPR209,GPR210,GPR607", *more)


def test_what_a_recording_shows_is_reported_with_its_counts(gpurules: Any) -> None:
    done = concise(gpurules, "--history", "node.jsonl")
    found = [text.split(" (")[0] for text in done.out.splitlines()]
    assert found == [
        "x.rules.yaml:4:28: GPR209 info: `hot` is TRUE in 0 of 361 recorded snapshots",
        "x.rules.yaml:5:29: GPR210 info: `warm` is TRUE in 361 of 361 recorded snapshots",
        "x.rules.yaml:7:16: GPR607 info: `wobbling` flaps: 360 transitions in 1 h",
    ]
    assert done.code == 0
    assert concise(gpurules, "--history", "node.jsonl", "--fail-on", "info").code == 1


def test_a_rule_that_cannot_be_judged_is_named_where_that_is_asked(gpurules: Any) -> None:
    done = concise(gpurules, "--history", "node.jsonl", "-v")
    assert "`models`: not checked against the history: no part of it is about the GPUs or the node alone" in done.err


def test_without_a_recording_nothing_is_said(gpurules: Any) -> None:
    done = concise(gpurules, "--fail-on", "info")
    assert (done.code, done.out) == (0, "")


def test_logs_of_nvidia_smi_will_do_and_several_count_together(gpurules: Any) -> None:
    assert "`hot` is TRUE in 0 of 100 recorded" in concise(gpurules, "--history", "smi.csv").out
    both = concise(gpurules, "--history", "smi.csv", "--history", "node.jsonl").out
    assert "`hot` is TRUE in 0 of 461 recorded snapshots" in both


@pytest.mark.parametrize(
    "text", ["", "not a recording\n", '{"timestamp": 1, "gp', "timestamp, index, temperature.gpu\n"]
)
def test_a_bad_recording_is_2_and_named(gpurules: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.log").write_text(text)
    done = concise(gpurules, "--history", "bad.log")
    assert (done.code, done.out) == (2, "")
    assert "bad.log" in done.err
    assert "Traceback" not in done.err


def test_a_recording_that_is_not_there_is_2(gpurules: Any) -> None:
    done = concise(gpurules, "--history", "none.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "none.jsonl" in done.err


def test_a_log_without_a_header_is_read_by_the_columns_that_are_named(gpurules: Any, tmp_path: Path) -> None:
    rows = (f"2026/01/01 10:{i // 60:02}:{i % 60:02}.000, 50\n" for i in range(100))
    (tmp_path / "bare.csv").write_text("".join(rows))
    assert "name them as for --query-gpu" in concise(gpurules, "--history", "bare.csv").err
    done = concise(gpurules, "--history", "bare.csv", "--columns", "timestamp,temperature.gpu")
    assert "`hot` is TRUE in 0 of 100 recorded snapshots" in done.out


@pytest.mark.parametrize("option", [("--columns", "timestamp"), ("--timezone", "UTC"), ("--interval", "5")])
def test_how_to_read_a_recording_goes_with_one(gpurules: Any, option: tuple[str, str]) -> None:
    done = concise(gpurules, *option)
    assert (done.code, f"{option[0]} requires --history" in done.err) == (2, True)
