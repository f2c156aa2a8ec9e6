"""Whether a fix preserves the meaning of a condition: proved for all facts, missing ones included, or not claimed."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from gpurules.diagnostics import CATALOGUE, Edit, Severity, Span
from gpurules.language import Environment, parse
from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.linter.conditions.parts import apply_edits
from gpurules.model import Kind
from gpurules.proofs import ExpectedTruth, Prover, Sat, ScopedCondition, TruthClaim, Unsat, evaluate
from gpurules.rules.building import Placed

_KINDS = ((ExpectedTruth.TRUE, ExpectedTruth.NOT_TRUE), (ExpectedTruth.FALSE, ExpectedTruth.NOT_FALSE))


def are_equivalent(one: ir.Term, other: ir.Term) -> bool:
    """Return whether it is proved that two conditions have the same truth on whatever facts, UNKNOWN included."""
    if one == other:
        return True
    if ir.is_per_gpu(one) is not ir.is_per_gpu(other):
        return False
    first, second = ScopedCondition(one), ScopedCondition(other)
    prover = Prover([first, second], trusts_readings=False)
    for here, there in ((first, second), (second, first)):
        for want, otherwise in _KINDS:
            claims = [TruthClaim(here, want, on_one=True), TruthClaim(there, otherwise, on_one=True)]
            if not isinstance(prover.ask(claims), Unsat):
                return False
    return _agree(prover, first, second)


def _agree(prover: Prover, one: ScopedCondition, other: ScopedCondition) -> bool:
    """Return whether the evaluator gives both the same truth where the first is TRUE, FALSE and UNKNOWN."""
    for want in (ExpectedTruth.TRUE, ExpectedTruth.FALSE, ExpectedTruth.UNKNOWN):
        found = prover.ask([TruthClaim(one, want, on_one=True)])
        if isinstance(found, Sat) and not want.fits(evaluate(other, found.witness.facts, on_one=True)):
            return False
    return True


@dataclass(slots=True)
class FixWork:
    """How much work the proofs of fixes of one file may still be; ``is_capped`` says whether it was not enough.

    Units: ``left`` in parts of conditions that are looked at.
    """

    left: int = 100_000
    is_capped: bool = False

    def allows(self, term: ir.Term) -> bool:
        """Take the work of a proof over *term* away, and return whether there was so much."""
        if self.left > 0:
            self.left -= sum(1 for _ in ir.walk(term))
            return True
        self.is_capped = True
        return False


def preserves_meaning(placed: Placed, edits: tuple[Edit, ...], environment: Environment | None, work: FixWork) -> bool:
    """Return whether it is proved that *edits* of an expression leave its meaning as it is.

    A part that is the same on whatever facts leaves the whole the same: so the part that is edited is looked at first.
    """
    if not edits:
        return True
    before, tree = placed.checked.term, placed.expression.parsed.tree
    if environment is None or before.datatype.kind is Kind.ERROR:
        return False
    text = placed.expression.parsed.text
    if tree is not None and before.datatype.kind is Kind.BOOL:
        for part in _around(tree, edits):
            if _is_same_part(text, part, edits, environment):
                return True
            if _TIGHTNESS[type(part)] == _TEST:
                return False  # what one test says is not made up for by the others, or only by chance
    return work.allows(before) and _preserves_whole(placed, apply_edits(text, edits), environment)


def _preserves_whole(placed: Placed, text: str, environment: Environment) -> bool:
    before, parsed = placed.checked.term, parse(text)
    if parsed.tree is None or parsed.findings:
        return False
    wants_condition = before.datatype.kind is Kind.BOOL
    after = environment.condition(parsed) if wants_condition else environment.expression(parsed)
    if any(CATALOGUE[finding.code].severity is Severity.ERROR for finding in after.findings):
        return False
    return are_equivalent(before, after.term) if wants_condition else before == after.term


_TIGHTNESS: Mapping[type[nodes.Definition], int] = {
    nodes.Or: 1, nodes.And: 2, nodes.Not: 3, nodes.Compare: 4, nodes.Between: 4, nodes.Membership: 4,
    nodes.ListMembership: 4, nodes.TextTest: 4, nodes.MissingTest: 4, nodes.Group: 5, nodes.Call: 5, nodes.Name: 5,
}  # fmt: skip
"""How tightly the parts bind that can be conditions: one may stand where one that binds no tighter stood."""
_TEST = 4
_MOST_PARTS = 2
_MOST_TEXT = 2_000
"""The number of parts around an edit that are tried, of at most its length."""


def _around(tree: nodes.Definition, edits: tuple[Edit, ...]) -> list[nodes.Definition]:
    """Return the parts of a condition in which all *edits* are, the least first; the whole is not among them."""
    start, end = min(edit.span.start for edit in edits), max(edit.span.end for edit in edits)
    found: list[nodes.Definition] = []
    node: nodes.Definition | None = tree
    while node is not None:
        node = _child_around(node, start, end)
        if node is not None and type(node) in _TIGHTNESS and node.span.end - node.span.start <= _MOST_TEXT:
            found.append(node)
    return found[::-1][:_MOST_PARTS]


def _child_around(node: nodes.Definition, start: int, end: int) -> nodes.Definition | None:
    parts = node.parts if isinstance(node, nodes.And | nodes.Or) else nodes.children(node)
    place = bisect_right(parts, start, key=lambda part: part.span.start) - 1
    if place < 0:
        return None
    child = parts[place]
    return child if child.span.start <= start and end <= child.span.end else None


def _is_same_part(text: str, part: nodes.Definition, edits: tuple[Edit, ...], environment: Environment) -> bool:
    """Return whether it is proved that *part*, which is a condition by itself, stays the same."""
    start, end = part.span.start, part.span.end
    moved = tuple(Edit(Span(e.span.start - start, e.span.end - start), e.replacement) for e in edits)
    both = []
    for one in (text[start:end], apply_edits(text[start:end], moved)):
        parsed = parse(one)
        if parsed.tree is None or parsed.findings or _TIGHTNESS.get(type(parsed.tree), 0) < _TIGHTNESS[type(part)]:
            return False
        checked = environment.condition(parsed)
        if any(CATALOGUE[finding.code].severity is Severity.ERROR for finding in checked.findings):
            return False
        both.append(checked.term)
    return are_equivalent(*both)
