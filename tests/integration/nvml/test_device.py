"""Real NVIDIA GPUs, where this machine has any."""

import shutil
import subprocess
import time

import pytest

from gpurules.telemetry import TelemetryError, first_snapshot, open_source

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def source():
    opened = open_source("nvml", timeout=10)
    try:
        if not first_snapshot(opened).gpus:
            pytest.skip("no NVIDIA GPU here")
        yield opened
    except TelemetryError as error:
        pytest.skip(f"no NVIDIA GPU here: {error}")
    finally:
        opened.close()


def test_each_gpu_reports_plausible_facts(source):
    snapshot = source.read()
    assert snapshot.driver_version
    for gpu in (gpu for gpu in snapshot.gpus if not gpu.mig):
        assert gpu.uuid.startswith("GPU-")
        assert gpu.healthy
        assert gpu.temperature is None or 0 < gpu.temperature < 120
        assert gpu.power is None or 1 < gpu.power < 2000
        assert gpu.memory is None or 0 <= gpu.memory <= 100


def test_nvml_agrees_with_nvidia_smi(source):
    binary = shutil.which("nvidia-smi")
    if binary is None:
        pytest.skip("no nvidia-smi here")
    command = [binary, "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]
    reported = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    rows = [tuple(cell.strip() for cell in line.split(",")) for line in reported]
    boards = [gpu for gpu in source.read().gpus if not gpu.mig]
    assert [(str(gpu.index), gpu.uuid, gpu.name) for gpu in boards] == [row[:3] for row in rows]
    for gpu, row in zip(boards, rows):
        if gpu.memory_total is not None:
            assert abs(gpu.memory_total / 2**20 - float(row[3])) <= 1


def test_the_other_source_reports_the_same_gpus(source):
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no nvidia-smi here")
    other = open_source("nvidia-smi", timeout=60)
    try:
        reported = other.read()
    finally:
        other.close()
    boards = [gpu for gpu in source.read().gpus if not gpu.mig]
    assert [gpu.uuid for gpu in reported.gpus if not gpu.mig] == [gpu.uuid for gpu in boards]


def test_a_poll_takes_little_time_and_traffic_has_a_rate(source):
    source.read()
    time.sleep(0.5)  # a real device measures rates over real time
    start = time.monotonic()
    snapshot = source.read()
    assert time.monotonic() - start < 2
    for gpu in (gpu for gpu in snapshot.gpus if not gpu.mig):
        assert gpu.pcie_rx is not None or gpu.missing["pcie_rx"]
