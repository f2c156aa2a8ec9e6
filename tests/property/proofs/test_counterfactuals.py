"""The nearest change against all single changes, tried one by one on the compiled evaluator."""

from collections.abc import Iterator
from random import Random

import pytest

from gpurules.backends import Facts
from gpurules.backends.python import PythonBackEnd
from gpurules.fields import Scope
from gpurules.language import Checked
from gpurules.language.terms import ir
from gpurules.model import GPU, Kind, Transfer, Value, Workload
from gpurules.proofs.counterfactuals.counterfactual import FactChange, find_counterfactual
from gpurules.proofs.formulas.universe import reads_of
from gpurules.proofs.witnesses.substitution import with_value
from tests.cases import representative
from tests.factories import checked, facts
from tests.property.proofs.conditions import Conditions

NUMBERS = sorted(
    {n + d for n in (0, 1, 2, 3, 7, 10, 10.5, 20, 40, 50, 80, 90, 100, 300.5, 2**20, 2**30) for d in (-1, 0, 1)}
)


def is_true(condition: Checked, current: Facts) -> bool:
    return PythonBackEnd().evaluate(condition.term, condition.per_gpu, current).value is True


def some_facts(seed: int) -> Facts:
    random = Random(seed)

    def number(least: int, most: int) -> int | None:
        return None if random.random() < 0.2 else random.randint(least, most)

    gpus = [
        GPU(
            index=n, memory=number(0, 100), utilization=number(0, 100), temperature=number(0, 100),
            power=number(0, 400), power_limit=number(0, 400), process_count=number(0, 5), ecc_errors=number(0, 5),
            throttled=random.choice((True, False, None)), mig=random.choice((True, False)),
        )
        for n in range(random.randint(0, 3))
    ]  # fmt: skip
    transfer = Transfer(file_type=random.choice(("model", "log", None)), size=number(0, 2**31))
    return facts(*gpus, transfer=transfer, workload=Workload(memory_footprint=number(0, 2**31)))


def single_changes(condition: Checked, current: Facts) -> Iterator[FactChange]:
    """Yield every change of one fact to a number near a threshold, another word, the other truth, or missing."""
    units = {unit.field.name: unit for unit in reads_of(condition.term) if isinstance(unit, ir.Read)}
    for unit in units.values():
        places = range(len(current.gpus)) if unit.field.scope is Scope.GPU else [None]
        for place in places:
            for value in values_of(unit):
                yield FactChange(unit, place, None, None, value)


def values_of(unit: ir.Read) -> list[Value]:
    match unit.datatype.kind:
        case Kind.BOOL:
            return [True, False, None]
        case Kind.STRING:
            return [*unit.field.values, None]
        case _:
            fitting = [n for n in NUMBERS if not unit.field.integer or n == int(n)]
            low, high = unit.field.minimum, unit.field.maximum
            return [n for n in fitting if (low is None or n >= low) and (high is None or n <= high)] + [None]


@pytest.mark.parametrize("seed", representative(range(60), 15))
def test_no_single_change_is_overlooked_and_every_change_flips(seed: int) -> None:
    writer = Conditions(seed)
    for turn in range(5):
        condition, current = checked(writer.condition()), some_facts(seed * 10 + turn)
        before, found = is_true(condition, current), find_counterfactual(condition.term, current)
        if found is not None:
            after: Facts | None = current
            for change in found.changes:
                after = None if after is None else with_value(after, change.term, change.place, change.after)
            assert after is not None
            assert is_true(condition, after) is not before
        flips = [
            change
            for change in single_changes(condition, current)
            if (after := with_value(current, change.term, change.place, change.after)) is not None
            and is_true(condition, after) is not before
        ]
        if flips:
            assert found is not None, (condition.term, flips[0])
            assert len(found.changes) == 1, (str(found), str(flips[0]))
