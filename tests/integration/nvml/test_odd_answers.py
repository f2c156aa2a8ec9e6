"""Drivers that answer with what cannot be: bytes that are not text, unsigned nonsense, one UUID for two GPUs."""

import pytest

from gpurules.telemetry import TelemetryError

ALL_ONES = 2**32 - 1
MINUS_FORTY = 2**32 - 40
BYTE = b"\xff".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("name", [BYTE, f"H100{BYTE}", "\udcc3("], ids=["alone", "at the end", "half a letter"])
def test_a_name_that_is_not_utf_8_is_missing_and_all_else_is_there(inline, node, name):
    node.add(name=name)
    gpu = inline().read().gpus[0]
    assert (gpu.name, gpu.missing["name"]) == (None, "not valid UTF-8")
    assert (gpu.uuid, gpu.temperature, gpu.status, gpu.is_lost) == ("GPU-gpu0", 64, "ok", False)


def test_a_uuid_that_is_not_utf_8_is_missing_and_the_gpu_is_known_by_its_index(inline, node):
    node.add(uuid=BYTE)
    source = inline()
    for _ in range(3):
        gpu = source.read().gpus[0]
        assert (gpu.uuid, gpu.missing["uuid"], gpu.identity) == (None, "not valid UTF-8", "index 0")
        assert (gpu.temperature, gpu.is_lost) == (64, False)


def test_a_driver_version_that_is_not_utf_8_is_missing(inline, node):
    node.add()
    node.set("system", driver=BYTE)
    snapshot = inline().read()
    assert (snapshot.driver_version, snapshot.gpus[0].temperature) == (None, 64)


def test_texts_of_an_instance_that_are_not_utf_8_do_not_hide_it(inline, node):
    node.add(mig=1, max_mig=2**32 - 1)
    node.add_instance("gpu0.mig0", uuid=BYTE, name=BYTE)
    board, instance = inline().read().gpus
    assert (instance.index, instance.mig, instance.memory_used) == ("0:0", True, 10 << 30)
    assert instance.uuid == "MIG-GPU-gpu0/1/0"
    assert board.uuid == "GPU-gpu0"


@pytest.mark.parametrize("uuid", ["N/A", "[N/A]", "Unknown"])
def test_a_uuid_that_identifies_nothing_blinds_no_poll(inline, node, uuid):
    node.add(uuid=uuid)
    node.add("gpu1")
    source = inline()
    for _ in range(2):
        assert [(gpu.uuid, gpu.temperature) for gpu in source.read().gpus] == [(None, 64), ("GPU-gpu1", 64)]


def test_an_empty_uuid_blinds_no_poll(inline, node, time):
    node.add(uuid="  ")
    source = inline()
    source.read()
    node.set("gpu0", uuid="GPU-a")
    for _ in range(3):
        time.now += 1
        assert [(gpu.uuid, gpu.is_lost) for gpu in source.read().gpus] == [("GPU-a", False)]


def test_gpus_with_one_uuid_are_both_read_with_rates_of_their_own(inline, node, time):
    node.add(uuid="GPU-same", pcie_tx_bytes=1000)
    node.add("gpu1", uuid="GPU-same", pcie_tx_bytes=10**6)
    source = inline()
    source.read()
    node.set("gpu0", pcie_tx_bytes=1500)
    node.set("gpu1", pcie_tx_bytes=10**6 + 100)
    time.now += 1
    snapshot = source.read()
    assert [(gpu.index, gpu.identity, gpu.pcie_tx) for gpu in snapshot.gpus] == [
        (0, "GPU-same", 500),
        (1, "index 1", 100),
    ]
    assert "GPU-same" in snapshot.gpus[1].missing["uuid"]


@pytest.mark.parametrize(
    ("fact", "attribute"),
    [
        ("temperature", "temperature"),
        ("memory_temperature", "memory_temperature"),
        ("utilization", "utilization"),
        ("memory_busy", "memory_busy"),
        ("power_mw", "power"),
        ("power_limit_mw", "power_limit"),
        ("clock_sm", "clock_sm"),
        ("clock_memory", "clock_memory"),
        ("fan", "fan_speed"),
    ],
)
@pytest.mark.parametrize("nonsense", [ALL_ONES, MINUS_FORTY])
def test_a_negative_or_blank_32_bit_answer_is_missing_with_the_reason(inline, node, fact, attribute, nonsense):
    node.add(fan=30)
    node.set("gpu0", **{fact: nonsense})
    gpu = inline().read().gpus[0]
    assert getattr(gpu, attribute) is None
    assert "above" in gpu.missing[attribute]
    assert not gpu.is_lost


@pytest.mark.parametrize(
    ("fact", "attribute"),
    [
        ("memory_used", "memory_used"),
        ("memory_total", "memory_total"),
        ("memory_reserved", "memory_reserved"),
        ("energy_mj", "energy"),
        ("ecc", "ecc_errors"),
    ],
)
@pytest.mark.parametrize("nonsense", [2**64 - 1, 2**64 - 40])
def test_a_negative_or_blank_64_bit_answer_is_missing_with_the_reason(inline, node, fact, attribute, nonsense):
    node.add()
    node.set("gpu0", **{fact: nonsense})
    gpu = inline().read().gpus[0]
    assert getattr(gpu, attribute) is None
    assert "above" in gpu.missing[attribute]
    if attribute in ("memory_used", "memory_total"):
        assert gpu.memory is None


def test_a_mask_of_ones_is_not_every_reason_to_throttle(inline, node):
    node.add(reasons=2**64 - 1)
    gpu = inline().read().gpus[0]
    assert (gpu.throttled, gpu.throttle_thermal, gpu.throttle_power) == (None, None, None)
    assert {"throttled", "throttle_thermal", "throttle_power"} <= set(gpu.missing)


@pytest.mark.parametrize(("speed_reported", "speed"), [(100, 100), (104, 100), (200, 100), (201, None)])
def test_a_fan_beyond_its_nominal_maximum_runs_at_its_maximum(inline, node, speed_reported, speed):
    node.add(fan=speed_reported)
    assert inline().read().gpus[0].fan_speed == speed


def test_a_count_of_gpus_that_cannot_be_is_an_error_and_no_loop(inline, node, monkeypatch):
    node.add()
    source = inline()
    source.read()
    library = source.reader._library
    asked = library.ask
    monkeypatch.setattr(library, "ask", lambda name, *a: ALL_ONES if name == "nvmlDeviceGetCount" else asked(name, *a))
    with pytest.raises(TelemetryError, match=str(ALL_ONES)):
        source.read()
