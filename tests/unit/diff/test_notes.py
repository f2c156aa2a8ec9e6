"""What a note says of a change: never the same twice."""

import json
import math

import pytest

from gpurules.diff import compare
from gpurules.diff.notes import change
from gpurules.model import Dimension
from gpurules.rules import Ruleset, loads


def ruleset(action: dict[str, object], **more: object) -> Ruleset:
    rule = {"name": "r", "condition": "gpu_memory > 80", "for": more.pop("for", "0s"), **action}
    return loads(json.dumps({"version": 1, "name": "x", "rules": [rule], **more}))


DELAY = {"action": "delay_transfer"}


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("30s", "30.001s", "delay_transfer: delay 30 s → 30.001 s"),
        ("30.001s", "30.002s", "delay_transfer: delay 30.001 s → 30.002 s"),
        ("30s", "45s", "delay_transfer: delay 30 s → 45 s"),
    ],
)
def test_a_small_change_of_a_parameter_is_shown_by_two_numbers(before: str, after: str, shown: str) -> None:
    old, new = (ruleset({**DELAY, "parameters": {"delay": delay}}) for delay in (before, after))
    (found,) = compare(old, new).changes
    assert found.notes == (shown,)


def test_a_small_change_of_a_factor_and_of_a_size_is_shown() -> None:
    old, new = (
        ruleset({"action": "reduce_prefetch", "parameters": {"reduction_factor": f}}) for f in (0.5, 0.50000001)
    )
    assert compare(old, new).changes[0].notes == ("reduce_prefetch: reduction_factor 0.5 → 0.50000001",)
    size = 100 * 2**30
    old, new = (ruleset({"action": "limit_bandwidth", "parameters": {"max_bandwidth": s}}) for s in (size, size + 1))
    (note,) = compare(old, new).changes[0].notes
    before, after = note.removeprefix("limit_bandwidth: max_bandwidth ").split(" → ")
    assert before != after


def test_a_small_change_of_a_timer_or_a_setting_is_shown() -> None:
    old, new = (ruleset(DELAY | {"parameters": {"delay": "1s"}}, **{"for": f}) for f in ("10s", "10.001s"))
    notes = [note for one in compare(old, new).changes for note in one.notes]
    assert any(note.endswith("for 10 s → 10.001 s") for note in notes)
    old, new = (
        ruleset(DELAY | {"parameters": {"delay": "1s"}}, settings={"stale_after": s}) for s in ("15s", "15.004s")
    )
    assert compare(old, new).settings == ("settings.stale_after 15 s → 15.004 s",)


@pytest.mark.parametrize("dimension", [None, *Dimension])
@pytest.mark.parametrize("value", [0.1, 1.0, 59.999, 3600.0, 1e12, 123456789.123, 2.0**53])
def test_two_numbers_that_differ_never_read_alike(value: float, dimension: Dimension | None) -> None:
    before, after = change(value, math.nextafter(value, math.inf), dimension).split(" → ")
    assert before != after
