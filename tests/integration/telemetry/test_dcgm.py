"""dcgm-exporter, played by a server of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gpurules.telemetry import TelemetryError, TelemetryTimeout, open_source

SCRAPE = """# HELP DCGM_FI_DEV_GPU_TEMP GPU temperature (in C).
# TYPE DCGM_FI_DEV_GPU_TEMP gauge
DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7",DCGM_FI_DRIVER_VERSION="580.1"} 64
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7"} 653.21
DCGM_FI_DEV_FAN_SPEED{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7"} 9223372036854775794
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",GPU_I_ID="1",GPU_I_PROFILE="3g.40gb",Hostname="node-7"} 10
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a",GPU_I_ID="1",GPU_I_PROFILE="3g.40gb",Hostname="node-7"} 30
"""


@contextmanager
def exporter(body: str = SCRAPE, status: int = 200, seconds: float = 0.0, drip: float = 0.0) -> Iterator[str]:
    """Serve *body* at the address that is given; slowly, if asked."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            released.wait(seconds)
            self.send_response(status)
            self.end_headers()
            for part in [body] if not drip else body.splitlines(keepends=True):
                released.wait(drip)
                self.wfile.write(part.encode())

        def log_message(self, *arguments: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def read(address: str, timeout: float = 5.0):
    source = open_source(f"dcgm:{address}", timeout=timeout)
    try:
        return source.read()
    finally:
        source.close()


def test_a_scrape_is_a_snapshot_of_now():
    with exporter() as address:
        snapshot = read(address)
    board, part = snapshot.gpus
    assert (snapshot.host, snapshot.driver_version) == ("node-7", "580.1")
    assert abs(snapshot.timestamp - time.time()) < 30
    assert (board.temperature, board.power, board.fan_speed, board.missing["fan_speed"]) == (
        64, 653.21, None, "blank in DCGM",
    )  # fmt: skip
    assert (board.memory_used, part.index, part.memory_used, part.memory, part.power) == (
        None, "0:1", 10 << 20, 25.0, None,
    )  # fmt: skip


def test_a_whole_address_is_taken_as_it_is():
    with exporter() as address:
        assert read(f"http://{address}/metrics?a=b").gpus


def test_nobody_there_says_so():
    with exporter() as address:
        pass
    with pytest.raises(TelemetryError, match="cannot be reached: connection refused; is dcgm-exporter running"):
        read(address)


@pytest.mark.parametrize("how", [{"seconds": 30.0}, {"drip": 0.12}], ids=["silent", "dripping"])
def test_who_does_not_answer_in_time_is_not_waited_for(how):
    with exporter(**how) as address:
        start = time.monotonic()
        with pytest.raises(TelemetryTimeout):
            read(address, timeout=0.3)
        assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"status": 500}, "answers 500"),
        ({"body": "<html></html>"}, "tells of no GPU; is it a dcgm-exporter"),
        ({"body": "up 1\n"}, "tells of no GPU"),
        ({"body": ""}, "tells of no GPU"),
        ({"body": SCRAPE + SCRAPE.replace("node-7", "node-8")}, r"tells of several nodes \(node-7, node-8\)"),
    ],
)
def test_what_is_no_exporter_of_one_node_is_an_error(given, message):
    with exporter(**given) as address, pytest.raises(TelemetryError, match=message):
        read(address)


def test_a_scrape_without_end_is_not_read(monkeypatch):
    monkeypatch.setattr("gpurules.telemetry.dcgm.MAX_SCRAPE", 100)
    with exporter() as address, pytest.raises(TelemetryError, match="is it of one node"):
        read(address)


@pytest.mark.parametrize("address", ["ftp://node", "http://", "node:many", "node 7", "http://node:99999"])
def test_what_is_no_address_is_refused_when_it_is_opened(address):
    with pytest.raises(TelemetryError, match="is no address of an exporter"):
        open_source(f"dcgm:{address}")


def test_a_gpu_that_is_not_told_of_any_more_is_lost():
    with exporter() as address:
        source = open_source(f"dcgm:{address}")
        source.read()
    other = SCRAPE.replace("GPU-a", "GPU-b")
    with exporter(other) as address:
        source.reader._reader.url = open_source(f"dcgm:{address}").reader._reader.url
        snapshot = source.read()
        source.close()
    assert {gpu.uuid: gpu.is_lost for gpu in snapshot.gpus if not gpu.mig} == {"GPU-b": False, "GPU-a": True}
