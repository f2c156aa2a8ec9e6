"""Candidate values for a fact that has to change: the nearest that read well."""

import re
from collections.abc import Iterator

from gpurules.language.syntax.nodes import TextOperator
from gpurules.language.terms import ir, values
from gpurules.model import Value
from gpurules.proofs.domains.atoms import is_number
from gpurules.proofs.domains.intervals import Number
from gpurules.proofs.domains.variables import AbstractVariable


def operand_candidates(value: Value, others: list[Value], step: tuple[Value, Value]) -> Iterator[Number]:
    """Yield numbers for an operand, now *value* beside *others*, that may take a result through *step*."""
    before, after = step
    if not is_number(after):
        return
    if not is_number(value) or not is_number(before):
        for other in filter(is_number, others):
            yield from _known(values.add(other, after), values.subtract(other, after), values.multiply(other, after))
        return
    scale = (values.divide(after, before) if after else None) or 1
    difference = values.subtract(after, before)
    yield from _known(values.add(value, difference), values.subtract(value, difference))
    yield from _known(values.multiply(value, scale), values.divide(value, scale))


def _known(*numbers: Number | None) -> Iterator[Number]:
    """Yield what arithmetic gave that did not leave the doubles."""
    return (number for number in numbers if number is not None)


def candidates_in(variable: AbstractVariable, mask: int, now: Value) -> Iterator[Value]:
    """Yield the candidate values of *mask*, the nearest first."""
    candidates = variable.candidates(mask & variable.known)
    if variable.partition is None or not isinstance(now, int | float):
        yield from (_in_lower_case(variable, option) for option in candidates[:3])
    else:
        yield from sorted(_numbers(variable, mask, now), key=lambda number: abs(number - now))[:3]
    if mask & variable.missing and now is not None:
        yield None


def _in_lower_case(variable: AbstractVariable, option: Value) -> Value:
    """Return *option* in lower case if no condition distinguishes the two."""
    if not isinstance(option, str) or variable.mask_of_text(option.lower()) != variable.mask_of_text(option):
        return option
    return option.lower()


def _numbers(variable: AbstractVariable, mask: int, now: Number) -> Iterator[Number]:
    """Yield for each interval in *mask* the plainest number at the end of it that is nearer to *now*."""
    assert variable.partition is not None
    for position, interval in enumerate(variable.partition.intervals):
        if not mask >> position & 1:
            continue
        plain = variable.partition.numbers[position]
        yield plain
        high, side = interval.high
        if high > now or interval.last:
            continue
        top = high if side else high - 1
        if (top, 0) >= interval.low:
            yield top


def fitting(unit: ir.Term, number: Number) -> Number | None:
    """Return *number* as the field has them, None where the field cannot have it."""
    if not isinstance(unit, ir.Read):
        return number
    limits = unit.field
    fit = round(number) if limits.integer else number
    is_below = limits.minimum is not None and fit < limits.minimum
    is_above = limits.maximum is not None and fit > limits.maximum
    return None if is_below or is_above else fit


def candidate_texts(term: ir.Term) -> list[str]:
    """Return texts that may change the value of *term*, about which only its literals are known."""
    constants = [part.value for part in ir.walk(term) if isinstance(part, ir.Constant) and isinstance(part.value, str)]
    written = [*literals(term), *constants]
    found = [text for literal in written for text in (literal.replace("*", "").replace("?", "x"), literal)]
    return list(dict.fromkeys([*found, *map(str.lower, found), *map(str.upper, found), "", "other"]))[:12]


def literals(term: ir.Term) -> Iterator[str]:
    """Yield texts that the patterns in *term* may well find something in."""
    for part in ir.walk(term):
        if isinstance(part, ir.TextTest) and isinstance(part.pattern, ir.Constant):
            pattern = str(part.pattern.value)
            yield pattern
            if part.operator is TextOperator.MATCHES:
                plain = re.sub(r"\\(.)", r"\1", pattern.strip("^$"))
                yield plain
                yield re.sub(r"\[([^]\\^])[^]]*\]|\(\?:|[()*?]", r"\1", plain).replace("+", "").replace(".", "x")
                yield re.sub(r"\\d[+*]?", "1", pattern).replace("\\", "").strip("^$")
