"""Xid errors: NVML delivers each once, and only to a waiting listener."""

from tests.integration.nvml.node import LOST, NOT_SUPPORTED
from tests.waiting import wait_until


def test_an_xid_stays_and_ages(inline, node, time):
    node.add("gpu0", xid="0:0")
    node.add("gpu1", xid="0:0")
    source = inline({"gpu_xid", "gpu_xid_age"})
    first = source.read().gpus[1]
    assert (first.xid, first.missing["xid"]) == (None, "no Xid error since sampling began")
    node.set("gpu1", xid="31:1")
    assert wait_until(lambda: source.read().gpus[1].xid) == 31
    time.now += 60
    quiet, struck = source.read().gpus
    assert (quiet.xid, struck.xid, struck.xid_age) == (None, 31, 60.0)


def test_the_last_xid_of_a_lost_gpu_is_still_known(inline, node):
    """It is the one thing that says why the GPU was lost, and it comes from the driver, not from the GPU."""
    node.add("gpu0", xid="0:0")
    source = inline()
    source.read()
    node.set("gpu0", xid="79:1", **{"error.*": LOST})
    assert wait_until(lambda: source.read().gpus[0].xid) == 79
    assert source.read().gpus[0].is_lost


def test_a_gpu_without_events_says_so(inline, node):
    node.add()
    node.fail("gpu0", "nvmlDeviceRegisterEvents", NOT_SUPPORTED)
    gpu = inline().read().gpus[0]
    assert (gpu.xid, gpu.missing["xid"], gpu.healthy) == (None, "not supported", True)
