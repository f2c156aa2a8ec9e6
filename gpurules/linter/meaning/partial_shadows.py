"""Rules that others shadow except for one range of one fact: that range, proved, with an example in it.

Only conditions are looked at that are plain boxes: a range, or some values, for each fact that they ask about.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from gpurules.language.terms import ir
from gpurules.linter.meaning.analysis import ActiveRule, Analysis
from gpurules.linter.meaning.regions import region
from gpurules.linter.meaning.shadows import shadows
from gpurules.proofs import (
    AtLeast,
    Atom,
    Conjunction,
    Disjunction,
    ExpectedTruth,
    Formula,
    Projection,
    Sat,
    ScopedCondition,
    TruthClaim,
    hull_of,
    is_true,
)
from gpurules.records import Record, record

Box: TypeAlias = tuple[ActiveRule, Projection]
_MOST_ARMS = 8
"""How many arms of an OR are looked at."""


@record
class PartiallyShadowedRule(Record):
    """A rule that is looked at within ``region`` alone; wherever else it matches, one of ``by`` does and stops."""

    rule: ActiveRule
    by: tuple[ActiveRule, ...]
    region: ir.Term
    found: Sat


def partial_shadows(analysis: Analysis) -> Iterator[PartiallyShadowedRule]:
    """Yield every rule that is cut off but for one region, in order; not those that have nothing to say at all."""
    shadowed = {shadow.rule.position for shadow in shadows(analysis)}
    stopping = [one for one in analysis.active_rules if one.rule.stop and one.position not in shadowed]
    search = _Search(analysis, stopping)
    for one in analysis.active_rules if stopping else ():
        found = search.of(one) if one.position not in shadowed and one.abstraction.hull else None
        if found is not None:
            yield found


class _Search:
    """Looks for what rules that stop leave of each rule."""

    def __init__(self, analysis: Analysis, stopping: Sequence[ActiveRule]) -> None:
        self._analysis = analysis
        self._stopping = [(one, box) for one in stopping for box in _boxes(one.formula)]

    def of(self, one: ActiveRule) -> PartiallyShadowedRule | None:
        """Return what is left of *one*, None where it is not cut off, or where more than one region is left."""
        lefts = (self._left(one, index, boxes) for index, boxes in self._cuts(one).items())
        return next((left for left in lefts if left is not None), None)

    def _cuts(self, one: ActiveRule) -> dict[int, list[Box]]:
        """Return the boxes that take something of one fact from *one*, and leave it all of every other."""
        hull, found = one.abstraction.hull, dict[int, list[Box]]()
        for other, box in self._stopping:
            if other.rule.priority <= one.rule.priority or not box.keys() <= hull.keys():
                continue
            outside = [index for index, mask in box.items() if hull[index] & ~mask]
            if len(outside) == 1 and hull[outside[0]] & box[outside[0]]:
                found.setdefault(outside[0], []).append((other, box))
        return found

    def _left(self, one: ActiveRule, index: int, boxes: list[Box]) -> PartiallyShadowedRule | None:
        left, by = self._needed(one.abstraction.hull[index], index, boxes)
        if not left or all(self._is_within(box, one) for box in by):
            return None
        part = region(self._analysis.prover.variables[index], left, [one, *(other for other, _ in by)])
        if part is None or not self._is_exact(part, one, (index, left)):
            return None
        coverers = tuple(dict.fromkeys(other for other, _ in by))
        outside = [TruthClaim(other.condition, ExpectedTruth.NOT_TRUE) for other in coverers]
        if not self._analysis.is_impossible([is_true(_and(one.condition, ir.Not(part))), *outside], [one.rule.name]):
            return None
        found = self._shown(one, coverers, part)
        return None if found is None else PartiallyShadowedRule(one, coverers, part, found)

    def _needed(self, whole: int, index: int, boxes: Sequence[Box]) -> tuple[int, list[Box]]:
        """Return what all *boxes* leave of *whole*, and the boxes that are needed for that."""
        left, by = whole, list[Box]()
        for other, box in sorted(boxes, key=lambda pair: -(whole & pair[1][index]).bit_count()):
            if left & box[index]:
                left &= ~box[index]
                by.append((other, box))
        return left, sorted(by, key=lambda pair: pair[0].position)

    def _is_within(self, box: Box, one: ActiveRule) -> bool:
        """Return whether a coverer is about a part of what *one* is about: an exception before the general rule."""
        other, hull = box
        if any(hull.get(index, -1) & ~mask for index, mask in one.abstraction.hull.items()):
            return False
        return _is_box(one.formula) or self._analysis.implies(other, one)

    def _is_exact(self, part: ir.Term, one: ActiveRule, wanted: tuple[int, int]) -> bool:
        """Return whether *part* is TRUE for the *wanted* values of a variable, and FALSE for all other known ones."""
        index, mask = wanted
        rails = self._analysis.prover.rails(ScopedCondition(part, one.rule.gpus))
        true, false, variable = rails.true, rails.false, self._analysis.prover.variables[index]
        if not (
            isinstance(true, Atom)
            and isinstance(false, Atom)
            and true.variable is variable
            and false.variable is variable
        ):
            return False
        return true.mask == mask and false.mask == variable.known & ~mask

    def _shown(self, one: ActiveRule, by: Sequence[ActiveRule], part: ir.Term) -> Sat | None:
        """Return an assignment in the region for which *one* alone matches, one without memory if there is any."""
        for is_now in (True, False):
            mine, others = (one.now, [o.now for o in by]) if is_now else (one.condition, [o.condition for o in by])
            claims = [is_true(_and(mine, part)), *(TruthClaim(other, ExpectedTruth.NOT_TRUE) for other in others)]
            found = self._analysis.find_witness(claims, [one.rule.name])
            if found is not None:
                return self._analysis.minimize(found, claims)
        return None


def _and(one: ScopedCondition, part: ir.Term) -> ScopedCondition:
    return ScopedCondition(ir.And((one.term, part)), one.gpus)


def _boxes(formula: Formula) -> Iterator[Projection]:
    """Yield the boxes that *formula* is made of, none where it is anything else."""
    arms = formula.parts if isinstance(formula, Disjunction) else (formula,)
    if len(arms) <= _MOST_ARMS and all(_is_box(arm) for arm in arms):
        yield from (hull_of(arm) for arm in arms)


def _is_box(formula: Formula) -> bool:
    match formula:
        case Atom():
            return True
        case Conjunction(parts):
            return all(_is_box(part) for part in parts)
        case AtLeast(count, body):
            return count == 1 and _is_box(body)
        case _:
            return False
