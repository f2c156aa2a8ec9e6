"""Values worth a try where a fact has to change: the nearest that read well."""

from collections.abc import Iterator

from gpurules.language import ir
from gpurules.model import Value
from gpurules.proofs.cells import Cell
from gpurules.proofs.leaves import is_number
from gpurules.proofs.lines import Number


def operand_options(value: Value, others: list[Value], step: tuple[Value, Value]) -> Iterator[Number]:
    """Yield numbers for an operand, now *value* beside *others*, that may take a result through *step*."""
    before, after = step
    if not is_number(after):
        return
    if not is_number(value) or not is_number(before):
        for other in filter(is_number, others):
            yield from (other + after, other - after, other * after)
        return
    scale = after / before if before and after else 1
    yield from (value + (after - before), value - (after - before), value * scale, value / scale)


def options_in(cell: Cell, mask: int, now: Value) -> Iterator[Value]:
    """Yield the values of *mask* that are worth a try, the nearest first."""
    options = cell.options(mask & cell.known)
    if cell.line is None or not isinstance(now, int | float):
        yield from options[:3]
    else:
        yield from sorted(_numbers(cell, mask, now), key=lambda number: abs(number - now))[:3]
    if mask & cell.missing and now is not None:
        yield None


def _numbers(cell: Cell, mask: int, now: Number) -> Iterator[Number]:
    """Yield for each stretch in *mask* the plainest number at the end of it that is nearer to *now*."""
    assert cell.line is not None
    for position, stretch in enumerate(cell.line.stretches):
        if not mask >> position & 1:
            continue
        plain = cell.line.numbers[position]
        yield plain
        high, side = stretch.high
        if high > now or stretch.last:
            continue
        top = high if side else high - 1
        if (top, 0) >= stretch.low:
            yield top


def fitting(unit: ir.Term, number: Number) -> Number:
    """Return *number* as the field has them."""
    if isinstance(unit, ir.Read) and unit.field.integer:
        return round(number)
    return number
