import json
import math
from dataclasses import FrozenInstanceError

import pytest

from gpurules.model import GPU, FactError, GPUProcess, Snapshot
from gpurules.model.gpu import NUMBERS
from gpurules.model.ranges import range_of

FULL = {
    "timestamp": 1767225600.5,
    "host": "node-7",
    "driver_version": "580.105.08",
    "gpus": [
        {
            "index": 0,
            "uuid": "GPU-1f",
            "name": "NVIDIA H100 80GB HBM3",
            "vendor": "nvidia",
            "status": "ok",
            "memory": 50.0,
            "memory_used": 40,
            "memory_free": 40,
            "memory_total": 80,
            "temperature": -5,
            "throttled": False,
            "healthy": False,
            "labels": {"rack": "a7"},
            "processes": [{"pid": 7, "name": "python", "memory_used": 40, "kind": "compute"}],
            "missing": {"power": "NOT_SUPPORTED"},
        },
        {"index": "1:0", "mig": True},
    ],
    "labels": {"zone": "eu"},
}


def test_a_snapshot_goes_to_json_and_back_unchanged() -> None:
    snapshot = Snapshot.from_dict(FULL)
    assert snapshot.to_dict() == FULL
    assert Snapshot.from_dict(json.loads(json.dumps(snapshot.to_dict()))) == snapshot


def test_memory_is_used_over_total() -> None:
    assert GPU(memory_used=40, memory_total=80).memory == 50.0
    assert GPU(memory_used=40, memory_total=80, memory=99).memory == 50.0


@pytest.mark.parametrize(
    ("used", "total", "memory"), [(None, 80, 33.0), (40, None, 33.0), (40, 0, 33.0), (None, None, 33.0)]
)
def test_memory_given_as_a_percentage_stands_in_where_it_cannot_be_computed(
    used: float | None, total: float | None, memory: float
) -> None:
    assert GPU(memory_used=used, memory_total=total, memory=33.0).memory == memory
    assert GPU(memory_used=used, memory_total=total).memory is None


def test_free_memory_is_the_rest_unless_it_is_given() -> None:
    assert GPU(memory_used=30, memory_total=80).memory_free == 50
    assert GPU(memory_used=30, memory_total=80, memory_free=45).memory_free == 45
    assert GPU(memory_used=90, memory_total=80).memory_free is None


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "7", True, [7], 10**400], ids=repr)
def test_what_is_no_finite_number_is_missing(name: str, value: object) -> None:
    assert getattr(GPU(**{name: value}), name) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NUMBERS)
def test_negative_amounts_are_missing_but_temperatures_are_not(name: str) -> None:
    wanted = -5 if range_of(name).minimum < 0 else None
    assert getattr(GPU(**{name: -5}), name) == wanted  # type: ignore[arg-type]
    assert getattr(GPU.from_dict({name: -5}), name) == wanted


@pytest.mark.parametrize("name", ["uuid", "name", "throttled", "mig"])
def test_a_value_of_the_wrong_type_is_missing_with_the_reason(name: str) -> None:
    gpu = GPU.from_dict({name: [1]})
    assert getattr(gpu, name) is None
    assert "[1]" in gpu.missing[name]


def test_what_a_source_says_of_missing_values_is_kept() -> None:
    gpu = GPU.from_dict({"missing": {"power": "NOT_SUPPORTED"}, "temperature": "hot"})
    assert gpu.missing == {"power": "NOT_SUPPORTED", "temperature": "not a finite number: 'hot'"}


def test_an_unknown_vendor_is_other() -> None:
    assert GPU.from_dict({"vendor": "matrox"}).vendor == "other"
    assert GPU.from_dict({"vendor": 7}).vendor is None
    assert GPU.from_dict({}).vendor is None


def test_an_unknown_status_is_missing() -> None:
    gpu = GPU.from_dict({"status": "on fire"})
    assert gpu.status is None
    assert "on fire" in gpu.missing["status"]


@pytest.mark.parametrize(("gpu", "lost"), [(GPU(), False), (GPU(healthy=False), True), (GPU(status="lost"), True)])
def test_a_gpu_that_does_not_answer_is_lost(gpu: GPU, lost: bool) -> None:
    assert gpu.is_lost is lost


def test_a_gpu_is_known_by_its_uuid_or_else_its_index() -> None:
    assert GPU(index=3, uuid="GPU-a").identity == "GPU-a"
    assert GPU(index=3).identity == "index 3"
    assert GPU(index=3, uuid="").identity == "index 3"


@pytest.mark.parametrize(
    ("index", "number"), [(3, 3), ("1:0", 1), ("12", 12), ("x", None), ("x:0", None), ("9" * 20, None), ("", None)]
)
def test_the_number_of_an_instance_is_that_of_its_parent(index: int | str, number: int | None) -> None:
    assert GPU(index=index).index_number == number


@pytest.mark.parametrize(("given", "read"), [("7", 7), ("1:0", "1:0"), (None, 4), (True, 4), ([1], 4), (1.5, 4)])
def test_an_index_that_is_none_is_the_place_in_the_list(given: object, read: object) -> None:
    assert GPU.from_dict({"index": given}, position=4).index == read


def test_processes_without_a_pid_are_passed_over() -> None:
    gpu = GPU.from_dict({"processes": [{"pid": 1, "memory_used": -4}, {"name": "x"}, "y", {"pid": "2"}]})
    assert gpu.processes == (GPUProcess(1),)


def test_a_gpu_that_is_there_twice_counts_once() -> None:
    twice = Snapshot(gpus=(GPU(index=0, uuid="a", power=1), GPU(index=0, uuid="a", power=2)))
    assert [gpu.power for gpu in twice.gpus] == [1]
    assert "twice" in twice.problems[0]


def test_gpus_that_share_a_uuid_stay_two_and_are_known_by_their_index() -> None:
    shared = Snapshot(gpus=(GPU(index=0, uuid="a", power=1), GPU(index=1, uuid="a", power=2)))
    assert [(gpu.identity, gpu.power) for gpu in shared.gpus] == [("a", 1), ("index 1", 2)]
    assert "'a'" in shared.gpus[1].missing["uuid"]
    assert "UUID" in shared.problems[0]


def test_gpus_that_share_an_index_stay_two_under_an_index_each() -> None:
    shared = Snapshot(gpus=(GPU(uuid="a"), GPU(uuid="b"), GPU(uuid="c"), GPU(), GPU(index="twin-0", uuid="d")))
    assert [gpu.uuid for gpu in shared.gpus] == ["a", "b", "c", None, "d"]
    assert len({gpu.index for gpu in shared.gpus}) == 5
    assert shared.gpus[0].index == 0


def test_gpus_without_an_index_take_those_that_no_other_has() -> None:
    snapshot = Snapshot.from_dict({"gpus": [{"index": 1, "power": 1}, {"power": 2}, {"index": 0, "power": 3}, {}]})
    assert [(gpu.index, gpu.power) for gpu in snapshot.gpus] == [(1, 1), (2, 2), (0, 3), (3, None)]


@pytest.mark.parametrize("uuid", ["", " ", "\t\n", "N/A", "[N/A]", "[Not Supported]", "None", "unknown", "index 1"])
def test_what_identifies_nothing_is_no_uuid(uuid: str) -> None:
    gpu = GPU(index=1, uuid=uuid)
    assert (gpu.uuid, gpu.identity) == (None, "index 1")
    assert "uuid" in gpu.missing


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [2**64 - 1, 2**64 - 40])
def test_a_negative_number_that_a_driver_gave_as_an_unsigned_one_is_missing_with_the_reason(
    name: str, value: int
) -> None:
    gpu = GPU(**{name: value})  # type: ignore[arg-type]
    if range_of(name).maximum is None:
        assert name == "xid_age"  # computed here, from a clock
    else:
        assert getattr(gpu, name) is None
        assert "above" in gpu.missing[name]
        assert GPU.from_dict({name: value}).missing == gpu.missing


@pytest.mark.parametrize("name", NUMBERS)
def test_the_limits_of_a_range_are_allowed_and_what_is_beyond_is_not(name: str) -> None:
    limits = range_of(name)
    assert getattr(GPU(**{name: limits.minimum}), name) == limits.minimum  # type: ignore[arg-type]
    assert getattr(GPU(**{name: limits.minimum - 1}), name) is None  # type: ignore[arg-type]
    if limits.maximum is not None:
        assert getattr(GPU(**{name: limits.maximum}), name) == limits.maximum  # type: ignore[arg-type]
        assert getattr(GPU(**{name: limits.maximum + 1}), name) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("used", "total"), [(1e308, 1), (1 << 60, 5e-324), (1e300, 1e-300), (2**70, 1)])
def test_a_share_of_memory_that_is_not_finite_is_missing_with_the_reason(used: float, total: float) -> None:
    for gpu in (GPU(memory_used=used, memory_total=total), GPU.from_dict({"memory_used": used, "memory_total": total})):
        assert gpu.memory is None
        assert "memory" in gpu.missing or "memory_used" in gpu.missing
        json.dumps(gpu.to_dict(), allow_nan=False)


def test_free_memory_that_cannot_be_says_why() -> None:
    assert GPU(memory_used=90, memory_total=80).missing == {"memory_free": "memory_used is above memory_total"}


def test_instances_are_no_boards() -> None:
    snapshot = Snapshot(gpus=(GPU(index=0), GPU(index="0:1", mig=True), GPU(index=1, healthy=False)))
    assert (snapshot.gpu_count, snapshot.gpu_lost_count) == (2, 1)


@pytest.mark.parametrize("timestamp", [math.nan, math.inf, None, "now", True])
def test_a_snapshot_has_a_time(timestamp: object) -> None:
    with pytest.raises(FactError):
        Snapshot(timestamp=timestamp)  # type: ignore[arg-type]


def test_an_absent_time_is_the_beginning() -> None:
    assert Snapshot.from_dict({}).timestamp == 0.0
    with pytest.raises(FactError, match="timestamp"):
        Snapshot.from_dict({"timestamp": "noon"})


def test_facts_do_not_change() -> None:
    snapshot = Snapshot.from_dict(FULL)
    with pytest.raises(FrozenInstanceError):
        snapshot.host = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        snapshot.labels["zone"] = "us"  # type: ignore[index]
    with pytest.raises((AttributeError, TypeError)):
        snapshot.gpus[0].fan = 7  # type: ignore[attr-defined]
