"""A replay says which fields that rules read no snapshot had: their conditions were never known."""

from pathlib import Path
from typing import Any

import pytest

RULES = """
version: 1
name: mine
fields:
  load: {type: number, scope: node, from: {prometheus: node_load1}}
define: {strained: gpu_power > 300W}
signals:
  hot: {condition: gpu_memory_temperature > 90C}
rules:
  - {name: busy, condition: load > 2, action: log}
  - {name: warm, condition: gpu_temperature > 60, action: log}
  - {name: by_define, condition: strained, action: log}
  - {name: by_signal, condition: hot, action: log}
  - {name: large, condition: transfer_size > 1GB, action: log}
"""
PAGE = 'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a"} 64\nnode_load5 3\n'
NEVER = (
    "load, read by busy, is missing in every snapshot: no series matches",
    "gpu_power, read by by_define, is missing in every snapshot",
    "gpu_memory_temperature, read by signal hot, is missing in every snapshot",
)


@pytest.fixture
def replayed(tmp_path: Path, gpurules: Any) -> Any:
    (tmp_path / "r.rules.yaml").write_text(RULES)

    def run(name: str, text: str, *options: str) -> Any:
        (tmp_path / name).write_text(text)
        return gpurules("run", tmp_path / "r.rules.yaml", "--source", f"replay:{tmp_path / name}", *options)

    return run


@pytest.mark.parametrize("format_", ["text", "json"])
def test_fields_that_no_snapshot_has_are_named_with_their_readers(replayed: Any, format_: str) -> None:
    done = replayed("page.prom", PAGE, "--format", format_)
    said = [line.removeprefix("gpurules: ") for line in done.err.splitlines() if "every snapshot" in line]
    assert done.code == 0 and sorted(said) == sorted(NEVER)
    assert "every snapshot" not in done.out


def test_a_field_that_one_snapshot_has_on_one_gpu_is_not_named(replayed: Any) -> None:
    lines = [
        '{"timestamp": 0, "gpus": [{"index": 0, "temperature": 50, "memory_temperature": 60}, {"index": 1}]}\n',
        '{"timestamp": 5, "labels": {"load": 1}, "gpus": [{"index": 0}, {"index": 1, "power": 200}]}\n',
        '{"timestamp": 9, "gpus": []}\n',
    ]
    assert "every snapshot" not in replayed("h.jsonl", "".join(lines)).err


def test_nothing_is_said_of_fields_that_no_rule_reads(replayed: Any, tmp_path: Path) -> None:
    (tmp_path / "r.rules.yaml").write_text(
        "version: 1\nname: one\nrules: [{name: warm, condition: gpu_temperature > 60, action: log}]\n"
    )
    assert "every snapshot" not in replayed("page.prom", PAGE).err


def test_a_recording_that_is_not_prometheus_text_says_so_of_fed_fields(replayed: Any) -> None:
    done = replayed("h.jsonl", '{"timestamp": 0, "gpus": [{"index": 0, "temperature": 50}]}\n')
    assert "load, read by busy, is missing in every snapshot: the recording is not Prometheus text" in done.err
