"""Which rules match, in one number; and what follows from it."""

from operator import ge, gt, le, lt

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.rules.program import MAX_OUTCOMES, zone_of
from tests.factories import dataset, facts, gpu, model, one_gpu, ruleset

ORDERED = ruleset(
    """\
  - {name: c, condition: gpu_memory > 10, action: pause_transfer, priority: 1}
  - {name: a, condition: gpu_memory > 10, action: pause_transfer, priority: 5}
  - {name: d, condition: gpu_memory > 10, action: pause_transfer, priority: 1}
  - {name: b, condition: gpu_memory > 10, action: pause_transfer, priority: -7}
"""
)


def test_rules_match_by_priority_then_in_the_order_of_the_file() -> None:
    assert ORDERED.evaluate(one_gpu(memory=50)).rules == ("a", "c", "d", "b")


@pytest.mark.parametrize(
    ("stop", "rules"),
    [("a", ("a",)), ("c", ("a", "c", "d")), ("d", ("a", "c", "d")), ("b", ("a", "c", "d", "b"))],
)
def test_stop_cuts_off_lower_priorities_and_not_its_equals(stop: str, rules: tuple[str, ...]) -> None:
    priorities = {"a": 5, "c": 1, "d": 1, "b": -7}
    text = "".join(
        f"  - {{name: {n}, condition: gpu_memory > 10, action: pause_transfer, priority: {p},"
        f" stop: {str(n == stop).lower()}}}\n"
        for n, p in priorities.items()
    )
    assert ruleset(text).evaluate(one_gpu(memory=50)).rules == rules


def test_a_stop_that_does_not_match_or_is_a_shadow_or_disabled_cuts_nothing_off() -> None:
    for more in ("condition: gpu_memory > 90", "condition: TRUE, mode: shadow", "condition: TRUE, enabled: false"):
        text = (
            f"  - {{name: a, {more}, action: pause_transfer, stop: true, priority: 9}}\n"
            "  - {name: b, condition: gpu_memory > 10, action: pause_transfer}\n"
        )
        assert ruleset(text).evaluate(one_gpu(memory=50)).rules == ("b",)


def test_masks_have_a_bit_for_each_enabled_rule() -> None:
    program = ORDERED.program
    assert program.mask(facts(gpu(memory=50))) == 0b1111
    assert program.mask(facts(gpu(memory=5))) == program.mask(facts(gpu())) == 0


def test_what_no_transfer_can_change_is_decided_ahead() -> None:
    program = ruleset(
        "  - {name: a, condition: gpu_memory > 80, action: pause_transfer}\n"
        "  - {name: b, condition: gpu_memory > 80 AND file_type == 'model', action: pause_transfer}\n"
    ).program
    idle, full = program.bind(facts(gpu(memory=10))), program.bind(facts(gpu(memory=90)))
    assert (idle.base, idle.residual) == (0, None)
    assert full.base == 0b01
    assert full.residual is not None
    assert full.mask(model(), facts().workload) == 0b11
    assert full.mask(dataset(), facts().workload) == 0b01


def test_outcomes_are_shared_and_their_number_is_bounded() -> None:
    count = 14
    text = "".join(
        f"  - {{name: r{n}, condition: transfer_size > {n}B, action: pause_transfer}}\n" for n in range(count)
    )
    program = ruleset(text).program
    assert program.outcome(5) is program.outcome(5)
    for mask in range(MAX_OUTCOMES + 10):
        program.outcome(mask)
    assert len(program.outcomes) <= MAX_OUTCOMES


def test_an_unknown_zone_is_utc() -> None:
    assert str(zone_of("UTC")) == str(zone_of("Nowhere/Land")) == "UTC"
    assert str(zone_of("Europe/Berlin")) == "Europe/Berlin"


def test_a_rule_on_the_age_of_telemetry_reads_the_clock() -> None:
    assert not ORDERED.program.reads_clock
    assert ruleset("  - {name: a, condition: telemetry_age > 5s, action: pause_transfer}\n").program.reads_clock


LIMITS = (2**53, 2**53 + 1, 1e300, 0.5, 1, 0)


@pytest.mark.parametrize("comparator", [">", ">=", "<", "<="])
@pytest.mark.parametrize("limit", LIMITS)
def test_limits_of_every_size_hold_exactly_on_a_snapshot_that_is_asked_about_once(
    comparator: str, limit: float
) -> None:
    rules = ruleset(f"  - {{name: r0, condition: gpu_energy {comparator} {limit!r}J, action: pause_transfer}}\n")
    compare = {">": gt, ">=": ge, "<": lt, "<=": le}[comparator]
    for power in (0, limit, limit + 1, max(0, limit - 1), 2**53 + 1, 0.25, 1e301, None):
        snapshot = Snapshot(gpus=(GPU(index=0), GPU(index=1, energy=power)))
        value = snapshot.gpus[1].energy
        wanted = value is not None and compare(value, limit)
        assert rules.evaluate(snapshot).rules == (("r0",) if wanted else ())
