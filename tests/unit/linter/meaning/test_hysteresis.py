"""What damps a rule and what only looks as if it did: proved, in whatever spelling."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import fix

HOOK = "action: webhook, parameters: {url: 'https://example.org/hook'}"


def signal(condition: str, until: str, more: str = "") -> str:
    return (
        f'version: 1\nname: x\nsignals:\n  s: {{condition: "{condition}", until: "{until}"{more}}}\n'
        "rules:\n  - {name: a, condition: s, action: pause_transfer}\n"
    )


def hook(condition: str, more: str = "", head: str = "") -> str:
    return f'version: 1\nname: x\n{head}rules:\n  - {{name: a, condition: "{condition}"{more}, {HOOK}}}\n'


def codes(text: str) -> list[str]:
    return [one.code for one in _found(text)]


def _found(text: str) -> list[Diagnostic]:
    return [one for one in lints(text, "x.yaml", None, Policy()) if one.code.startswith("GPR6")]


@pytest.mark.parametrize(
    ("condition", "until"),
    [
        ("gpu_memory > 80", "gpu_memory <= 80"),
        ("gpu_memory > 80", "80% >= gpu_memory"),
        ("gpu_memory > 80", "gpu_memory < 80"),  # a measured real is hardly ever just 80
        ("gpu_temperature > 80", "gpu_temperature < 81"),
        ("gpu_memory > 80 AND gpu_power > 100W", "gpu_power <= 100W OR gpu_memory <= 80"),
        ("gpu_memory NOT BETWEEN 10 AND 80", "gpu_memory >= 10 AND gpu_memory <= 80"),
        ("any(gpu_memory > 80)", "all(gpu_memory <= 80) OR NOT any(gpu_memory > 80)"),
        ("pending_transfers > 20", "NOT pending_transfers > 20"),
    ],
)
def test_an_until_that_leaves_no_gap_is_reported(condition: str, until: str) -> None:
    assert codes(signal(condition, until)) == ["GPR603"]


@pytest.mark.parametrize(
    ("condition", "until"),
    [
        ("gpu_memory > 80", "gpu_memory < 79.9"),
        ("gpu_temperature > 80", "gpu_temperature < 80"),  # at 80 degrees it stays as it is
        ("gpu_memory > 80 AND gpu_power > 100W", "gpu_memory <= 80"),  # less power does not end it
        ("gpu_memory > 80", "gpu_memory <= 80 AND gpu_power IS NOT MISSING"),
        ("gpu_memory > 80", "active_training"),
    ],
)
def test_an_until_with_a_gap_is_none(condition: str, until: str) -> None:
    assert "GPR603" not in codes(signal(condition, until))


def test_what_can_hold_together_is_reported_as_overlapping() -> None:
    (one,) = _found(signal("gpu_memory > 80", "gpu_memory < 85"))
    assert one.code == "GPR602"
    assert one.example is not None
    assert one.example.outcomes == (("a", "match"),)
    assert one.witness == "gpu_memory 81 %"


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("gpu_memory <= 80%", "gpu_memory <= 75%"),
        ("gpu_memory < 80", "gpu_memory < 75"),
        ("80 > gpu_memory", "75 > gpu_memory"),
        ("NOT (gpu_memory > 80)", "NOT (gpu_memory > 80)"),  # nothing plain to move
    ],
)
def test_the_unsafe_fix_leaves_a_gap(until: str, expected: str) -> None:
    policy = Policy(frozenset({"GPR603"}))
    text = signal("gpu_memory > 80", until)
    done = fix(text, "x.yaml", lambda new: lints(new, "x.yaml", None, policy), True)
    assert done.text == signal("gpu_memory > 80", expected)


def test_the_unsafe_fix_moves_sizes_and_counts_by_a_share() -> None:
    policy = Policy(frozenset({"GPR603"}))
    for condition, until, expected in (
        ("gpu_memory_free < 2GiB", "gpu_memory_free >= 2GiB", "gpu_memory_free >= 2.1GiB"),
        ("pending_transfers > 40", "pending_transfers <= 40", "pending_transfers <= 38"),
        ("pending_transfers > 2", "pending_transfers <= 2", "pending_transfers <= 1"),
    ):
        done = fix(signal(condition, until), "x.yaml", lambda new: lints(new, "x.yaml", None, policy), True)
        assert done.text == signal(condition, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (hook("gpu_power > 300W"), ["GPR601"]),
        (hook("gpu_power > 300W", ", until: gpu_power <= 300W"), ["GPR601"]),  # and not GPR603 beside it
        (hook("gpu_power > 300W", ", until: gpu_power < 250W"), []),
        (hook("gpu_power > 300W", ", until: gpu_power <= 300W, for: 30s"), ["GPR603"]),
        (hook("s", head="signals: {s: {condition: gpu_power > 300W}}\n"), ["GPR601"]),
        (hook("s", head="signals: {s: {condition: gpu_power > 300W, keep_for: 1m}}\n"), []),
        (hook("s", head="signals: {s: {condition: gpu_power > 300W, until: gpu_power < 250W}}\n"), []),
        (hook("s", head="signals: {s: {condition: gpu_power > 300W, until: gpu_power <= 300W}}\n"), ["GPR603"]),
        (hook("t", head="signals: {s: {condition: gpu_power > 300W}, t: {condition: s AND gpu_mig}}\n"), ["GPR601"]),
        (hook("t", head="signals: {s: {condition: gpu_power > 300W}, t: {condition: s, for: 30s}}\n"), []),
        (hook("s", ", cooldown: 5m", head="signals: {s: {condition: gpu_power > 300W}}\n"), []),
    ],
)
def test_an_effect_flaps_where_nothing_damps_it(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_a_signal_without_timers_is_named_with_its_place() -> None:
    (one,) = _found(hook("s", head="signals: {s: {condition: gpu_power > 300W}}\n"))
    assert one.message.endswith("the signal `s` has no timers")
    assert [related.location.line for related in one.related] == [3]
