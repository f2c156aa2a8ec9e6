"""What must hold on some GPU is decided by the largest or smallest value."""

import pytest

from gpurules.backends import SlotLayout
from gpurules.backends.existential_rewrite import ExistentialRewrite
from gpurules.backends.facts import Facts
from gpurules.backends.python import RuleTerm
from gpurules.backends.specialization import Specializer
from gpurules.language.terms import ir
from tests.factories import checked, gpu, snapshot


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("gpu_memory > 80", "max"),
        ("gpu_memory >= 80", "max"),
        ("gpu_memory < 80", "min"),
        ("gpu_memory <= 80", "min"),
        ("avg_over_time(gpu_power[1m]) > 5W", "max"),
        ("gpu_memory == 80", None),
        ("gpu_memory > gpu_utilization", None),
        ("10 < gpu_memory < 80", None),
        ("gpu_name == 'A'", None),
        ("gpu_memory > 80 AND gpu_temperature > 80", None),
    ],
)
def test_one_comparison_with_a_number_needs_no_loop(text: str, function: str | None) -> None:
    rule = RuleTerm(checked(text).term, True)
    put, parts = ExistentialRewrite(None).rewrite(rule, rule.parts)
    assert put.per_gpu == (function is None)
    found = [term.function for part in parts for term in ir.walk(part) if isinstance(term, ir.Aggregate)]
    assert found == ([function] if function else [])


def test_a_largest_value_is_shared() -> None:
    somewhere = ExistentialRewrite(None)
    rules = [RuleTerm(checked(f"gpu_memory > {n}").term, True) for n in (80, 90)]
    (first,), (second,) = [somewhere.rewrite(rule, rule.parts)[1] for rule in rules]
    assert isinstance(first, ir.Compare) and isinstance(second, ir.Compare)
    assert first.operands[0] is second.operands[0]


def test_a_signal_is_looked_up_in_the_row_of_the_node_if_it_stands_there() -> None:
    term, key = ir.Signal("s", True), ("signal", "s")
    rule = RuleTerm(term, True)
    assert ExistentialRewrite(SlotLayout({key: 0}, {key: 0})).rewrite(rule, (term,))[1] == (ir.Signal("s", False),)
    assert ExistentialRewrite(SlotLayout({key: 0}, {})).rewrite(rule, (term,)) == (rule, (term,))


@pytest.mark.parametrize(
    ("memories", "above", "below"),
    [((), False, False), ((None,), False, False), ((None, 90, 50), True, False), ((None, 10), False, True)],
)
def test_missing_values_count_for_nothing(memories: tuple[float | None, ...], above: bool, below: bool) -> None:
    rules = [RuleTerm(checked(text).term, True) for text in ("gpu_memory > 80", "gpu_memory < 20")]
    here = snapshot(*[gpu(index, memory=memory) for index, memory in enumerate(memories)])
    for min_indexed in (1, 10**9):
        base, _ = Specializer(rules, None, min_indexed).specialize(Facts(here, here.gpus))
        assert base == above + 2 * below
