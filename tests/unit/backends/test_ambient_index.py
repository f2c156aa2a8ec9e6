"""Which rules are looked up on a snapshot, and which are compiled."""

import pytest

from gpurules.backends.ambient_index import ambient_rule
from gpurules.backends.facts import NO_WORKLOAD, Facts
from gpurules.backends.python import RuleTerm
from gpurules.backends.specialization import Specializer
from gpurules.language.terms import ir
from gpurules.model import Transfer
from tests.factories import checked, gpu, snapshot


def rule(text: str) -> RuleTerm:
    found = checked(text)
    return RuleTerm(found.term, found.per_gpu)


@pytest.mark.parametrize(
    ("text", "is_looked_up"),
    [
        ("gpu_memory > 80", True),
        ("gpu_memory > 80 AND gpu_temperature > 80", True),
        ("70 <= gpu_memory < 80 OR gpu_memory IS MISSING", True),
        ("max(gpu_memory) > 80 AND count(gpu_memory > 80) >= 2", True),
        ("avg_over_time(gpu_power[1m]) > 5W", True),
        ("gpu_throttled AND active_training", True),
        ("gpu_memory > gpu_utilization", False),
        ("gpu_memory > 80 OR gpu_temperature > 80", False),
        ("gpu_memory_used + gpu_memory_reserved > 5GB", False),
        ("gpu_name GLOB 'A*'", True),
        ("gpu_name MATCHES 'A'", False),
    ],
)
def test_what_compares_readings_with_constants_is_looked_up(text: str, is_looked_up: bool) -> None:
    assert (ambient_rule(rule(text)) is not None) is is_looked_up
    assert Specializer([rule(text)], None, 1).is_compiled is not is_looked_up


def test_rules_of_the_workload_are_compiled() -> None:
    of_workload = RuleTerm(checked("gpu_memory > 80").term, True, of_workload=True)
    assert ambient_rule(of_workload) is None


def test_a_rule_that_needs_two_signals_is_compiled() -> None:
    both = RuleTerm(ir.And((ir.Signal("a", False), ir.Signal("b", False))), False)
    assert ambient_rule(both) is None


@pytest.mark.parametrize(("memory", "temperature", "holds"), [((90, 10), (50, 95), False), ((10, 90), (50, 95), True)])
def test_one_gpu_must_be_both_full_and_hot(
    memory: tuple[float, ...], temperature: tuple[float, ...], holds: bool
) -> None:
    specializer = Specializer([rule("gpu_memory > 80 AND gpu_temperature > 80")], None, 1)
    here = snapshot(*[gpu(i, memory=memory[i], temperature=temperature[i]) for i in range(2)])
    assert specializer.specialize(Facts(here, here.gpus)) == (int(holds), None)


def test_without_gpus_no_rule_of_gpus_holds_and_those_of_the_node_do() -> None:
    specializer = Specializer([rule("gpu_memory IS MISSING"), rule("gpu_count == 0")], None, 1)
    here = snapshot()
    assert specializer.specialize(Facts(here, here.gpus)) == (0b10, None)


@pytest.mark.parametrize(("size", "wanted"), [(None, 0b01), (3, 0b10)])
def test_a_field_that_is_compared_with_nothing_is_missing_or_not(size: int | None, wanted: int) -> None:
    specializer = Specializer([rule("transfer_size IS MISSING"), rule("transfer_size IS NOT MISSING")], None, 1)
    here = snapshot()
    _, residual = specializer.specialize(Facts(here, here.gpus))
    assert residual is not None
    assert residual(Transfer(size=size), NO_WORKLOAD) == wanted
