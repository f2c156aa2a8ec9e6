"""Exporters, played by a server of this process."""

import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from gpurules.telemetry import TelemetryError, TelemetryTimeout, open_source
from tests.http_server import QuietHTTPServer

SCRAPE = """# HELP DCGM_FI_DEV_GPU_TEMP GPU temperature (in C).
# TYPE DCGM_FI_DEV_GPU_TEMP gauge
DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7",DCGM_FI_DRIVER_VERSION="580.1"} 64
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7"} 653.21
DCGM_FI_DEV_FAN_SPEED{gpu="0",UUID="GPU-a",modelName="NVIDIA H100",Hostname="node-7"} 9223372036854775794
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",GPU_I_ID="1",GPU_I_PROFILE="3g.40gb",Hostname="node-7"} 10
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a",GPU_I_ID="1",GPU_I_PROFILE="3g.40gb",Hostname="node-7"} 30
"""


@contextmanager
def exporter(
    body: str = SCRAPE, status: int = 200, seconds: float = 0.0, drip: float = 0.0, user: str = ""
) -> Iterator[str]:
    """Serve *body* at the address that is given; slowly, if asked, and only to *user*."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            released.wait(seconds)
            is_known = not user or self.headers["Authorization"] == f"Basic {b64encode(user.encode()).decode()}"
            self.send_response(status if is_known else 401)
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

    server = QuietHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def read(address: str, timeout: float = 5.0, name: str = "dcgm", **options):
    source = open_source(f"{name}:{address}", timeout=timeout, **options)
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


def test_an_endpoint_that_does_not_answer_is_reported():
    with exporter() as address:
        pass
    with pytest.raises(TelemetryError, match="cannot be reached: connection refused; is the exporter running"):
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
        ({"body": "<html></html>"}, "reports no GPU; is it dcgm-exporter, and has it started"),
        ({"body": "up 1\n"}, "reports no GPU"),
        ({"body": ""}, "reports no GPU"),
        (
            {"body": SCRAPE + SCRAPE.replace("node-7", "node-8")},
            r"covers several nodes \(node-7, node-8\); select one with --node node-7",
        ),
    ],
)
def test_what_is_no_exporter_of_one_node_is_an_error(given, message):
    with exporter(**given) as address, pytest.raises(TelemetryError, match=message):
        read(address)


def test_a_scrape_without_end_is_not_read(monkeypatch):
    monkeypatch.setattr("gpurules.telemetry.live.scraper.MAX_SCRAPE", 100)
    with exporter() as address, pytest.raises(TelemetryError, match="does it cover a single node"):
        read(address)


def test_a_page_of_100_mb_is_given_up_at_the_limit():
    page = SCRAPE + "# a comment\n" * (100_000_000 // 12)
    with exporter(page) as address, pytest.raises(TelemetryError, match="does it cover a single node"):
        read(address, timeout=20.0)


@pytest.mark.parametrize("address", ["ftp://node", "http://", "node:many", "node 7", "http://node:99999"])
def test_what_is_no_address_is_refused_when_it_is_opened(address):
    with pytest.raises(TelemetryError, match="is not the address of an exporter"):
        open_source(f"dcgm:{address}")


def test_a_gpu_that_is_no_longer_reported_is_lost():
    with exporter() as address:
        source = open_source(f"dcgm:{address}")
        source.read()
    other = SCRAPE.replace("GPU-a", "GPU-b")
    with exporter(other) as address:
        source.reader._reader.scraper = open_source(f"dcgm:{address}").reader._reader.scraper
        snapshot = source.read()
        source.close()
    assert {gpu.uuid: gpu.is_lost for gpu in snapshot.gpus if not gpu.mig} == {"GPU-b": False, "GPU-a": True}


@pytest.mark.parametrize("label", ["Hostname", "hostname", "node", "kubernetes_node", "instance", "exported_instance"])
def test_one_of_several_nodes_is_chosen_by_any_usual_label(label):
    body = SCRAPE.replace("Hostname", label)
    both = body + body.replace("node-7", "node-8").replace("GPU-a", "GPU-b").replace(" 64", " 71")
    with exporter(both) as address:
        with pytest.raises(TelemetryError, match=r"several nodes \(node-7, node-8\); select one with --node node-7"):
            read(address)
        snapshot = read(address, node="node-8")
    assert (snapshot.host, snapshot.gpus[0].uuid, snapshot.gpus[0].temperature) == ("node-8", "GPU-b", 71)


def test_a_node_that_the_page_does_not_have_is_an_error():
    with exporter() as address, pytest.raises(TelemetryError, match="has no metric of the node 'node-9'"):
        read(address, node="node-9")


XPUM = """# TYPE xpum_power_watts gauge
xpum_power_watts{uuid="u-0",pci_bdf="0000:4d:00.0",dev_name="Intel Max 1550",src="direct"} 301.5
xpum_temperature_celsius{uuid="u-0",pci_bdf="0000:4d:00.0",location="gpu",src="direct"} 48
xpum_power_watts{uuid="u-1",pci_bdf="0000:9a:00.0",dev_name="Intel Max 1550",src="direct"} NaN
"""
ALL_SMI = """all_smi_gpu_utilization{gpu="Tesla T4",instance="node-7",gpu_uuid="GPU-t",gpu_index="3"} 37
all_smi_gpu_temperature_celsius{gpu="Tesla T4",instance="node-7",gpu_uuid="GPU-t",gpu_index="3"} 0
"""
SMI = """go_goroutines 8
nvidia_smi_gpu_info{uuid="1f",name="RTX",index="0",driver_version="595.71"} 1
nvidia_smi_temperature_gpu{uuid="1f"} 41
"""


def test_a_scrape_of_xpu_manager_is_a_snapshot():
    with exporter(XPUM) as address:
        first, second = read(address, name="scrape").gpus
    assert (first.uuid, first.vendor, first.power, first.temperature) == ("u-0", "intel", 301.5, 48)
    assert (second.power, second.missing["power"]) == (None, "n/a")


def test_a_scrape_of_all_smi_is_a_snapshot():
    with exporter(ALL_SMI) as address:
        snapshot = read(address, name="scrape")
    (gpu,) = snapshot.gpus
    assert (snapshot.host, gpu.index, gpu.uuid, gpu.utilization, gpu.temperature) == ("node-7", 3, "GPU-t", 37, None)


def test_a_scrape_of_nvidia_gpu_exporter_is_a_snapshot():
    with exporter(SMI) as address:
        snapshot = read(address, name="scrape")
    assert (snapshot.driver_version, snapshot.gpus[0].uuid, snapshot.gpus[0].temperature) == ("595.71", "GPU-1f", 41)


def test_a_scrape_of_dcgm_is_what_the_source_dcgm_reads():
    with exporter() as address:
        assert read(address, name="scrape").gpus == read(address).gpus


def test_what_a_page_has_beside_is_reported():
    with exporter(SCRAPE + ALL_SMI + "nonsense {\n") as address:
        snapshot = read(address, name="scrape", node="node-7")
    assert [gpu.uuid for gpu in snapshot.gpus if not gpu.mig] == ["GPU-a"]
    bad, beside = snapshot.problems
    assert "1 lines are not samples, first 'nonsense {'" in bad
    assert "also has metrics of all-smi, which are not read" in beside


def test_metrics_of_dcgm_that_are_not_known_are_an_error_with_the_remedy():
    with (
        exporter('DCGM_FI_DEV_STRANGE{gpu="0"} 1\n') as address,
        pytest.raises(TelemetryError, match=r"none of the metrics is known: DCGM_FI_DEV_STRANGE; .*--map"),
    ):
        read(address, name="scrape")


def test_a_scrape_without_an_address_says_what_to_write():
    with pytest.raises(TelemetryError, match="scrape needs the address of an exporter, as in scrape:http://"):
        open_source("scrape")


def test_a_password_in_the_address_is_sent_and_never_shown():
    with exporter(user="user:s3cret@") as address:
        assert read(f"http://user:s3cret%40@{address}/metrics").gpus
        with pytest.raises(TelemetryError, match="answers 401"):
            read(address)
    with pytest.raises(TelemetryError) as caught:
        read(f"http://user:s3cret@{address}/metrics")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(TelemetryError) as caught:
        open_source("dcgm:http://user:s3cret@:99999/metrics")
    assert "s3cret" not in str(caught.value)
