"""A real Prometheus, filled by promtool and read into a store: every sample where it was, and gaps stay gaps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules.history.store.prometheus import PrometheusRange, write_range
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from tests.factories import NEW_YEAR
from tests.integration.cli.conftest import Program, gpurules
from tests.prometheus_server import backfill, needs_prometheus, prometheus_server

__all__ = ["gpurules"]
pytestmark = [pytest.mark.slow, needs_prometheus]
STEP, SAMPLES = 15.0, 480
GAP = range(200, 280)
"""Scrapes that failed: 20 minutes, four times as long as Prometheus looks back."""
LOOKBACK = 20
"""For five minutes it answers with the last sample."""


def temperature(number: int) -> int:
    return 50 + number % 40


def families() -> dict[str, list[str]]:
    """Return two hours of one node of dcgm-exporter and one of nvidia_gpu_exporter, as OpenMetrics."""
    dcgm = 'gpu="0",UUID="GPU-a",Hostname="n1",instance="n1:9400",job="dcgm"'
    found = {
        name: [f"{name}{{{dcgm}}} {value(n)} {NEW_YEAR + STEP * n:.3f}" for n in range(SAMPLES) if n not in GAP]
        for name, value in (("DCGM_FI_DEV_GPU_TEMP", temperature), ("DCGM_FI_DEV_FB_USED", lambda n: 100 + n))
    }
    found["nvidia_smi_temperature_gpu"] = [
        f'nvidia_smi_temperature_gpu{{uuid="b",instance="n2:9835"}} {temperature(n + 7)} {NEW_YEAR + STEP * n:.3f}'
        for n in range(SAMPLES)
    ]
    return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(folder, families())
    with prometheus_server(folder) as server:
        yield server


def temperatures(store: Path, node: str) -> dict[int, float | None]:
    """Return the temperature of the GPU of *node* by the number of the sample."""
    found: dict[int, float | None] = {}
    for frame in StoreReader(Storage(store)).frames(node):
        for one, _ in frame.snapshots():
            found[round((one.timestamp - NEW_YEAR) / STEP)] = one.gpus[0].temperature if one.gpus else None
    return found


def test_every_sample_is_read_once_and_where_it_was(prometheus: str, tmp_path: Path) -> None:
    source = PrometheusRange(prometheus, NEW_YEAR, NEW_YEAR + STEP * (SAMPLES - 1), STEP)
    list(write_range(Storage(tmp_path), source))
    assert source.nodes == {"n1", "n2"} and not source.findings.texts
    assert temperatures(tmp_path, "n2") == {n: temperature(n + 7) for n in range(SAMPLES)}
    found = temperatures(tmp_path, "n1")
    assert {n: value for n, value in found.items() if n not in GAP} == {
        n: temperature(n) for n in range(SAMPLES) if n not in GAP
    }


def test_a_gap_is_a_gap_after_what_prometheus_looks_back(prometheus: str, tmp_path: Path) -> None:
    list(write_range(Storage(tmp_path), PrometheusRange(prometheus, NEW_YEAR, NEW_YEAR + STEP * (SAMPLES - 1), STEP)))
    found = temperatures(tmp_path, "n1")
    assert all(n not in found for n in GAP[LOOKBACK:])
    assert {found[n] for n in GAP[: LOOKBACK - 1]} == {temperature(GAP[0] - 1)}, "the last sample, as its queries give"


def test_the_command_imports_and_a_back_test_reads_it(prometheus: str, gpurules: Program, tmp_path: Path) -> None:
    span = ("--from", "2026-01-01T00:00", "--to", "2026-01-01T01:00", "--step", "15")
    done = gpurules("history", "import", f"prometheus:{prometheus}", tmp_path / "store", *span)
    assert done.code == 0, done.err
    done = gpurules("backtest", "gpurules:coordinator", "--history", tmp_path / "store")
    assert done.code == 0 and "2 nodes" in done.out


def test_a_range_without_series_is_no_empty_success(prometheus: str, gpurules: Program, tmp_path: Path) -> None:
    span = ("--from", "2025-12-31T20:00", "--to", "2025-12-31T22:00")
    done = gpurules("history", "import", f"prometheus:{prometheus}", tmp_path / "store", *span)
    assert done.code != 0 and "Traceback" not in done.err
