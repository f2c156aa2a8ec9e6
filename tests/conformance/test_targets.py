"""Every condition case, on the back ends that write Go and C: one program for all of them, built once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules.backends import Facts
from gpurules.backends.backend import UnsupportedError
from tests.conformance.test_conditions import VALUED, checked, expectation
from tests.conformance.vectors import Vector
from tests.targets import Case, GoDriver, Outcome, drivers, evaluate

pytestmark = pytest.mark.slow


def case_of(vector: Vector) -> Case:
    condition, snapshot = checked(vector), vector.snapshot()
    return Case(condition.term, condition.per_gpu, Facts(snapshot, snapshot.gpus, **vector.about()))


def declarations(vector: Vector) -> frozenset[tuple[str, str]]:
    return frozenset((name, repr(field)) for name, field in vector.fields.items())


def programs() -> Iterator[list[Vector]]:
    """Yield the cases that can be in one program: a name that is declared in two ways cannot."""
    left = list(VALUED)
    while left:
        known: dict[str, str] = {}
        taken = []
        for vector in left:
            declared = dict(declarations(vector))
            if all(known.get(name, text) == text for name, text in declared.items()):
                known |= declared
                taken.append(vector)
        yield taken
        left = [vector for vector in left if vector not in taken]


@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.name)
def test_every_condition_has_the_expected_value(driver: GoDriver, tmp_path: Path) -> None:
    wrong, unsupported, counted = [], [], 0
    for number, vectors in enumerate(programs()):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes = evaluate(driver, [case_of(vector) for vector in vectors], folder)
        for vector, outcome in zip(vectors, outcomes, strict=True):
            if isinstance(outcome, UnsupportedError):
                unsupported.append((vector.id, str(outcome)))
                continue
            counted += 1
            expected = expectation(vector.case["expect"])
            wanted = Outcome(expected["value"], tuple(expected.get("devices", outcome.devices)))
            if (outcome.value, sorted(map(str, outcome.devices))) != (wanted.value, sorted(map(str, wanted.devices))):
                wrong.append((vector.id, vector.case, outcome))
    assert not wrong, (len(wrong), wrong[:10])
    assert not unsupported, unsupported
    assert counted > 400, counted
