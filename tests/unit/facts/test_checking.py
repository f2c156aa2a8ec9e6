"""Every typed fact is held against its field, and everything that is wrong is found at its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.facts import KINDS, check, check_value, read_node, read_snapshot, read_transfer, read_workload
from gpurules.fields import FIELDS, Field, Scope, declared_field
from gpurules.model import Dimension, FactError, Kind
from gpurules.telemetry import Scenario, Synthetic, simulate_transfers

DECLARED = {
    "rack_ok": declared_field("rack_ok", "bool", scope=Scope.NODE),
    "inlet": declared_field("inlet", "number", Dimension.CELSIUS, Scope.GPU),
    "tenant": declared_field("tenant", "string", scope=Scope.TRANSFER),
    "team": declared_field("team", "string", scope=Scope.WORKLOAD),
}


def problems(kind: str, data: object) -> list[str]:
    return [str(problem).removeprefix(f"{kind}.") for problem in check({kind: data}, DECLARED, 100.0).problems]


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("snapshot", {"gpu": []}, "gpu: a snapshot has no 'gpu'; did you mean 'gpus'?"),
        ("snapshot", {"gpus": [{"index": 0, "temprature": 3}]}, "gpus[0].temprature: a GPU has no 'temprature'; did"),
        ("snapshot", {"gpus": [{"index": 0, "gpu_memory": 3}]},
         "gpus[0].gpu_memory: a GPU has no 'gpu_memory'; did you mean 'memory'"),
        ("snapshot", {"rack_ok": True},
         "rack_ok: a snapshot has no 'rack_ok'; rack_ok belongs to the node: write it there"),
        ("snapshot", {"pending_transfers": 3},
         "pending_transfers: a snapshot has no 'pending_transfers'; pending_transfers belongs to the node"),
        ("transfer", {"siez": 3}, "siez: a transfer has no 'siez'; did you mean 'size'?"),
        ("transfer", {"file_name": "a"}, "file_name: a transfer has no 'file_name'; it is derived from 'path'"),
        ("transfer", {"team": "a"}, "team: a transfer has no 'team'; team belongs to the workload: write it there"),
        ("workload", {"typ": "training"}, "typ: a workload has no 'typ'; did you mean 'type'?"),
        ("node", {"weekdya": "mon"}, "weekdya: the node has no 'weekdya'; did you mean 'weekday'?"),
        ("node", {"weekday": "Sunday"}, "weekday: 'Sunday' is not a weekday; did you mean 'sun'?"),
        ("node", {"weekday": "Saturday"}, "weekday: 'Saturday' is not a weekday; did you mean 'sat'?"),
        ("node", {"hour": 24}, "hour: hour is 0 to 23, and this is 24"),
        ("node", {"hour": "22:00"}, "hour: hour is a bare number, and 22:00 is in seconds"),
        ("node", {"rack_ok": "fine"}, "rack_ok: rack_ok is true or false, but this is 'fine'"),
        ("transfer", {"file_type": "Model"}, "file_type: 'Model' is not a file_type; did you mean 'model'?"),
        ("transfer", {"operation": "upload"}, "operation: 'upload' is not an operation; it is one of read, write"),
        ("transfer", {"size": -1}, "size: transfer_size is 0 or more, and this is -1"),
        ("transfer", {"size": "-1GiB"}, "size: transfer_size is 0 or more, and this is -1GiB"),
        ("transfer", {"size": "4C"}, "size: transfer_size is in bytes, and 4C is in celsius"),
        ("transfer", {"size": "4gib"},
         "size: 4gib is not a quantity: 'gib' is not a unit; units are case-sensitive: write GiB"),
        ("transfer", {"size": True}, "size: transfer_size is in bytes, and this is true"),
        ("transfer", {"size": [1]}, "size: transfer_size is in bytes, and this is a list"),
        ("transfer", {"size": float("nan")}, "size: nan is not a finite number"),
        ("transfer", {"path": 3}, "path: path is a string, but this is 3"),
        ("transfer", {"created": "yesterday"}, "created: 'yesterday' is not a time"),
        ("transfer", {"age": 3, "created": 5}, "age: both 'age' and 'created' are set"),
        ("snapshot", {"timestamp": "noon"}, "timestamp: 'noon' is not a time"),
        ("snapshot", {"gpus": [{"index": 0, "memory": "120%"}]},
         "gpus[0].memory: gpu_memory is 0 to 100 %, and this is 120%"),
        ("snapshot", {"gpus": [{"index": 0, "inlet": "35%"}]},
         "gpus[0].inlet: inlet is in celsius, and 35% is in percent"),
        ("snapshot", {"gpus": [{"index": 0, "labels": {"inlet": "x"}}]}, "gpus[0].labels.inlet: 'x' is not a quantity"),
        ("snapshot", {"gpus": [{"index": 0}, {"index": 0}]}, "gpus[1].index: two GPUs have the index 0"),
        ("snapshot", {"gpus": [{"index": 0, "uuid": "a"}, {"index": 1, "uuid": "a"}]},
         "gpus[1].uuid: two GPUs have the uuid 'a'"),
        ("snapshot", {"gpus": [{"index": 0}, {}]}, "gpus[1]: a GPU among several has no index"),
        ("snapshot", {"gpus": [{"index": "x"}]}, "gpus[0].index: 'x' is not a GPU index"),
        ("snapshot", {"gpus": [{"index": -1}]}, "gpus[0].index: -1 is not a GPU index"),
        ("snapshot", {"gpus": [{"index": 1.5}]}, "gpus[0].index: 1.5 is not a GPU index"),
        ("snapshot", {"gpus": {"index": 1}}, "gpus: expected a list, got a mapping"),
        ("snapshot", {"gpus": [3]}, "gpus[0]: expected a mapping, got 3"),
        ("workload", {"gpu_devices": ["x"]}, "gpu_devices[0]: 'x' is not a GPU index"),
        ("workload", {"framework": "torch"}, "framework: 'torch' is not a framework"),
        ("snapshot", [1], "snapshot: expected a mapping, got a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_once_at_its_place(kind: str, data: object, said: str) -> None:
    found = problems(kind, data)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_everything_that_is_wrong_is_found_and_missing_and_the_rest_is_read() -> None:
    data = {
        "snapshot": {"gpus": [{"index": 0, "memory": "90%", "temperature": "hot"}]},
        "transfer": {"size": "4GiB", "priority": "high", "tenant": 3, "path": "/a"},
        "nodes": {},
    }
    facts = check(data, DECLARED, 0.0)
    places = [problem.path for problem in facts.problems]
    assert places == [
        ("nodes",), ("snapshot", "gpus", 0, "temperature"), ("transfer", "priority"), ("transfer", "tenant")
    ]  # fmt: skip
    gpu, transfer = facts.snapshot.gpus[0], facts.transfer
    assert transfer is not None
    assert (gpu.memory, gpu.temperature, transfer.size, transfer.priority) == (90, None, 4 << 30, None)
    assert (transfer.path, dict(transfer.labels)) == ("/a", {"tenant": None})


def test_declared_fields_are_read_wherever_they_may_be_written() -> None:
    beside = {"index": 0, "inlet": "36C"}
    among = {"index": 0, "labels": {"inlet": "36C", "other": "x"}}
    for gpu in (beside, among):
        facts = check({"snapshot": {"gpus": [gpu], "labels": {"rack_ok": "false"}}}, DECLARED, 0.0)
        assert not facts.problems
        assert facts.snapshot.gpus[0].labels["inlet"] == 36
        assert facts.snapshot.labels["rack_ok"] is False
    assert read_node({"rack_ok": "no"}, DECLARED) == {"rack_ok": False}
    assert dict(read_workload({"team": "x"}, DECLARED).labels) == {"team": "x"}


def test_a_memory_share_that_follows_from_bytes_is_not_bounded() -> None:
    assert not problems("snapshot", {"gpus": [{"index": 0, "memory_used": 9, "memory_total": 8, "memory": 112.5}]})


def test_an_age_counts_from_the_snapshot_and_not_without_one() -> None:
    facts = check({"snapshot": {"timestamp": "1970-01-01T01:00:00Z"}, "transfer": {"age": "10m"}}, {}, 7.0)
    assert facts.transfer is not None and facts.transfer.created == 3000
    with pytest.raises(FactError, match="an age requires a timestamp, and none is given; write 'created'"):
        read_transfer({"age": 5})
    assert read_transfer({"age": 5}, now=100.0).created == 95


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (read_snapshot, {"gpu": []}),
        (read_transfer, {"size": "4 GiB of data"}),
        (read_workload, {"type": "Training"}),
        (read_node, {"hour": 25}),
        (read_transfer, None),
    ],
)
def test_the_strict_way_raises_with_all_that_is_wrong(read: Any, data: object) -> None:
    if data is None:
        with pytest.raises(FactError, match=r"transfer\.size: .*; transfer\.path: "):
            read({"size": "x", "path": 3})
    else:
        with pytest.raises(FactError):
            read(data)


def test_what_the_model_writes_is_read_back_as_it_was() -> None:
    scenario = Scenario(seconds=1800, interval=60, mig=True)
    for snapshot, (transfer, workload) in zip(Synthetic(scenario), simulate_transfers(scenario), strict=False):
        parts = (("snapshot", snapshot), ("transfer", transfer), ("workload", workload))
        facts = check({kind: None if one is None else one.to_dict() for kind, one in parts}, {}, 0.0)
        assert not facts.problems
        assert (facts.snapshot, facts.transfer, facts.workload) == (snapshot, transfer, workload)


def _wrong(field: Field) -> list[object]:
    if field.datatype.kind is Kind.STRING:
        return [3, True, ["a"], {}, *(["no such member"] if field.values else [])]
    if field.datatype.kind is Kind.BOOL:
        return [3, "perhaps", [], {}]
    other = "3C" if field.datatype.dimension is not Dimension.CELSIUS else "3%"
    bounds = [] if field.minimum is None else [field.minimum - 1]
    bounds += [] if field.maximum is None else [field.maximum + 1]
    return [True, "x", "", other, [], {}, float("nan"), float("inf"), *bounds]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_refuses_what_it_cannot_be(name: str) -> None:
    for value in _wrong(FIELDS[name]):
        assert check_value(value, FIELDS[name]) is not None, value
    assert check_value(None, FIELDS[name]) is None


KEYS = ("gpus", "index", "size", "labels", "timestamp", "memory", "gpu_devices", "age", "processes", "missing", "inlet")
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers()
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(ANYTHING)
def test_no_data_whatever_makes_the_checker_fail(data: object) -> None:
    facts = check(dict.fromkeys(KINDS, data), DECLARED, 0.0)
    if data is not None and not isinstance(data, dict):
        assert len(facts.problems) == len(KINDS)
