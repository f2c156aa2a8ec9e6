"""What a program says of its own transfers must be right; what a device says of itself may be wrong, and is missing."""

import pytest

from gpurules.facts import read_snapshot, read_transfer, read_workload
from gpurules.fields import FIELDS, Scope
from gpurules.model import GPU, FactError, Kind, Snapshot, Transfer, Workload
from gpurules.rules import Condition

WRONG = ("4GiB", "50%", [1], {"a": 1}, object(), b"x")


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("kind", [Transfer, Workload])
def test_a_program_that_gives_a_wrong_type_hears_at_once(kind: type, value: object) -> None:
    with pytest.raises(FactError, match="priority must be a number, not"):
        kind(priority=value)


@pytest.mark.parametrize("value", [5, [1], object()], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("kind", [Transfer, Workload])
def test_so_does_one_that_gives_no_text(kind: type, value: object) -> None:
    with pytest.raises(FactError, match="id must be a string, not"):
        kind(id=value)


NUMBERS = sorted(
    field.attribute
    for field in FIELDS.values()
    if field.scope is Scope.GPU and field.datatype.kind is Kind.NUMBER and field.attribute in GPU.__slots__
)


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "index"])
def test_an_odd_reading_of_a_device_is_missing_with_its_reason_and_stops_no_poll(name: str, value: object) -> None:
    gpu = GPU(index=3, **{name: value})  # type: ignore[arg-type]
    assert getattr(gpu, name) is None
    assert gpu.missing[name]
    assert Condition(f"gpu_{name} IS MISSING").evaluate(Snapshot(gpus=(gpu,))).devices == (3,)


@pytest.mark.parametrize("name", ["host", "driver_version"])
@pytest.mark.parametrize("value", [5, ["a"], {"a": 1}, b"node"], ids=lambda value: type(value).__name__)
def test_an_odd_text_of_a_node_is_missing_and_reported(name: str, value: object) -> None:
    odd = Snapshot(**{name: value})  # type: ignore[arg-type]
    assert getattr(odd, name) is None
    assert [problem for problem in odd.problems if problem.startswith(f"{name} is not a string: ")]
    assert Condition(f"{name} STARTSWITH 'n'").evaluate(odd).value is None


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (read_snapshot, {"gpus": [{"index": 0, "memory": "much"}]}),
        (read_snapshot, {"gpus": [{"index": 0, "memory": 120}]}),
        (read_snapshot, {"gpu": []}),
        (read_transfer, {"size": "4 gigs"}),
        (read_transfer, {"sise": 4}),
        (read_workload, {"type": "trainning"}),
    ],
)
def test_the_strict_readers_refuse_all_of_it(read: object, data: dict[str, object]) -> None:
    assert callable(read)
    with pytest.raises(FactError):
        read(data)
