"""Pairs of rules of one priority that can match at once and then get in each other's way, as their actions declare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from gpurules.actions import Action, CombineContext
from gpurules.actions.action import Combines, numeric
from gpurules.actions.decision import RuleAction
from gpurules.actions.interactions import combines, excludes, order_matters
from gpurules.bitset import iter_bits
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.linter.meaning.analysis import ActiveRule, Analysis, Conflict, ConflictKind, Covering
from gpurules.linter.meaning.shadows import shadows
from gpurules.proofs import KnownFact, Sat, ScreeningIndex, is_true

_GRAVITY = {kind: place for place, kind in enumerate(ConflictKind)}
MOST_PARTNERS = 5
"""The number of conflicting rules that are named."""


def conflicts(analysis: Analysis, kind: ConflictKind) -> Iterator[Conflict]:
    """Yield for each rule the conflicts of one kind with rules before it; each pair has one, the gravest."""
    if analysis.conflicts is None:
        analysis.conflicts = list(_Search(analysis).run())
    yield from (one for one in analysis.conflicts if one.kind is kind)


class _Search:
    """Looks at all pairs of one priority whose actions can be in conflict."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        dead = {s.rule.position for s in shadows(analysis) if s.covering is not Covering.ORDERS}
        self._shadowed = {(s.rule.position, other.position) for s in shadows(analysis) for other in s.by}
        self._by_priority: dict[int, list[ActiveRule]] = {}
        for one in analysis.active_rules:
            if one.position not in dead:
                self._by_priority.setdefault(one.rule.priority, []).append(one)
        self._pairs: dict[tuple[str, str], ConflictKind | None] = {}
        self._actions: dict[str, Action] = {}

    def run(self) -> Iterator[Conflict]:
        for rules in self._by_priority.values():
            if len(rules) > 1 and self._can_clash(rules):
                index = ScreeningIndex([one.abstraction for one in rules], self._analysis.screening)
                before: dict[str, int] = {}  # which rules before this one order an action
                for number, one in enumerate(rules):
                    rivals = index.overlapping(one.abstraction, self._rivals(one, before))
                    yield from self._of(one, (rules[place] for place in iter_bits(rivals)))
                    for action in one.rule.actions:
                        before[action.name] = before.get(action.name, 0) | 1 << number
                        self._actions[action.name] = action.action

    def _can_clash(self, rules: Sequence[ActiveRule]) -> bool:
        """Return whether any two actions among those of *rules* can be in conflict at all."""
        actions = list({action.name: action.action for one in rules for action in one.rule.actions}.values())
        return any(self._kind(a, b) for i, a in enumerate(actions) for b in actions[i:])

    def _rivals(self, one: ActiveRule, before: Mapping[str, int]) -> int:
        """Return those of the rules *before* one that order what can be in conflict with what it orders."""
        return reduce(
            int.__or__,
            (
                owners
                for name, owners in before.items()
                if any(self._kind(self._actions[name], action.action) for action in one.rule.actions)
            ),
            0,
        )

    def _kind(self, one: Action, other: Action) -> ConflictKind | None:
        key = (one.name, other.name)
        if key not in self._pairs:
            self._pairs[key] = _kind_of(one, other)
        return self._pairs[key]

    def _of(self, one: ActiveRule, before: Iterable[ActiveRule]) -> Iterator[Conflict]:
        found: dict[ConflictKind, list[tuple[ActiveRule, tuple[RuleAction, RuleAction], Sat]]] = {}
        kinds = {self._kind(first, second.action) for first in self._actions.values() for second in one.rule.actions}
        for other in before:
            if all(len(found.get(kind, ())) >= MOST_PARTNERS for kind in kinds if kind is not None):
                break
            for kind, first, second in self._clashes(other, one):
                is_shadowed = kind is ConflictKind.ORDER and (one.position, other.position) in self._shadowed
                if is_shadowed or len(found.get(kind, ())) >= MOST_PARTNERS:
                    continue
                shown = self._analysis.joint_witness(other, one)
                if shown is not None and kind is not ConflictKind.EXCLUDES:
                    shown = self._differing(shown, (other, first), (one, second))
                if shown is not None:
                    found.setdefault(kind, []).append((other, (first, second), shown))
                    break
        for kind, pairs in found.items():
            other, (first, second), shown = pairs[0]
            shown = self._minimized(shown, kind, (other, first), (one, second))
            yield Conflict(kind, one, tuple(pair[0] for pair in pairs), (first.name, second.name), shown)

    def _clashes(self, one: ActiveRule, other: ActiveRule) -> list[tuple[ConflictKind, RuleAction, RuleAction]]:
        found = []
        for first in one.rule.actions:
            for second in other.rule.actions:
                kind = self._kind(first.action, second.action)
                is_alike = kind is not ConflictKind.EXCLUDES and first.parameters == second.parameters
                if kind is not None and not is_alike:
                    found.append((kind, first, second))
        return sorted(found, key=lambda clash: _GRAVITY[clash[0]])

    def _differing(
        self, found: Sat, one: tuple[ActiveRule, RuleAction], other: tuple[ActiveRule, RuleAction]
    ) -> Sat | None:
        """Return *found* where the order of the two claims makes a difference to it; with a size large enough to."""
        (first, ordered), (second, asked) = one, other
        witness = found.witness
        sizes = [size for action in (ordered, asked) for size in _sizes(action)]
        if witness.transfer.size is None and sizes:
            size = int(max(sizes))
            known = (KnownFact(ir.Read(FIELDS["transfer_size"]), None, size), *witness.known)
            witness = replace(witness, transfer=replace(witness.transfer, size=size), known=known)
            if not all(is_true(rule.now).holds(witness.facts) for rule in (first, second)):
                return None
        return Sat(witness) if self._matters(Sat(witness), ordered, asked) else None

    def _matters(self, found: Sat, ordered: RuleAction, asked: RuleAction) -> bool:
        """Return whether the order of two claims makes a difference for an assignment."""
        settings, witness = self._analysis.ruleset.settings, found.witness
        timestamp = witness.snapshot.timestamp
        situation = CombineContext(witness.transfer, timestamp, settings.max_delay, settings.max_priority)
        return order_matters(asked.action, (ordered.parameters, asked.parameters), situation)

    def _minimized(
        self, found: Sat, kind: ConflictKind, one: tuple[ActiveRule, RuleAction], other: tuple[ActiveRule, RuleAction]
    ) -> Sat:
        """Return *found* with the facts that matter: both rules match, and what they claim is in conflict."""
        (first, ordered), (second, asked) = one, other
        claims = [is_true(rule.now) for rule in (first, second)]
        if not all(claim.holds(found.witness.facts) for claim in claims):
            claims = [is_true(rule.condition) for rule in (first, second)]
        is_sure = kind is ConflictKind.EXCLUDES
        return self._analysis.minimize(found, claims, lambda less: is_sure or self._matters(less, ordered, asked))


def _kind_of(one: Action, other: Action) -> ConflictKind | None:
    if excludes(one, other):
        return ConflictKind.EXCLUDES
    if one.name != other.name:
        return None
    policy = combines(one)
    if policy is Combines.UNDECLARED:
        return ConflictKind.COMPETES
    return ConflictKind.ORDER if policy in (Combines.FIRST, Combines.OWN) else None


def _sizes(ordered: RuleAction) -> Iterator[float]:
    """Yield the size thresholds, in bytes, from which on an action affects a transfer."""
    properties = ordered.action.schema.get("properties", {})
    assert isinstance(properties, dict)
    for name, schema in properties.items():
        size = numeric(ordered.parameters, name)
        if schema.get("x-dimension") == "bytes" and size is not None:
            yield size
