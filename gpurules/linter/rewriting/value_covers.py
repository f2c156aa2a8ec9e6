"""Which of many comparisons of one fact the others imply: by the values at which each of them holds."""

from collections.abc import Iterator, Sequence

from gpurules.proofs import (
    AbstractVariable,
    Atom,
    Conjunction,
    Disjunction,
    DualRail,
    Formula,
    Prover,
    ScopedCondition,
    satisfying_mask,
    support,
)
from gpurules.records import Record, record

_MOST_SINGLE = 16
"""The number of comparisons with the fewest values that are tried as the covering one."""
_MOST_PRUNED = 32
"""So many that together cover another are tried without each."""


@record
class ValueCover(Record):
    """Where a comparison counts in an AND or an OR, as masks of values.

    ``above`` are the values at which it keeps the AND from being TRUE, or makes the OR so; ``below`` those at which it
    makes the AND FALSE, or keeps the OR from being so. ``is_never``: it is TRUE at no value.
    """

    above: int
    below: int
    is_never: bool

    def is_within(self, above: int, below: int) -> bool:
        """Return whether it counts at no further values."""
        return not self.above & ~above and not self.below & ~below


def value_covers(prover: Prover, parts: Sequence[ScopedCondition], is_and: bool) -> list[ValueCover] | None:
    """Return where each of *parts* counts; None where they are not all comparisons of one fact, and exact."""
    rails = [prover.rails(part) for part in parts]
    variables: set[AbstractVariable] = set()
    for one in rails:
        if not (_is_simple(one.true) and _is_simple(one.false)):
            return None
        variables |= support(one.true) | support(one.false)
        if len(variables) > 1:
            return None
    if not variables:
        return None
    (variable,) = variables
    return [_cover_of(one, variable, is_and) for one in rails] if variable.exact else None


def _is_simple(formula: Formula) -> bool:
    """Return whether *formula* is about single values, and never about how many GPUs have them."""
    match formula:
        case Atom():
            return True
        case Conjunction(parts) | Disjunction(parts):
            return all(map(_is_simple, parts))
        case _:
            return False


def _cover_of(rails: DualRail, variable: AbstractVariable, is_and: bool) -> ValueCover:
    true, false = satisfying_mask(rails.true, variable), satisfying_mask(rails.false, variable)
    if is_and:
        return ValueCover(variable.full & ~true, false, not true)
    return ValueCover(true, variable.full & ~false, not true)


def covered_parts(found: Sequence[ValueCover], is_plain: bool) -> Iterator[tuple[int, list[int]]]:
    """Yield the places of those that the rest covers, the last first, each with the places of the few that do.

    What has been yielded covers nothing any more. *is_plain*: nothing but being TRUE counts.
    """
    if is_plain:
        found = [ValueCover(one.above, 0, one.is_never) for one in found]
    before_above, before_below = [0], [0]
    for one in found:
        before_above.append(before_above[-1] | one.above)
        before_below.append(before_below[-1] | one.below)
    largest = sorted(range(len(found)), key=lambda place: -found[place].above.bit_count())
    above = below = 0
    gone: set[int] = set()
    for place in reversed(range(len(found))):
        one = found[place]
        if len(found) - len(gone) > 1 and one.is_within(before_above[place] | above, before_below[place] | below):
            gone.add(place)
            yield place, _few(found, one, [other for other in largest if other not in gone])
        else:
            above, below = above | one.above, below | one.below


def _few(found: Sequence[ValueCover], one: ValueCover, others: Sequence[int]) -> list[int]:
    for place in others[:_MOST_SINGLE]:
        if one.is_within(found[place].above, found[place].below):
            return [place]
    chosen: list[int] = []
    above = below = 0
    for place in others:
        if one.is_within(above, below):
            break
        if (found[place].above & one.above & ~above) or (found[place].below & one.below & ~below):
            chosen.append(place)
            above, below = above | found[place].above, below | found[place].below
    return sorted(_pruned(found, one, chosen) if len(chosen) <= _MOST_PRUNED else chosen)


def _pruned(found: Sequence[ValueCover], one: ValueCover, chosen: list[int]) -> list[int]:
    for place in list(chosen):
        rest = [other for other in chosen if other != place]
        above = below = 0
        for other in rest:
            above, below = above | found[other].above, below | found[other].below
        if rest and one.is_within(above, below):
            chosen = rest
    return chosen


def says_the_same(one: ValueCover, by: Sequence[ValueCover]) -> bool:
    """Return whether it makes no difference to *by*, at whatever value, whether *one* stands beside them."""
    above = below = 0
    for other in by:
        above, below = above | other.above, below | other.below
    return one.is_within(above, below)
