import json
import math
from fractions import Fraction
from pathlib import PurePosixPath

import pytest

from gpurules.model import FactError, Transfer, Workload

TRANSFER = {
    "id": "t-1",
    "path": "/ckpt/model-00001.safetensors",
    "size": 4976698672,
    "priority": -3,
    "operation": "read",
    "created": 1767225599.2,
    "duration": 4.5,
    "file_type": "model",
    "framework": "pytorch",
    "workload_id": "w-1",
    "labels": {"tenant": "search"},
}
WORKLOAD = {
    "id": "w-1",
    "type": "training",
    "priority": 5,
    "gpu_devices": [0, "1:0"],
    "memory_footprint": 68719476736,
    "access_pattern": "sequential",
    "io_throughput": 1e9,
    "batch_size": 512,
    "epoch_time": 60,
    "framework": "jax",
    "started": 1767225000.0,
    "last_activity": 1767225600.0,
    "pid": 4711,
    "dataset_files": ["/d/a.tar"],
    "model_files": ["/m/b.pt"],
    "labels": {"team": "llm"},
}


def test_a_transfer_goes_to_json_and_back_unchanged() -> None:
    transfer = Transfer.from_dict(TRANSFER)
    assert transfer.to_dict() == TRANSFER
    assert Transfer.from_dict(json.loads(json.dumps(transfer.to_dict()))) == transfer


def test_a_workload_goes_to_json_and_back_unchanged() -> None:
    workload = Workload.from_dict(WORKLOAD)
    assert workload.to_dict() == WORKLOAD
    assert Workload.from_dict(json.loads(json.dumps(workload.to_dict()))) == workload


def test_what_is_missing_is_left_out() -> None:
    assert Transfer().to_dict() == {}
    assert Workload().to_dict() == {}


@pytest.mark.parametrize("size", [math.nan, math.inf, -math.inf, -1, -0.5, 10**400])
def test_a_size_that_cannot_be_is_missing_with_the_reason(size: float) -> None:
    for transfer in (Transfer(size=size), Transfer.from_dict({"size": size})):
        assert transfer.size is None
        assert transfer.missing["size"]


@pytest.mark.parametrize("size", ["4GiB", "1", True, [1], b"1", 1j])
def test_a_size_of_another_type_raises_in_python_and_is_missing_with_the_reason_from_data(size: object) -> None:
    with pytest.raises(FactError, match="size must be a number, not "):
        Transfer(size=size)  # type: ignore[arg-type]
    transfer = Transfer.from_dict({"size": size})
    assert transfer.size is None
    assert transfer.missing["size"].startswith("not a finite number: ")


@pytest.mark.parametrize("kind", [Transfer, Workload])
def test_every_value_of_another_type_raises_in_python(kind: type[Transfer] | type[Workload]) -> None:
    for name, value in (("id", 7), ("framework", b"jax"), ("priority", "high"), ("priority", False)):
        with pytest.raises(FactError, match=f"{name} must be a "):
            kind(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(FactError, match="operation must be a string, not 3"):
        Transfer(operation=3, size=5)  # type: ignore[arg-type]
    with pytest.raises(FactError, match="started must be a number, not "):
        Workload(started="noon")  # type: ignore[arg-type]


def test_numbers_of_other_libraries_and_paths_are_taken_for_what_they_are() -> None:
    transfer = Transfer(size=Fraction(7, 2), created=Fraction(4), path=PurePosixPath("/a/b"))  # type: ignore[arg-type]
    assert (transfer.size, transfer.created, transfer.path) == (3.5, 4.0, "/a/b")
    assert Transfer(size=2**64).size == float(2**64)
    assert Transfer(created=-5, priority=-(2**70)).priority == -float(2**70)


def test_a_reason_that_is_given_stays_beside_one_that_is_found() -> None:
    transfer = Transfer(size=-1, missing={"path": "not reported"})
    assert dict(transfer.missing) == {"path": "not reported", "size": "below 0: -1"}


@pytest.mark.parametrize("kind", [Transfer, Workload])
def test_priorities_may_be_negative(kind: type[Transfer] | type[Workload]) -> None:
    assert kind(priority=-5).priority == -5
    assert kind.from_dict({"priority": -5}).priority == -5


def test_texts_of_another_type_are_missing_with_the_reason() -> None:
    transfer = Transfer.from_dict({"path": 7, "labels": 5})
    assert transfer.path is None
    assert transfer.labels == {}
    assert set(transfer.missing) == {"path", "labels"}


def test_devices_are_indexes() -> None:
    assert Workload.from_dict({"gpu_devices": [0, "1:0", True, None, 2.5]}).gpu_devices == (0, "1:0")
    with pytest.raises(FactError, match="gpu_devices"):
        Workload.from_dict({"gpu_devices": "0"})
