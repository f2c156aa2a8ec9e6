"""Facts with another value of one field are what the evaluator then reads."""

import pytest

from gpurules.backends import value_of
from gpurules.fields import FIELDS, Scope
from gpurules.language.terms import ir
from gpurules.model import Kind, Transfer, Value, Workload
from gpurules.proofs.witnesses.substitution import with_value
from tests.factories import GIB, checked, facts, gpu

FACTS = facts(
    gpu(0, memory_used=40 * GIB, memory_total=80 * GIB),
    gpu(1),
    transfer=Transfer(path="/data/a.tar", created=1767225590.0),
    workload=Workload(started=1767225500.0),
)


def _example(name: str) -> Value:
    field = FIELDS[name]
    if field.datatype.kind is Kind.BOOL:
        return True
    if field.datatype.kind is Kind.STRING:
        return field.values[-1] if field.values else ".pt" if name == "file_extension" else "x"
    return 7


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_can_be_given_a_value(name: str) -> None:
    term, value = ir.Read(FIELDS[name]), _example(name)
    place = 1 if FIELDS[name].scope is Scope.GPU else None
    after = with_value(FACTS, term, place, value)
    assert after is not None
    assert value_of(term, after, place) == value


@pytest.mark.parametrize(
    "name", sorted(n for n, f in FIELDS.items() if f.scope is not Scope.NODE and not f.always_known)
)
def test_every_field_of_a_gpu_a_transfer_or_a_workload_can_be_made_missing(name: str) -> None:
    term = ir.Read(FIELDS[name])
    place = 0 if FIELDS[name].scope is Scope.GPU else None
    after = with_value(FACTS, term, place, None)
    derived = name in ("file_type", "framework", "gpu_memory_free")  # from the path, from used and total
    assert after is None or value_of(term, after, place) is None or derived


def test_the_share_of_memory_is_kept_with_the_bytes() -> None:
    after = with_value(FACTS, checked("gpu_memory > 1").term.operands[0], 0, 75)  # type: ignore[union-attr]
    assert after is not None
    assert (after.gpus[0].memory, after.gpus[0].memory_used) == (75, 60 * GIB)
    assert FACTS.gpus[0].memory == 50


def test_a_declared_field_stands_among_the_labels() -> None:
    ruleset_field = checked("gpu_memory > 1").term
    assert with_value(FACTS, ruleset_field, None, True) is None  # a comparison is not a fact
