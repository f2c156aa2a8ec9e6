"""Test values for one part of a condition: its limits, the values next to them, the texts that it distinguishes."""

import math
from collections.abc import Iterator

from gpurules.fields import Field, Scope
from gpurules.language.terms import ir
from gpurules.model import Kind, Value
from gpurules.proofs import format_exactly

MOST_VALUES = 12
_DIGITS = 2
"""How many digits behind the first one of a limit the value beside it differs in."""


def leaves(term: ir.Term) -> Iterator[ir.Term]:
    """Yield the parts of *term* that compare or test: those that no further truth values are in."""
    inner = [] if isinstance(term, ir.Compare) else [t for t in ir.children(term) if t.datatype.kind is Kind.BOOL]
    if not inner and not isinstance(term, ir.Constant):
        yield term
    for child in inner:
        yield from leaves(child)


def reads_in(leaf: ir.Term) -> list[Field]:
    """Return the fields that *leaf* reads, in the order in which they are written; those of windows are left out."""
    return list(dict.fromkeys(part.field for part in ir.walk(leaf) if isinstance(part, ir.Read)))


def has_window(leaf: ir.Term) -> bool:
    """Return whether *leaf* looks back in time."""
    return any(isinstance(part, ir.Window | ir.Signal) for part in ir.walk(leaf))


def limits(leaf: ir.Term) -> list[float]:
    """Return the numbers that *leaf* compares with; none where it is not a threshold."""
    if not isinstance(leaf, ir.Compare):
        return []
    constants = (part.value for part in leaf.operands if isinstance(part, ir.Constant))
    return sorted({float(v) for v in constants if isinstance(v, int | float) and not isinstance(v, bool)})


def values_around(field: Field, leaf: ir.Term) -> list[Value]:
    """Return what to give *field* so that *leaf* shows what it does; for a limit the value before, at and behind it."""
    if field.datatype.kind is Kind.BOOL:
        return [True, False]
    constants = [part.value for part in ir.walk(leaf) if isinstance(part, ir.Constant)]
    if field.datatype.kind is Kind.STRING:
        if any(isinstance(part, ir.TextTest) for part in ir.walk(leaf)):
            return []
        texts = list(dict.fromkeys(value for value in constants if isinstance(value, str) and value))
        other = next((value for value in field.values if value not in texts), "another")
        return [*texts[: MOST_VALUES - 1], other]
    numbers = limits(leaf) or [float(v) for v in constants if isinstance(v, int | float) and not isinstance(v, bool)]
    around = {near for number in sorted(set(numbers))[: MOST_VALUES // 3] for near in _beside(number, field)}
    return [int(number) if number.is_integer() else number for number in sorted(around)]


def _beside(limit: float, field: Field) -> Iterator[float]:
    """Yield *limit* and its neighbors within the range of *field*: whole numbers, or a step that people read."""
    step = 1.0 if field.integer else 10.0 ** min(0, math.floor(math.log10(abs(limit or 1))) - _DIGITS)
    for number in (limit - step, limit, limit + step):
        rounded = float(f"{number:.12g}") if not field.integer else number
        if field.integer and not rounded.is_integer():
            rounded = float(math.floor(rounded) if number < limit else math.ceil(rounded))
        if (field.minimum is None or rounded >= field.minimum) and (field.maximum is None or rounded <= field.maximum):
            yield rounded


def path_of(field: Field, gpu: object) -> str | None:
    """Return where a test writes *field*, of the GPU with the index *gpu*; None where it cannot be set alone."""
    name = field.name if field.declared else field.attribute
    if name in ("file_extension", "index_number", "index"):
        return None
    if field.scope is Scope.GPU:
        return f"gpu[{gpu}].{name}"
    if field.name in ("host", "driver_version"):
        return f"snapshot.{name}"
    return f"{field.scope.value}.{'path' if name == 'file_name' else name}"


def format_value(value: Value, field: Field) -> str:
    """Return *value* as tests write it: ``81%``, ``1GiB``, ``model``, ``_`` where it is missing."""
    if value is None:
        return "_"
    if isinstance(value, str):
        return value
    return format_exactly(value, field.datatype.dimension).replace(" ", "").replace(",", "")
