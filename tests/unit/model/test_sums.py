"""Sums are the same under every version of Python: the built-in one compensates for rounding from 3.12 on."""

import ast
import builtins
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from gpurules import GPU, Snapshot
from gpurules.engine.state.history import over_time
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.language.terms.values import AGGREGATES
from gpurules.model import NUMBER
from gpurules.model.reading import sum_in_order
from gpurules.rules import Condition

PACKAGE = Path(__file__).resolve().parents[3] / "gpurules"
DECIDING = ("model", "language/terms/values.py", "engine/state", "backends", "history/kernel", "telemetry/formats")
ROUGH = ([0.1] * 10, [1e16, 1.0, -1e16], [0.7, 0.1, 0.1], [2**53, 1.0, 1.0], [0.1, 2**60, -(2**60), 0.3])
WINDOWS = ("avg_over_time", "sum_over_time", "stddev_over_time", "rate", "increase", "deriv", "predict_linear")


def by_hand(values: Iterable[float]) -> float:
    total: float = 0
    for value in values:
        total = total + value
    return total


def compensated(values: Iterable[float], start: float = 0) -> float:
    """Add as the built-in ``sum`` of Python 3.12 does, or better."""
    return math.fsum([start, *values])


def results() -> list[object]:
    """Return what every function of the language that adds makes of numbers whose order matters."""
    found: list[object] = []
    for values in ROUGH:
        found += [AGGREGATES[name](values) for name in ("sum", "avg")]
        times = [1000.0 + 0.1 * n for n in range(len(values))]
        for name in WINDOWS:
            window = ir.Window(name, FIELDS["gpu_power"], 60.0, 10.0, NUMBER)
            found.append(over_time(window, (times, values), times[-1]))
    powers = Snapshot(gpus=tuple(GPU(index=n, power=0.1) for n in range(10)))
    return [*found, Condition("sum(gpu_power) < 1W").evaluate(powers).value]


@pytest.mark.parametrize("values", ROUGH)
def test_a_sum_is_that_of_a_plain_loop(values: list[float]) -> None:
    assert sum_in_order(values) == by_hand(values)
    assert AGGREGATES["sum"](values) == by_hand(values)
    assert AGGREGATES["avg"](values) == by_hand(values) / len(values)


def test_integers_are_added_exactly() -> None:
    assert sum_in_order([2**62, 1, -(2**62)]) == 1
    assert isinstance(sum_in_order([2**53, 1]), int)
    assert sum_in_order([]) == 0


def test_no_function_of_the_language_depends_on_the_built_in_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = results()
    monkeypatch.setattr(builtins, "sum", compensated)
    assert results() == plain
    assert plain[-1] is True, "ten times 0.1 W, each added to the last, is below 1 W"


def counts(call: ast.Call) -> bool:
    """Return whether a call of ``sum`` adds whole numbers: ones, lengths, truths, bits."""
    [values, *_] = call.args
    if isinstance(values, ast.Call):
        return ast.unparse(values).startswith(("map(len", "map(head.count"))
    if not isinstance(values, ast.GeneratorExp | ast.ListComp):
        return False
    each = values.elt
    return isinstance(each, ast.Constant | ast.Compare) or ast.unparse(each).startswith(("len(", "bool(", "1 <<"))


EXACT = {
    "backends/native/claims.py": ("int(claim.value)", "Fraction("),
    "telemetry/formats/nvidia/smi_tree.py": ("sum(counts)",),
    "telemetry/formats/nvidia/csv/identity.py": ("is not None",),
}
"""Modules that add integers or fractions, with what they add."""


def rough_sums(module: Path) -> Iterator[str]:
    """Yield the calls that add doubles in another way than one after the other."""
    name, text = module.relative_to(PACKAGE).as_posix(), module.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("sum", "fmean", "statistics.fmean"):
            continue
        if not counts(node) and not any(part in ast.unparse(node) for part in EXACT.get(name, ())):
            yield f"{name}:{node.lineno}: {ast.unparse(node)}: take sum_in_order"


@pytest.mark.parametrize("folder", DECIDING)
def test_the_built_in_sum_only_counts_where_truths_are_decided(folder: str) -> None:
    modules = [PACKAGE / folder] if folder.endswith(".py") else sorted((PACKAGE / folder).rglob("*.py"))
    assert modules
    assert not [line for module in modules for line in rough_sums(module)]
