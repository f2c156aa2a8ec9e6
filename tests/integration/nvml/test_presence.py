"""GPUs that are lost, vanish, come back and are partitioned: who is who, over many polls."""

import pytest

from tests.integration.nvml.node import GIB, LOST


@pytest.fixture
def eight(node):
    """A node of eight GPUs."""
    for number in range(8):
        node.add(f"gpu{number}")
    return node


def indexes(snapshot):
    return {gpu.uuid: gpu.index for gpu in snapshot.gpus}


def test_one_lost_gpu_of_eight_leaves_the_others_alone_and_comes_back(inline, eight, time):
    source = inline()
    source.read()
    eight.fail("gpu3", "*", LOST)
    snapshot = source.read()
    gone = snapshot.gpus[3]
    assert (gone.index, gone.uuid, gone.name) == (3, "GPU-gpu3", "NVIDIA H100 80GB HBM3")
    assert (gone.healthy, gone.status, gone.missing["temperature"]) == (False, "lost", "gpu is lost")
    assert {gone.memory, gone.power, gone.temperature, gone.throttled, gone.process_count} == {None}
    assert [gpu.healthy for gpu in snapshot.gpus].count(True) == 7
    assert (snapshot.gpu_count, snapshot.gpu_lost_count) == (8, 1)
    eight.fail("gpu3", "*", 0)
    back = source.read().gpus[3]
    assert (back.uuid, back.healthy, back.temperature) == ("GPU-gpu3", True, 64)


def test_a_gpu_that_vanishes_is_lost_while_the_indexes_of_the_others_shift(inline, eight):
    eight.set("system", live=1)
    source = inline()
    source.read()
    eight.remove("gpu2")
    eight.set("gpu3", temperature=99)
    snapshot = source.read()
    found = indexes(snapshot)
    assert found == {
        "GPU-gpu0": 0, "GPU-gpu1": 1, "GPU-gpu3": 2, "GPU-gpu4": 3, "GPU-gpu5": 4, "GPU-gpu6": 5, "GPU-gpu7": 6,
        "GPU-gpu2": "lost-2",
    }  # fmt: skip
    by_uuid = {gpu.uuid: gpu for gpu in snapshot.gpus}
    assert (by_uuid["GPU-gpu2"].is_lost, by_uuid["GPU-gpu2"].missing["power"]) == (True, "gpu has vanished")
    assert by_uuid["GPU-gpu3"].temperature == 99
    assert (snapshot.gpu_count, snapshot.gpu_lost_count, snapshot.problems) == (8, 1, ())


def test_a_gpu_that_comes_back_has_its_index_again(inline, eight):
    eight.set("system", live=1)
    source = inline()
    source.read()
    facts = eight.facts["gpu2"]
    eight.remove("gpu2")
    source.read()
    eight.facts["gpu2"] = facts
    eight.set("system", order="gpu0,gpu1,gpu2,gpu3,gpu4,gpu5,gpu6,gpu7")
    snapshot = source.read()
    assert indexes(snapshot)["GPU-gpu2"] == 2
    assert snapshot.gpu_lost_count == 0


@pytest.mark.parametrize("way", ["vanished", "lost"])
def test_a_lost_gpu_is_dropped_after_a_time_and_comes_back_under_its_uuid(inline, eight, time, way):
    eight.set("system", live=1)
    source = inline(drop_after=60)
    source.read()
    facts = dict(eight.facts["gpu7"])
    if way == "lost":
        eight.fail("gpu7", "*", LOST)
    else:
        eight.remove("gpu7")
    assert source.read().gpu_lost_count == 1
    time.now += 59
    assert source.read().gpu_lost_count == 1
    time.now += 1
    assert (source.read().gpu_count, source.read().gpu_lost_count) == (7, 0)
    if way == "lost":
        eight.fail("gpu7", "*", 0)
    else:
        eight.facts["gpu7"] = facts
        eight.set("system", order="gpu0,gpu1,gpu2,gpu3,gpu4,gpu5,gpu6,gpu7")
    assert indexes(source.read())["GPU-gpu7"] == 7


def test_the_count_may_change_when_nvml_is_initialized_again(inline, eight, time):
    """The driver counts its boards at nvmlInit only, so while one is lost that is done again now and then."""
    source = inline()
    source.read()
    eight.fail("gpu7", "*", LOST)
    source.read()
    facts = dict(eight.facts["gpu7"])
    eight.remove("gpu7")
    time.now += 11
    snapshot = source.read()
    assert (eight.calls()["nvmlInitWithFlags"], snapshot.gpu_count, snapshot.gpu_lost_count) == (2, 8, 1)
    del facts["error.*"]
    eight.facts["gpu7"] = facts
    eight.set("system", order="gpu0,gpu1,gpu2,gpu3,gpu4,gpu5,gpu6,gpu7")
    assert source.read().gpu_lost_count == 1
    time.now += 21
    assert (source.read().gpu_count, source.read().gpu_lost_count) == (8, 0)


def test_a_gpu_that_is_lost_from_the_start_has_no_uuid_until_it_answers(inline, node):
    node.add("gpu0")
    node.add("gpu1")
    node.fail("gpu1", "*", LOST)
    source = inline()
    assert [(gpu.index, gpu.uuid, gpu.is_lost) for gpu in source.read().gpus][1] == (1, None, True)
    node.fail("gpu1", "*", 0)
    assert indexes(source.read()) == {"GPU-gpu0": 0, "GPU-gpu1": 1}


def test_each_quantity_of_a_partitioned_gpu_stands_in_one_place(inline, node, time):
    node.add("gpu0")
    node.add("gpu1", mig=1, max_mig=7, utilization=None, processes="4242:1:C")
    node.add_instance("gpu1.mig0", processes="4242:1024:C")
    node.add_instance("gpu1.mig2", memory_total=20 * GIB, gpu_instance=5)
    source = inline()
    source.read()
    node.set("gpu1", pcie_rx_bytes=7000)
    time.now += 1
    board, *parts = source.read().gpus[1:]
    assert [(part.index, part.uuid, part.mig) for part in parts] == [
        ("1:0", "MIG-gpu1.mig0", True),
        ("1:2", "MIG-gpu1.mig2", True),
    ]
    assert (board.memory, board.memory_used, board.memory_total, board.process_count) == (None, None, None, None)
    assert (board.missing["memory_used"], board.processes) == ("reported for the MIG instances", ())
    assert [part.memory_total for part in parts] == [40 * GIB, 20 * GIB]
    assert [part.process_count for part in parts] == [1, 0]
    assert parts[0].processes[0].name == "/usr/bin/python3"
    assert (board.power, board.pcie_rx, board.energy) == (612.345, 5000.0, 5000.5)
    assert {parts[0].power, parts[0].pcie_rx, parts[0].energy} == {None}
    assert [gpu.temperature for gpu in (board, *parts)] == [64, 64, 64]
    assert [gpu.clock_sm for gpu in (board, *parts)] == [1_755_000_000] * 3
    assert [gpu.throttle_power for gpu in (board, *parts)] == [True] * 3
    assert parts[0].name == "NVIDIA H100 80GB HBM3 MIG 3g.40gb"
    assert parts[0].missing["utilization"] == "NVML does not report it for a MIG instance"


def test_boards_count_and_instances_do_not(inline, node):
    node.add("gpu0", mig=1, max_mig=7)
    node.add_instance("gpu0.mig0")
    node.add_instance("gpu0.mig1")
    assert inline().read().gpu_count == 1


def test_partitioning_again_loses_no_gpu(inline, node):
    node.add("gpu0", mig=1, max_mig=7)
    node.add_instance("gpu0.mig0")
    node.add_instance("gpu0.mig1")
    source = inline()
    assert list(indexes(source.read())) == ["GPU-gpu0", "MIG-gpu0.mig0", "MIG-gpu0.mig1"]
    node.remove("gpu0.mig0")
    node.remove("gpu0.mig1")
    node.add_instance("gpu0.mig0", uuid="MIG-new")
    assert list(indexes(source.read())) == ["GPU-gpu0", "MIG-new"]
    node.set("gpu0", mig=0)
    snapshot = source.read()
    assert [(gpu.index, gpu.memory, gpu.is_lost) for gpu in snapshot.gpus] == [(0, 25.0, False)]


def test_the_instances_of_a_lost_gpu_are_lost_with_it(inline, node):
    node.add("gpu0", mig=1, max_mig=7)
    node.add_instance("gpu0.mig0")
    source = inline()
    source.read()
    node.fail("gpu0", "*", LOST)
    snapshot = source.read()
    assert [(gpu.index, gpu.is_lost) for gpu in snapshot.gpus] == [(0, True), ("0:0", True)]
    assert snapshot.gpu_lost_count == 1
