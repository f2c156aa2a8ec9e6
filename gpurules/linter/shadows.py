"""Rules that have nothing to say, since others match wherever they do: one reason for each rule, the gravest."""

from collections.abc import Iterator, Sequence

from gpurules.actions.between import absorbs
from gpurules.actions.decision import RuleAction
from gpurules.linter.analysis import Analysis, Covering, Shadow, Standing
from gpurules.proofs.claims import Claim, Want, is_true

_MOST_TOGETHER = 12
"""How many rules are tried together."""


def shadows(analysis: Analysis) -> list[Shadow]:
    """Return every rule that has nothing to say, in order."""
    if analysis.shadows is None:
        analysis.shadows = list(_Search(analysis).run())
    return analysis.shadows


class _Search:
    """Looks for what covers each rule."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._rules = analysis.standing
        self._stopping = [one for one in self._rules if one.rule.stop]
        self._dead: set[int] = set()
        self._told = {one.position: _told(one.rule.actions) for one in self._rules}
        self._absorbed: dict[tuple[str, str, bool], bool] = {}
        self._alike: dict[tuple[str, ...], list[Standing]] = {}
        for one in self._rules:
            self._alike.setdefault(_names(one), []).append(one)

    def run(self) -> Iterator[Shadow]:
        for one in self._rules:
            found = self._stopped(one) or self._ordered(one)
            if found is not None:
                self._dead.add(one.position)
                yield found

    def _stopped(self, one: Standing) -> Shadow | None:
        before = [other for other in self._stopping if other.rule.priority > one.rule.priority]
        return self._covered(one, before, Covering.STOPS)

    def _ordered(self, one: Standing) -> Shadow | None:
        if one.rule.stop or not one.rule.actions:
            return None
        alike = [other for other in self._alike[_names(one)] if other is not one and other.position not in self._dead]
        told = self._told
        same = [o for o in alike if o.position < one.position and told[o.position] == told[one.position]]
        for other in same:
            if self._analysis.implies(one, other) and self._analysis.implies(other, one):
                return Shadow(one, (other,), Covering.EQUALS)
        touched = one.outline.touched
        stronger = [o for o in alike if not o.outline.known & ~touched and self._says_more(o, one)]
        return self._covered(one, stronger, Covering.ORDERS)

    def _covered(self, one: Standing, others: Sequence[Standing], covering: Covering) -> Shadow | None:
        twins: list[Standing] = []
        for other in others:
            if self._analysis.implies(one, other):
                if not self._is_twin(one, other):
                    return Shadow(one, (other,), covering)
                twins.append(other)
        return self._covered_together(one, [o for o in others if o not in twins], covering)

    def _is_twin(self, one: Standing, later: Standing) -> bool:
        """Return whether two rules cover each other, so that the later one is the one to complain of."""
        is_later = later.position > one.position and _names(one) == _names(later)
        return is_later and self._says_more(one, later) and self._analysis.implies(later, one)

    def _covered_together(self, one: Standing, others: Sequence[Standing], covering: Covering) -> Shadow | None:
        """Return the fewest of *others* that together match wherever *one* does, None where they do not."""
        outlines = self._analysis.outlines
        near = [o for o in others if not outlines.apart(one.outline, o.outline)]
        near = [o for o in near if o.outline.known & ~one.outline.touched == 0]
        if not 2 <= len(near) <= _MOST_TOGETHER:
            return None
        for point in one.outline.points:
            if not any(outlines.holds(other.formula, point) for other in near):
                return None
        if not self._never(one, near):
            return None
        for other in list(near):
            fewer = [kept for kept in near if kept is not other]
            if len(fewer) > 1 and self._never(one, fewer):
                near = fewer
        return Shadow(one, tuple(near), covering)

    def _never(self, one: Standing, others: Sequence[Standing]) -> bool:
        outside = [Claim(other.stated, Want.NOT_TRUE) for other in others]
        return self._analysis.never([is_true(one.stated), *outside], [one.rule.name])

    def _says_more(self, strong: Standing, weak: Standing) -> bool:
        """Return whether wherever both match *weak* changes nothing."""
        in_order = strong.position < weak.position
        if not in_order and any(s.rule.priority > strong.rule.priority for s in self._stopping):
            return False  # the strong one may be cut off where the weak one is not
        key = (self._told[strong.position], self._told[weak.position], in_order)
        if key not in self._absorbed:
            ordered = {action.name: action for action in strong.rule.actions}
            self._absorbed[key] = all(
                absorbs(action.action, ordered[action.name].parameters, action.parameters, in_order)
                for action in weak.rule.actions
            )
        return self._absorbed[key]


def _names(one: Standing) -> tuple[str, ...]:
    return tuple(sorted(action.name for action in one.rule.actions))


def _told(actions: Sequence[RuleAction]) -> str:
    """Return what is ordered as a text, the same for the same orders."""
    return repr(sorted((action.name, sorted(map(repr, action.parameters.items()))) for action in actions))
