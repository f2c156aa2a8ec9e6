"""Two Python expressions for three truth values."""

import pytest

from gpurules.backends import ExplainBackEnd, PythonBackEnd
from gpurules.backends.emitter import Block, NameSupply
from gpurules.model import Truth
from tests.factories import checked, facts, gpu

T, F, U = {"throttled": True}, {"throttled": False}, {}


@pytest.mark.parametrize(
    ("text", "attributes", "value"),
    [
        ("gpu_throttled", T, True),
        ("NOT gpu_throttled", T, False),
        ("NOT gpu_throttled", U, None),
        ("gpu_throttled OR gpu_mig", U, None),
        ("gpu_throttled AND gpu_mig", {"throttled": False}, False),
        ("gpu_throttled == gpu_mig", {"throttled": True, "mig": True}, True),
        ("gpu_throttled != gpu_mig", {"throttled": True}, None),
        ("(gpu_throttled OR gpu_mig) IS MISSING", U, True),
        ("(gpu_throttled OR gpu_mig) IS MISSING", T, False),
        ("coalesce(gpu_throttled, TRUE)", U, True),
        ("coalesce(gpu_throttled AND gpu_mig, gpu_healthy)", U, True),
        ("gpu_name == 'a'", {"name": "a"}, True),
        ("gpu_name != 'a'", U, None),
        ("'a' != gpu_name", {"name": "b"}, True),
        ("gpu_name IN ('a', gpu_uuid)", {"name": "b", "uuid": None}, None),
        ("gpu_name NOT IN ('a', gpu_uuid)", {"name": "a", "uuid": None}, False),
        ("gpu_power == gpu_power", U, None),
        ("1 < gpu_power < 3", {"power": 2}, True),
        ("1 < gpu_power < gpu_power_limit", {"power": 0}, False),
        ("1 < gpu_power < gpu_power_limit", {"power": 2}, None),
        ("gpu_memory_used / gpu_memory_total > 0.5", {"memory_used": 1, "memory_total": 0}, None),
        ("gpu_index == 0", U, True),
        ("all(gpu_throttled)", U, None),
        ("count(gpu_throttled) == 0", U, True),
        ("sum(gpu_power) IS MISSING", U, True),
        ("TRUE", U, True),
        ("1 / 0 > 1", U, None),
    ],
)
def test_generated_code_knows_true_false_and_unknown(text: str, attributes: dict[str, object], value: Truth) -> None:
    found = checked(text)
    here = facts(gpu(**attributes))
    assert PythonBackEnd().evaluate(found.term, found.per_gpu, here).value is value
    assert ExplainBackEnd().evaluate(found.term, found.per_gpu, here).value is value


def test_a_constant_is_bound_once_and_one_differs_from_true() -> None:
    names = NameSupply()
    assert names.bind(80) == names.bind(80)
    assert len({names.bind(v) for v in (1, 1.0, "1")}) == 3
    assert (names.bind(None), names.bind(True), names.bind(False)) == ("None", "True", "False")
    assert names.bind([1]) != names.bind([1])


def test_a_variable_is_found_in_the_blocks_around() -> None:
    outer = Block("    ", known={"a": "v1"})
    inner = Block("        ", known={"b": "v2"}, above=outer)
    assert (inner.find("a"), inner.find("b"), outer.find("b")) == ("v1", "v2", None)
    inner.add("x = 1")
    assert inner.lines == ["        x = 1"]
