"""Properties are proved for all facts, or refuted by an example."""

import pytest

from gpurules.diagnostics import Location
from gpurules.ruletest.case import Property
from gpurules.ruletest.properties.properties import PropertyResult, decide
from tests.factories import ruleset

RULES = ruleset(
    """\
  - {name: hot, condition: gpu_temperature > 85, action: pause_transfer, priority: 30}
  - {name: last, condition: gpu_memory > 95, action: pause_transfer, priority: 20, stop: true}
  - {name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 10}
  - {name: empty, condition: all(gpu_memory < 10), action: pause_transfer}
  - {name: trial, condition: gpu_memory > 1, action: pause_transfer, mode: shadow}
  - {name: off, condition: gpu_memory > 1, action: pause_transfer, enabled: false}
  - {name: regex, condition: path MATCHES 'a+b' AND path MATCHES '^c', action: pause_transfer}
  - {name: larger, condition: "transfer_size > memory_footprint", action: pause_transfer}
"""
)


def decided(never: bool, condition: str | None = None, **patterns: tuple[str, ...]) -> PropertyResult:
    return decide(Property("p", Location(1, 1, 1, 2), never, condition, **patterns), RULES)


@pytest.mark.parametrize(
    "found",
    [
        lambda: decided(True, all_match=("full", "empty")),
        lambda: decided(True, all_match=("last", "full")),  # the one cuts the other off
        lambda: decided(True, all_match=("trial",)),
        lambda: decided(True, all_match=("off",)),
        lambda: decided(True, "NOT any(gpu_temperature > 80)", all_match=("hot",)),
        lambda: decided(False, "gpu_temperature > 90", all_match=("hot",)),
        lambda: decided(False, "gpu_memory > 80", some_match=("full", "last")),
        lambda: decided(False, "transfer_size > memory_footprint + 1B AND all(gpu_memory < 9)", all_match=("larger",)),
        lambda: decided(False, "gpu_memory > 95", none_match=("empty",)),
    ],
)  # fmt: skip
def test_what_holds_for_all_facts_is_proved(found) -> None:  # type: ignore[no-untyped-def]
    assert found() == PropertyResult()


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (lambda: decided(True, all_match=("hot", "full")), "hot, full matched"),
        (lambda: decided(False, "gpu_memory > 80", all_match=("full",)), "last matched"),
        (lambda: decided(False, "gpu_memory > 70", some_match=("full", "last")), "GPU 0: memory 80 %: no rule matched"),
        (lambda: decided(False, "transfer_size >= memory_footprint", some_match=("larger",)), "no rule matched"),
    ],
)
def test_what_does_not_hold_is_refuted_by_a_counterexample(found, shown: str) -> None:  # type: ignore[no-untyped-def]
    assert shown in found().counterexample


def test_what_is_not_analyzed_is_searched_and_said() -> None:
    found = decided(True, all_match=("regex",))
    assert found.counterexample is None
    assert found.unproved is not None and "not analyzed" in found.unproved
    assert found.assignments > 0


def test_a_counterexample_is_shown_with_units_ages_and_labels() -> None:
    condition = "transfer_age > 90s AND transfer_size > 1GiB AND tenant == 'batch'"
    fields = "fields: {tenant: {type: string, scope: transfer}}"
    rules = ruleset(f'  - {{name: old, condition: "{condition}", action: pause_transfer}}\n', fields)
    reported = decide(Property("p", Location(1, 1, 1, 1), True, all_match=("old",)), rules).counterexample
    assert reported is not None
    assert "size 1073741825 B" in reported
    assert "age 1 m 31 s" in reported
    assert "tenant 'batch'" in reported
    assert reported.endswith(": old matched")
