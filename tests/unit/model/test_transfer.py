import json
import math

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


@pytest.mark.parametrize("size", [math.nan, math.inf, -1, "1", True])
def test_a_size_that_is_none_is_missing(size: object) -> None:
    assert Transfer(size=size).size is None  # type: ignore[arg-type]
    assert Transfer.from_dict({"size": size}).size is None


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
