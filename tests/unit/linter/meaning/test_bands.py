"""Bands of one field: what lies between two of them, and the fix."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import fix

RULE = "  - {{name: {}, condition: {}, action: delay_transfer, parameters: {{delay: {}s}}}}\n"


def text(*conditions: str) -> str:
    lines = (RULE.format(f"r{n}", condition, 10 * n + 1) for n, condition in enumerate(conditions))
    return "version: 1\nname: x\nrules:\n" + "".join(lines)


def found(*conditions: str) -> list[Diagnostic]:
    return [one for one in lints(text(*conditions), "x.yaml", None, Policy()) if one.code == "GPR206"]


def fixed(*conditions: str) -> list[str]:
    """Return the conditions after the unsafe fixes of bands."""
    policy = Policy(frozenset({"GPR206"}))
    done = fix(text(*conditions), "x.yaml", lambda new: lints(new, "x.yaml", None, policy), True)
    return [line.partition("condition: ")[2].partition(", action")[0] for line in done.text.splitlines()[3:]]


@pytest.mark.parametrize(
    ("low", "high", "wording", "witness"),
    [
        ("gpu_memory < 80", "gpu_memory > 80", "neither `r0` nor `r1` matches at the edge", "gpu_memory 80 %"),
        ("gpu_memory <= 80", "gpu_memory >= 80", "`r0` and `r1` both match at the edge", "gpu_memory 80 %"),
        ("gpu_memory < 70", "gpu_memory > 80", "matches where 70 <= gpu_memory <= 80", "gpu_memory 75 %"),
        ("gpu_memory <= 70", "gpu_memory >= 80", "matches where 70 < gpu_memory < 80", "gpu_memory 75 %"),
        ("gpu_memory < 80", "gpu_memory > 70", "both match where 70 < gpu_memory < 80", "gpu_memory 75 %"),
        ("gpu_temperature <= 80", "gpu_temperature >= 82", "where 80 < gpu_temperature < 82", "gpu_temperature 81 C"),
        ("gpu_temperature <= 82", "gpu_temperature > 81", "where 81 < gpu_temperature <= 82", "gpu_temperature 82 C"),
    ],
)
def test_a_gap_between_two_bands_is_reported_with_an_example(low: str, high: str, wording: str, witness: str) -> None:
    (one,) = found(low, high)
    assert wording in one.message
    assert one.witness == witness


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("gpu_memory <= 80", "gpu_memory > 80"),
        ("gpu_temperature <= 80", "gpu_temperature >= 81"),  # whole degrees
        ("gpu_memory < 10", "gpu_memory > 90"),  # a gap that is wider than the bands
        ("gpu_memory > 80", "gpu_memory > 90"),  # grades
        ("gpu_memory < 80 AND gpu_throttled", "gpu_memory > 80"),  # no band
        ("gpu_memory < 80", "gpu_utilization > 80"),
    ],
)
def test_there_is_none(low: str, high: str) -> None:
    assert found(low, high) == []


def test_bands_that_order_the_same_may_leave_a_gap() -> None:
    one = text("gpu_memory < 70", "gpu_memory > 80").replace("delay: 11s", "delay: 1s")
    assert [d.code for d in lints(one, "x.yaml", None, Policy())] == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("gpu_memory < 80", "gpu_memory > 80", "gpu_memory >= 80"),
        ("gpu_memory <= 80%", "80 <= gpu_memory < 90", "80% < gpu_memory < 90"),
        ("gpu_memory < 70", "gpu_memory > 80", "gpu_memory >= 70"),
        ("gpu_memory <= 80", "gpu_memory > 70", "gpu_memory > 80"),
        ("gpu_temperature <= 80C", "gpu_temperature >= 82C", "gpu_temperature > 80C"),
        ("gpu_memory <= 80", "gpu_memory BETWEEN 80 AND 90", "gpu_memory BETWEEN 80 AND 90"),  # nothing to turn
    ],
)
def test_the_unsafe_fix_lets_the_bands_meet(low: str, high: str, expected: str) -> None:
    assert fixed(low, high) == [low, expected]
    if expected != high:
        assert found(low, expected) == []
