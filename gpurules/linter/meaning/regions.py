"""A range of one fact, or some of its values, as a condition that people can read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.linter.meaning.analysis import ActiveRule
from gpurules.model import Value
from gpurules.proofs import BELOW, AbstractVariable, Endpoint, IntervalPartition, Number

_MOST_VALUES = 3


def region(variable: AbstractVariable, mask: int, written_in: Iterable[ActiveRule]) -> ir.Term | None:
    """Return the condition that *cell* is in *mask*, its numbers spelled as in some rules.

    Missing: None if it is not a single range, more than three values, or may be missing.
    """
    if mask & variable.missing or not mask:
        return None
    spellings = dict(_spellings(variable, written_in))
    if variable.partition is not None:
        return _range(variable, variable.partition, mask, spellings)
    values = [ir.Constant(value, variable.term.datatype) for i, value in enumerate(variable.values) if mask >> i & 1]
    if len(values) > _MOST_VALUES:
        return None
    if len(values) == 1:
        return ir.Compare((Comparator.EQ,), (variable.term, values[0]))
    return ir.Member(variable.term, tuple(values))


def _spellings(variable: AbstractVariable, rules: Iterable[ActiveRule]) -> Iterator[tuple[Value, str]]:
    for one in rules:
        for part in ir.walk(one.rule.term):
            if isinstance(part, ir.Compare) and any(variable.term in ir.walk(operand) for operand in part.operands):
                yield from ((c.value, c.spelling) for c in part.operands if isinstance(c, ir.Constant))


def _range(
    variable: AbstractVariable, partition: IntervalPartition, mask: int, spellings: Mapping[Value, str]
) -> ir.Term | None:
    first, last = (mask & -mask).bit_length() - 1, mask.bit_length() - 1
    if mask != (1 << last + 1) - (1 << first):
        return None
    low, high = partition.intervals[first], partition.intervals[last]
    links: list[tuple[Comparator, Number, bool]] = []
    if not low.first:
        links.append((*_from(low.low, partition.integer, spellings), True))
    if not high.last:
        links.append((*_to(high.high, partition.integer, spellings), False))
    return _chain(variable, links, spellings)


def _chain(
    variable: AbstractVariable, links: Sequence[tuple[Comparator, Number, bool]], spellings: Mapping[Value, str]
) -> ir.Term | None:
    """Return the chain of one or two comparisons of *cell*: the lower bound stands before it where there are two."""
    datatype = variable.term.datatype
    ends = [ir.Constant(number, datatype, spelling=spellings.get(number, "")) for _, number, _ in links]
    comparators = [comparator for comparator, _, _ in links]
    if len(links) == 2:
        return ir.Compare((comparators[0], comparators[1]), (ends[0], variable.term, ends[1]))
    if not links:
        return None
    if links[0][2]:
        upward = Comparator.GT if comparators[0] is Comparator.LT else Comparator.GE
        return ir.Compare((upward,), (variable.term, ends[0]))
    return ir.Compare((comparators[0],), (variable.term, ends[0]))


def _from(cut: Endpoint, integer: bool, spellings: Mapping[Value, str]) -> tuple[Comparator, Number]:
    number, side = cut
    if integer and number not in spellings and number - 1 in spellings:
        return Comparator.LT, number - 1
    return (Comparator.LE if side == BELOW else Comparator.LT), number


def _to(cut: Endpoint, integer: bool, spellings: Mapping[Value, str]) -> tuple[Comparator, Number]:
    number, side = cut
    if integer and number not in spellings and number - 1 in spellings:
        return Comparator.LE, number - 1
    return (Comparator.LT if side == BELOW else Comparator.LE), number
