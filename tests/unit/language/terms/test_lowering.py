"""Lowering: cheaper, and the same."""

import pytest

from gpurules.language.terms import ir
from gpurules.language.terms.lowering import fold_constants, inline_signals, lower, push_negations
from gpurules.language.terms.printer import spell
from gpurules.model import BOOL
from tests.factories import checked


def lowered(text: str) -> str:
    return spell(lower(checked(text).term))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("1 < 2", "TRUE"),
        ("2 < 1 OR active_training", "active_training"),
        ("TRUE OR active_training", "TRUE"),
        ("active_training AND FALSE", "FALSE"),
        ("active_training AND TRUE AND gpu_throttled", "active_training AND gpu_throttled"),
        ("NOT (active_training AND gpu_throttled)", "NOT active_training OR NOT gpu_throttled"),
        ("NOT (active_training OR NOT gpu_throttled)", "NOT active_training AND gpu_throttled"),
        ("NOT NOT active_training", "active_training"),
        ("(active_training AND gpu_mig) AND gpu_throttled", "active_training AND gpu_mig AND gpu_throttled"),
        ("length('abc') == 3", "TRUE"),
        ("'abc' GLOB 'a*'", "TRUE"),
        ("upper('a') IN ('A')", "TRUE"),
        ("gpu_memory > 40 + 40", "gpu_memory > 80%"),
        ("1 / 0 > 5", "MISSING"),
        ("1 / 0 IS MISSING", "TRUE"),
        ("any(gpu_throttled OR TRUE)", "any(TRUE)"),
    ],
)
def test_what_is_known_is_worked_out_ahead(text: str, after: str) -> None:
    assert lowered(text) == after


def test_unknown_parts_are_kept_where_they_decide() -> None:
    term = ir.And((ir.UNKNOWN, checked("active_training").term))
    assert fold_constants(term) == term
    assert fold_constants(ir.Or((ir.UNKNOWN, ir.TRUE))) == ir.TRUE


def test_not_is_pushed_through_unknown_as_well() -> None:
    term = push_negations(ir.Not(ir.And((ir.UNKNOWN, ir.TRUE))))
    assert term == ir.Or((ir.Not(ir.UNKNOWN), ir.Not(ir.TRUE)))


def test_a_signal_is_replaced_by_its_condition_however_deep() -> None:
    conditions: dict[str, ir.Term] = {
        "a": ir.And((ir.Signal("b", True), checked("active_training").term)),
        "b": checked("gpu_memory > 80").term,
    }
    assert spell(inline_signals(ir.Not(ir.Signal("a", True)), conditions)) == (
        "NOT (gpu_memory > 80 AND active_training)"
    )


def test_a_chain_of_signals_needs_no_recursion() -> None:
    conditions: dict[str, ir.Term] = {f"s{n}": ir.Signal(f"s{n + 1}", False) for n in range(50_000)}
    conditions["s50000"] = ir.Constant(True, BOOL)
    assert inline_signals(ir.Signal("s0", False), conditions) == ir.TRUE


def test_an_aggregate_is_not_folded_since_there_may_be_no_gpu() -> None:
    term = checked("all(gpu_index >= 0 OR TRUE)").term
    assert isinstance(lower(term), ir.Aggregate)
