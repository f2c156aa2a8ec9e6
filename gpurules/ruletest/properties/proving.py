"""Properties decided exactly: proved for all facts, or refuted by one assignment that the evaluator confirms."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import TypeAlias

from gpurules.language.terms import ir
from gpurules.proofs import Prover, Sat, ScopedCondition, TruthClaim, Unknown, Witness, is_not_true, is_true
from gpurules.rules import Rule, Ruleset
from gpurules.ruletest.case import Property

Claims: TypeAlias = tuple[TruthClaim, ...]
Ways: TypeAlias = list[Claims]
"""Ways in which something can be so: in each, all claims hold. None: it cannot be."""

MOST_WAYS = 200


@dataclass(frozen=True, slots=True)
class Proof:
    """What the prover says of a property.

    Missing: ``counterexample`` is None where none was found; ``unsure`` is None where the property is proved.
    """

    counterexample: Witness | None = None
    unsure: str | None = None


def prove(asked: Property, ruleset: Ruleset, condition: ir.Term | None) -> Proof:
    """Return whether *asked* holds for all facts, without history; *condition* is that of its ``if``."""
    rules = _Rules(ruleset)
    ways = list(_violations(asked, rules))
    if len(ways) > MOST_WAYS:
        return Proof(unsure=f"there are {len(ways):,} cases to try, and the limit is {MOST_WAYS:,}")
    given = () if condition is None else (is_true(ScopedCondition(condition)),)
    prover = Prover([claim.condition for claim in chain(given, *ways)])
    unsure = None
    for claims in ways:
        answer = prover.ask([*given, *claims])
        if isinstance(answer, Sat):
            return Proof(answer.witness)
        if isinstance(answer, Unknown):
            unsure = answer.reason
    return Proof(unsure=unsure)


class _Rules:
    """When each rule of a ruleset is among those that match: its condition is TRUE and no ``stop`` cuts it off."""

    def __init__(self, ruleset: Ruleset) -> None:
        program = ruleset.program
        self._stated: dict[str, tuple[Rule, ScopedCondition]] = {
            rule.name: (rule, ScopedCondition(term.term, rule.gpus))
            for rule, term in zip(program.rules, program.terms, strict=True)
        }

    def _stops(self, rule: Rule) -> list[ScopedCondition]:
        others = self._stated.values()
        return [s for other, s in others if other.stop and not other.is_shadow and other.priority > rule.priority]

    def matches(self, name: str) -> Ways:
        """Return how the rule can match: not at all where it is disabled, or a shadow."""
        rule, stated = self._stated.get(name, (None, None))
        if rule is None or stated is None or rule.is_shadow:
            return []
        return [(is_true(stated), *(is_not_true(stop) for stop in self._stops(rule)))]

    def stays_out(self, name: str) -> Ways:
        """Return how the rule can be none of those that match."""
        rule, stated = self._stated.get(name, (None, None))
        if rule is None or stated is None or rule.is_shadow:
            return [()]
        return [(is_not_true(stated),), *((is_true(stop),) for stop in self._stops(rule))]


def _violations(asked: Property, rules: _Rules) -> Iterator[Claims]:
    """Yield the ways in which the property would not hold."""
    if asked.never:
        some: Ways = [way for name in asked.some_match for way in rules.matches(name)] if asked.some_match else [()]
        yield from _together([*map(rules.matches, asked.all_match), some, *map(rules.stays_out, asked.none_match)])
        return
    for name in asked.all_match:
        yield from rules.stays_out(name)
    for name in asked.none_match:
        yield from rules.matches(name)
    if asked.some_match:
        yield from _together([*map(rules.stays_out, asked.some_match)])


def _together(parts: list[Ways]) -> Iterator[Claims]:
    for chosen in product(*parts):
        yield tuple(chain(*chosen))
