"""Rules that have nothing to say, since others match wherever they do: one reason for each rule, the gravest."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from gpurules.actions.decision import RuleAction
from gpurules.actions.interactions import absorbs, can_absorb
from gpurules.bitset import iter_bits
from gpurules.linter.meaning.analysis import ActiveRule, Analysis, Covering, Shadow
from gpurules.proofs import ExpectedTruth, ScreeningIndex, TruthClaim, is_true

_MOST_TOGETHER = 12
"""How many rules are tried together."""


def shadows(analysis: Analysis) -> list[Shadow]:
    """Return every rule that has nothing to say, in order."""
    if analysis.shadows is None:
        analysis.shadows = list(_Search(analysis).run())
    return analysis.shadows


class _Group:
    """Rules among which some may cover others; a set of them is kept as bits. ``left`` are those not yet covered."""

    def __init__(self, rules: Sequence[ActiveRule], analysis: Analysis) -> None:
        self.rules = rules
        self.index = ScreeningIndex([one.abstraction for one in rules], analysis.screening)
        self.bits = {one.position: 1 << place for place, one in enumerate(rules)}
        self.left = (1 << len(rules)) - 1

    def those(self, bits: int) -> Iterator[ActiveRule]:
        """Yield the rules of *bits*, in order."""
        return (self.rules[place] for place in iter_bits(bits))


class _Search:
    """Looks for what covers each rule."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._rules = analysis.active_rules
        self._actions_text = {one.position: _actions_text(one.rule.actions) for one in self._rules}
        self._absorbed: dict[tuple[str, str, bool], bool] = {}
        self._stopping = _Group([one for one in self._rules if one.rule.stop], analysis)
        self._last_stop = max((one.rule.priority for one in self._stopping.rules), default=-math.inf)
        alike: dict[tuple[str, ...], list[ActiveRule]] = {}
        for one in self._rules:
            alike.setdefault(_names(one), []).append(one)
        self._alike = {names: _Group(rules, analysis) for names, rules in alike.items()}
        self._same: dict[str, int] = {}
        for one in self._rules:
            actions_text = self._actions_text[one.position]
            self._same[actions_text] = self._same.get(actions_text, 0) | self._alike[_names(one)].bits[one.position]

    def run(self) -> Iterator[Shadow]:
        for one in self._rules:
            found = self._stopped(one) or self._ordered(one)
            if found is not None:
                group = self._alike[_names(one)]
                group.left &= ~group.bits[one.position]
                yield found

    def _stopped(self, one: ActiveRule) -> Shadow | None:
        group = self._stopping
        before = [bit for other, bit in zip(group.rules, group.bits.values(), strict=True)
                  if other.rule.priority > one.rule.priority]  # fmt: skip
        return self._covered(one, group, sum(before), Covering.STOPS)

    def _ordered(self, one: ActiveRule) -> Shadow | None:
        if one.rule.stop or not one.rule.actions:
            return None
        group = self._alike[_names(one)]
        own = group.bits[one.position]
        same = self._same[self._actions_text[one.position]] & group.left & (own - 1)
        for other in group.those(same and same & group.index.covering(one.abstraction)):
            if self._analysis.implies(one, other) and self._analysis.implies(other, one):
                return Shadow(one, (other,), Covering.EQUALS)
        if not all(can_absorb(action.action) for action in one.rule.actions):
            return None
        known = group.index.known_within(one.abstraction.support)
        return self._covered(one, group, group.left & ~own & known, Covering.ORDERS)

    def _covered(self, one: ActiveRule, group: _Group, others: int, covering: Covering) -> Shadow | None:
        """Return what of the *others* in a group covers a rule: one of them, or else several together."""
        if not others:
            return None
        for other in group.those(others & group.index.covering(one.abstraction)):
            if self._counts(other, one, covering) and self._analysis.implies(one, other):
                if not self._is_twin(one, other):
                    return Shadow(one, (other,), covering)
                others &= ~group.bits[other.position]
        near = others & group.index.known_within(one.abstraction.support)
        near = group.index.overlapping(one.abstraction, near)
        return self._covered_together(one, group.those(near), covering)

    def _counts(self, strong: ActiveRule, weak: ActiveRule, covering: Covering) -> bool:
        return covering is Covering.STOPS or self._says_more(strong, weak)

    def _is_twin(self, one: ActiveRule, later: ActiveRule) -> bool:
        """Return whether two rules cover each other, so that the later one is the one to complain of."""
        is_later = later.position > one.position and _names(one) == _names(later)
        return is_later and self._says_more(one, later) and self._analysis.implies(later, one)

    def _covered_together(self, one: ActiveRule, others: Iterator[ActiveRule], covering: Covering) -> Shadow | None:
        """Return the fewest of *others* that together match wherever *one* does, None where they do not."""
        screening = self._analysis.screening
        apart = (
            o
            for o in others
            if not screening.are_disjoint(one.abstraction, o.abstraction) and self._counts(o, one, covering)
        )
        near = list(islice(apart, _MOST_TOGETHER + 1))
        if not 2 <= len(near) <= _MOST_TOGETHER:
            return None
        for point in one.abstraction.points:
            if not any(screening.holds(other.formula, point) for other in near):
                return None
        if not self._never(one, near):
            return None
        for other in list(near):
            fewer = [kept for kept in near if kept is not other]
            if len(fewer) > 1 and self._never(one, fewer):
                near = fewer
        return Shadow(one, tuple(near), covering)

    def _never(self, one: ActiveRule, others: Sequence[ActiveRule]) -> bool:
        outside = [TruthClaim(other.condition, ExpectedTruth.NOT_TRUE) for other in others]
        return self._analysis.is_impossible([is_true(one.condition), *outside], [one.rule.name])

    def _says_more(self, strong: ActiveRule, weak: ActiveRule) -> bool:
        """Return whether wherever both match *weak* changes nothing."""
        in_order = strong.position < weak.position
        if not in_order and self._last_stop > strong.rule.priority:
            return False  # the strong one may be cut off where the weak one is not
        key = (self._actions_text[strong.position], self._actions_text[weak.position], in_order)
        if key not in self._absorbed:
            ordered = {action.name: action for action in strong.rule.actions}
            self._absorbed[key] = all(
                absorbs(action.action, ordered[action.name].parameters, action.parameters, in_order)
                for action in weak.rule.actions
            )
        return self._absorbed[key]


def _names(one: ActiveRule) -> tuple[str, ...]:
    return tuple(sorted(action.name for action in one.rule.actions))


def _actions_text(actions: Sequence[RuleAction]) -> str:
    """Return what is ordered as a text, the same for the same orders."""
    return repr(sorted((action.name, sorted(map(repr, action.parameters.items()))) for action in actions))
