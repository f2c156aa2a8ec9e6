"""How each field is read."""

from zoneinfo import ZoneInfo

import pytest

from gpurules.backends.facts import EvaluationContext, Facts, age, coerce, instant, read, slot_key
from gpurules.fields import FIELDS, Scope, declared_field
from gpurules.language.terms import ir
from gpurules.model import BOOL, NUMBER, STRING, Dimension, Snapshot, Transfer, Value, Workload
from tests.factories import NEW_YEAR, facts, gpu, snapshot


def value(name: str, here: Facts, place: int | None = None) -> Value:
    return read(FIELDS[name], here, None if place is None else here.gpus[place])


@pytest.mark.parametrize("name", ["active_training", "active_inference"])
def test_without_workloads_nothing_is_active(name: str) -> None:
    assert value(name, facts()) is False
    assert value(name, facts(node={name: True})) is True


@pytest.mark.parametrize("name", ["active_workloads", "pending_transfers", "pending_bytes"])
def test_counts_are_zero_unless_they_are_given(name: str) -> None:
    assert value(name, facts()) == 0
    assert value(name, facts(node={name: 7})) == 7


def test_what_is_given_by_hand_stands() -> None:
    here = facts(gpu(0), node={"gpu_count": 8, "host": "other", "hour": 3})
    assert [value(n, here) for n in ("gpu_count", "host", "hour")] == [8, "other", 3]


def test_what_is_given_by_hand_of_another_type_is_missing() -> None:
    here = facts(node={"active_training": "yes", "pending_transfers": float("nan"), "host": 7})
    assert [value(n, here) for n in ("active_training", "pending_transfers", "host")] == [None, None, None]


def test_times_go_by_the_zone() -> None:
    current = Snapshot(timestamp=NEW_YEAR + 0.25)
    utc, tokyo = Facts(current, ()), Facts(current, (), context=EvaluationContext(ZoneInfo("Asia/Tokyo")))
    assert [value(n, utc) for n in ("hour", "weekday", "time_of_day")] == [0, "thu", 0.25]
    assert [value(n, tokyo) for n in ("hour", "weekday", "time_of_day")] == [9, "thu", 32400.25]


@pytest.mark.parametrize("timestamp", [1e18, -1e18])
def test_a_time_that_no_calendar_has_is_missing(timestamp: float) -> None:
    here = Facts(Snapshot(timestamp=timestamp), ())
    assert [value(n, here) for n in ("hour", "weekday", "time_of_day")] == [None] * 3


def test_ages_count_to_the_snapshot_and_are_never_negative() -> None:
    here = facts(transfer=Transfer(created=NEW_YEAR - 5), workload=Workload(started=NEW_YEAR + 5))
    assert value("transfer_age", here) == 5
    assert value("workload_age", here) == 0
    assert value("transfer_age", facts()) is None
    assert age(None, 5.0) is None
    assert age(-1e308, 1e308) is None


def test_the_file_type_is_given_or_derived_from_the_path() -> None:
    assert value("file_type", facts(transfer=Transfer(path="/x/a.pt"))) == "model"
    assert value("file_type", facts(transfer=Transfer(path="/x/a.pt", file_type="log"))) == "log"
    assert value("file_type", facts(transfer=Transfer())) is None
    context = EvaluationContext(file_types=(("*.pt", "tensor"),))
    assert value("file_type", facts(transfer=Transfer(path="/x/a.pt"), context=context)) == "tensor"


def test_the_framework_is_given_or_of_the_workload_or_derived_from_the_path() -> None:
    path = Transfer(path="/x/a.pt")
    assert value("framework", facts(transfer=path)) == "pytorch"
    assert value("framework", facts(transfer=path, workload=Workload(framework="jax"))) == "jax"
    given = Transfer(path="/x/a.pt", framework="onnx")
    assert value("framework", facts(transfer=given, workload=Workload(framework="jax"))) == "onnx"


def test_a_gpu_field_is_of_one_gpu_and_missing_without() -> None:
    here = facts(gpu(0, power=5), gpu(1))
    assert [value("gpu_power", here, 0), value("gpu_power", here, 1), value("gpu_power", here)] == [5, None, None]


@pytest.mark.parametrize(("labels", "found"), [({"tenant": "a"}, "a"), ({"tenant": 7}, None), ({}, None)])
def test_a_declared_field_is_read_from_labels(labels: dict[str, object], found: object) -> None:
    for scope in Scope:
        field = declared_field("tenant", "string", scope=scope)
        current = Snapshot(gpus=(gpu(0, labels=labels),), labels=labels)
        here = Facts(current, current.gpus, Transfer(labels=labels), Workload(labels=labels))
        assert read(field, here, here.gpus[0]) == found


@pytest.mark.parametrize(
    ("given", "datatype", "found"),
    [
        (1, NUMBER, 1),
        (True, NUMBER, None),
        ("x", STRING, "x"),
        (1, STRING, None),
        (1, BOOL, None),
        (False, BOOL, False),
    ],
)
def test_a_value_of_another_type_is_missing(given: object, datatype: object, found: object) -> None:
    assert coerce(given, datatype) is found  # type: ignore[arg-type]


def test_scope_keeps_gpus_with_their_rows() -> None:
    current = snapshot(gpu(0), gpu("1:0"), gpu(2))
    here = Facts(current, current.gpus, rows=((1,), (2,), (3,)))
    scoped = here.in_scope([2, "1:0", 9])
    assert [g.index for g in scoped.gpus] == ["1:0", 2]
    assert list(scoped.rows) == [(2,), (3,)]


def test_equal_windows_have_one_key() -> None:
    field = FIELDS["gpu_power"]
    one, two = (ir.Window("avg_over_time", field, s, None, NUMBER) for s in (60, 60))
    other = ir.Window("avg_over_time", field, 61, None, NUMBER)
    assert slot_key(one) == slot_key(two) != slot_key(other)
    assert slot_key(ir.Signal("s", True)) == ("signal", "s")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("avg_over_time", 7),
        ("count_over_time", 1),
        ("stddev_over_time", 0.0),
        ("delta", None),
        ("rate", None),
        ("increase", None),
        ("deriv", None),
        ("changes", 0),
    ],
)
def test_a_window_of_one_sample(function: str, expected: object) -> None:
    term = ir.Window(function, FIELDS["gpu_power"], 60, None, NUMBER)
    assert instant(term, 7) == expected
    assert instant(term, None) is None


def test_a_declared_dimension_is_that_of_the_field() -> None:
    assert declared_field("q", "number", Dimension.BYTES).datatype.dimension is Dimension.BYTES
