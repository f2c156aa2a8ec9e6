"""What ``lint --history`` says of recordings themselves: what they never have, and how far they are read."""

from pathlib import Path
from typing import Any

import pytest

from gpurules.cli.terminal import progress

RULES = """version: 1
name: node
description: About Xid errors.
rules:
  - name: xid
    description: A new error.
    condition: gpu_xid == 79 AND gpu_xid_age < 5m
    action: log
    parameters: {message: xid}
  - name: hot
    description: Too hot.
    condition: gpu_power > 80W
    action: pause_transfer
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULES)
    rows = "".join(f"2026/04/25 12:{n // 12:02d}:{5 * (n % 12):02d}.000, 0, {60 + n % 30}.00 W\n" for n in range(600))
    (tmp_path / "smi.csv").write_text("timestamp, index, power.draw [W]\n" + rows)


def test_a_fact_that_the_format_never_has_is_named_with_the_rules_that_read_it(gpurules: Any) -> None:
    done = gpurules("lint", "node.rules.yaml", "--history", "smi.csv")
    output = " ".join(done.err.split())
    assert "smi.csv: nvidia-smi --query-gpu CSV never has gpu_xid_age, read by xid" in output
    assert "(sources that have it: nvml, dcgm)" in output
    assert "never has gpu_power" not in output


def test_own_recordings_may_have_every_fact(tmp_path: Path, gpurules: Any) -> None:
    (tmp_path / "node.jsonl").write_text(
        "".join(f'{{"timestamp": {n}, "gpus": [{{"index": 0, "power": 50}}]}}\n' for n in range(1, 40))
    )
    assert "never has" not in gpurules("lint", "node.rules.yaml", "--history", "node.jsonl").err


def test_a_long_history_shows_how_far_it_has_been_read(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    times = iter(range(10**9))
    monkeypatch.setattr(progress, "_is_watched", lambda: True)
    monkeypatch.setattr(progress, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(progress, "show_status", shown.append)
    gpurules("lint", "node.rules.yaml", "--history", "smi.csv")
    drawn = [line for line in shown if "snapshots of smi.csv" in line]
    assert len(drawn) > 10
    assert any(line.startswith("[####") for line in drawn)
    assert shown[-1] == ""
