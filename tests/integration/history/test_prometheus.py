"""A range of a Prometheus becomes a store: in bounded chunks, and what cannot be read is reported."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gpurules.history.store.prometheus import PrometheusRange, write_range
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.strict_json import dumps
from tests.factories import NEW_YEAR
from tests.http_server import QuietHTTPServer
from tests.integration.cli.conftest import Program, gpurules

__all__ = ["gpurules"]


class Answers(BaseHTTPRequestHandler):
    """Answers range queries as Prometheus does: two nodes of dcgm-exporter, one of nvidia_gpu_exporter."""

    asked: list[dict[str, float]] = []  # noqa: RUF012
    broken_from = float("inf")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start, end, step = (float(query[name][0]) for name in ("start", "end", "step"))
        self.asked.append({"start": start, "end": end, "step": step})
        if start >= type(self).broken_from:
            self.send_error(422, "too many samples")
            return
        times = [start + n * step for n in range(int((end - start) / step) + 1)]
        series = []
        for host in ("n1", "n2"):
            labels = {"gpu": "0", "UUID": f"GPU-{host}", "Hostname": host, "instance": f"{host}:9400", "job": "dcgm"}
            for name, first in (("DCGM_FI_DEV_GPU_TEMP", 50), ("DCGM_FI_DEV_FB_USED", 100)):
                values = [[time, str(first + (time - NEW_YEAR) / 600)] for time in times]
                series.append({"metric": {"__name__": name, **labels}, "values": values})
        labels = {"uuid": "abc", "instance": "n3:9835"}
        values = [[time, "61"] for time in times]
        series.append({"metric": {"__name__": "nvidia_smi_temperature_gpu", **labels}, "values": values})
        body = dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Answers, "asked", [])
    monkeypatch.setattr(Answers, "broken_from", float("inf"))
    served = QuietHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def test_a_range_is_read_in_chunks_and_every_sample_once(server: str, tmp_path: Path) -> None:
    source = PrometheusRange(server, NEW_YEAR, NEW_YEAR + 3 * 3600.0, 60.0)
    assert sum(write_range(Storage(tmp_path), source)) == 3 * 181
    assert source.nodes == {"n1", "n2", "n3"} and not source.findings.texts
    assert len(Answers.asked) == 3 and all(a["end"] - a["start"] <= 3600.0 for a in Answers.asked)
    (frame,) = StoreReader(Storage(tmp_path)).frames("n1")
    found = [one for one, _ in frame.snapshots()]
    assert [one.timestamp for one in found] == [NEW_YEAR + 60.0 * n for n in range(181)]
    assert found[60].gpus[0].temperature == pytest.approx(56.0) and found[0].gpus[0].memory_used == 100 * 2**20
    (other,) = StoreReader(Storage(tmp_path)).frames("n3")
    assert next(other.snapshots())[0].gpus[0].temperature == 61


def test_a_chunk_that_is_refused_is_reported_and_the_others_are_read(server: str, tmp_path: Path) -> None:
    Answers.broken_from = NEW_YEAR + 3600.0
    source = PrometheusRange(server, NEW_YEAR, NEW_YEAR + 2 * 3600.0, 600.0)
    assert sum(write_range(Storage(tmp_path), source)) == 3 * 6
    assert "HTTP 422" in source.findings.texts[0]


def test_what_is_no_address_or_no_range_is_refused() -> None:
    with pytest.raises(RecordingStoreError, match="prometheus:http"):
        PrometheusRange("file:///etc/passwd", 0.0, 1.0)
    with pytest.raises(RecordingStoreError, match="--from is not before --to"):
        PrometheusRange("http://x:9090", 1.0, 1.0)


def test_the_command_reads_a_range_and_says_what_it_could_not(gpurules: Program, server: str, tmp_path: Path) -> None:
    span = ("--from", "2026-01-01", "--to", "2026-01-01T01:00", "--step", "300")
    done = gpurules("history", "import", f"prometheus:{server}", tmp_path, *span)
    assert (done.code, done.out) == (0, f"39 snapshots of 3 nodes from {server}\n")
    gone = gpurules("history", "import", "prometheus:http://127.0.0.1:1", tmp_path, *span)
    assert gone.code == 1 and "cannot be read" in gone.err and "Traceback" not in gone.err
    assert gpurules("history", "import", f"prometheus:{server}", tmp_path, "--from", "noon").code == 2


@pytest.mark.parametrize("step", [0.7, 7.0, 15.0, 3600.0, 5400.0, 10_800.0])
def test_chunks_ask_for_every_step_of_the_range_once(server: str, step: float) -> None:
    hours = 1 if step < 1 else 12
    list(PrometheusRange(server, NEW_YEAR, NEW_YEAR + 3600 * hours, step).answers())
    points = [
        one["start"] - NEW_YEAR + n * step
        for one in Answers.asked
        for n in range(int((one["end"] - one["start"]) / step + 1e-6) + 1)
    ]
    assert all(one["start"] <= one["end"] for one in Answers.asked)
    assert points == pytest.approx([n * step for n in range(int(3600 * hours / step + 1e-6) + 1)], abs=0.01)
