"""Mutants of rules: a ruleset with one threshold, operator, connective, priority or parameter changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeAlias

from gpurules.diagnostics import Location, Span
from gpurules.language.syntax import nodes
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms.printer import show
from gpurules.rules.building import Placed
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence, plain_value


class Mutation(StrEnum):
    """What of a rule is changed."""

    THRESHOLD = "threshold"
    OPERATOR = "operator"
    CONNECTIVE = "connective"
    PRIORITY = "priority"
    PARAMETER = "parameter"
    TIMER = "timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: ``before`` at ``location`` becomes ``after``.

    Units: ``start`` and ``end`` are offsets in the text of the file, in code points.
    Missing: ``rule`` is None if it belongs to no rule, such as in a define or a signal.
    """

    mutation: Mutation
    path: str
    location: Location
    rule: str | None
    before: str
    after: str
    start: int
    end: int
    written: str

    def apply(self, text: str) -> str:
        """Return *text* with the change made."""
        return text[: self.start] + self.written + text[self.end :]


Change: TypeAlias = tuple[Mutation, Span, str]
"""What is changed, where in a condition, and what stands there then."""

_NUMBER = re.compile(r"(-?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(.*)", re.DOTALL)
_BESIDE = {
    Comparator.LT: Comparator.LE,
    Comparator.LE: Comparator.LT,
    Comparator.GT: Comparator.GE,
    Comparator.GE: Comparator.GT,
    Comparator.EQ: Comparator.NE,
    Comparator.NE: Comparator.EQ,
}
_OTHER_QUANTIFIER = {"any": "all", "all": "any"}
_TIMERS = ("for", "keep_for", "cooldown")


def in_condition(node: nodes.Definition) -> Iterator[Change]:
    """Yield every change to a condition, those of a part before those of its own parts."""
    match node:
        case nodes.Quantity(spelling):
            for nudged in nudged_by_one(spelling):
                yield Mutation.THRESHOLD, node.span, nudged
            return
        case nodes.Window():
            return
        case nodes.Compare(first, rest):
            for n, (comparator, part) in enumerate(rest):
                changed = (*rest[:n], (_BESIDE[comparator], part), *rest[n + 1 :])
                yield Mutation.OPERATOR, node.span, show(nodes.Compare(first, changed, span=node.span))
        case nodes.Membership() | nodes.ListMembership() | nodes.Between() | nodes.TextTest() | nodes.MissingTest():
            yield Mutation.OPERATOR, node.span, show(replace(node, negated=not node.negated))
        case nodes.And(parts):
            yield Mutation.CONNECTIVE, node.span, show(nodes.Or(parts, span=node.span))
        case nodes.Or(parts):
            inside = tuple(nodes.Group(p, span=p.span) if isinstance(p, nodes.Or) else p for p in parts)
            yield Mutation.CONNECTIVE, node.span, show(nodes.And(inside, span=node.span))
        case nodes.Not(operand):
            yield Mutation.CONNECTIVE, node.span, show(operand)
        case nodes.Call(function) if function.name in _OTHER_QUANTIFIER:
            yield Mutation.CONNECTIVE, function.span, _OTHER_QUANTIFIER[function.name]
        case _:
            pass
    for child in nodes.children(node):
        yield from in_condition(child)


def nudged_by_one(spelling: str) -> Iterator[str]:
    """Yield a number one more and one less in its last written place, in its unit.

    >>> list(nudged_by_one("80%")), list(nudged_by_one("0.50")), list(nudged_by_one("22:00"))
    (['81%', '79%'], ['0.51', '0.49'], ['23:00', '21:00'])
    """
    found = _NUMBER.fullmatch(spelling)
    try:
        number = Decimal(found[1].replace("_", "")) if found else None
    except InvalidOperation:
        number = None
    if found is None or number is None or not number.is_finite():
        return
    exponent = number.as_tuple().exponent
    step = Decimal((0, (1,), exponent)) if isinstance(exponent, int) else Decimal(1)
    for changed in (number + step, number - step):
        if changed >= 0 or number < 0:
            yield f"{changed}{found[2]}"


def _scaled(spelling: str) -> Iterator[str]:
    """Yield a duration doubled and halved: a sample lies between these more likely than a second off."""
    found = _NUMBER.fullmatch(spelling)
    if found is not None and plain_value(found[1]) not in (0, 0.0):
        for changed in (Decimal(found[1].replace("_", "")) * 2, Decimal(found[1].replace("_", "")) / 2):
            yield f"{changed.normalize():f}{found[2]}"


@dataclass(frozen=True, slots=True)
class RulesetText:
    """A file whose rules are changed. ``directives`` are the names of the actions that shape the decision."""

    path: str
    root: YamlNode | None
    placed: Sequence[Placed]
    directives: frozenset[str]

    def mutants(self) -> Iterator[Mutant]:
        """Yield every mutant once, in order of place."""
        found = dict.fromkeys([*self._in_conditions(), *self._beside_conditions()])
        return iter(sorted(found, key=lambda m: (m.path, m.start, m.end, m.after)))

    def _in_conditions(self) -> Iterator[Mutant]:
        for placed in self.placed:
            expression = placed.expression
            if expression.places[0][1].source.path != self.path or len(expression.places) > 1:
                continue
            node, tree = expression.places[0][1], expression.parsed.tree
            for mutation, span, after in in_condition(tree) if tree is not None else ():
                start, end = node.offsets(span.start, span.end)
                yield Mutant(
                    mutation=mutation,
                    path=self.path,
                    location=expression.location(span),
                    rule=placed.rule,
                    before=node.text[span.start : span.end],
                    after=after,
                    start=start,
                    end=end,
                    written=node.spelling_of(after),
                )

    def _beside_conditions(self) -> Iterator[Mutant]:
        values = self.root.values if isinstance(self.root, YamlMapping) else {}
        for value in _values(values.get("inputs")):
            if isinstance(value, YamlMapping) and isinstance(given := value.get("default"), YamlScalar):
                yield from self._changed(Mutation.THRESHOLD, given, None, nudged_by_one(given.text))
        for value in _values(values.get("signals")):
            if isinstance(value, YamlMapping):
                yield from self._timers(value, None)
        listed = values.get("rules")
        rules = (
            [rule for rule in listed.items if isinstance(rule, YamlMapping)] if isinstance(listed, YamlSequence) else []
        )
        for rule in rules:
            name = rule.get("name")
            if not isinstance(name, YamlScalar) or _says_no(rule.get("enabled")):
                continue
            yield from self._timers(rule, name.text)
            yield from self._priority(rule, name.text, rules)
            yield from self._actions(rule, name.text)

    def _timers(self, node: YamlMapping, rule: str | None) -> Iterator[Mutant]:
        for key in _TIMERS:
            if isinstance(given := node.get(key), YamlScalar):
                yield from self._changed(Mutation.TIMER, given, rule, _scaled(given.text))

    def _priority(self, node: YamlMapping, rule: str, rules: Sequence[YamlMapping]) -> Iterator[Mutant]:
        """Yield the rule behind all others, or where it is last already, before them."""
        given, all_given = node.get("priority"), [_priority_of(one) for one in rules]
        if not isinstance(given, YamlScalar) or len(rules) < 2:
            return
        is_last = _priority_of(node) == min(all_given)
        yield from self._changed(
            Mutation.PRIORITY, given, rule, [str(max(all_given) + 1 if is_last else min(all_given) - 1)]
        )

    def _actions(self, node: YamlMapping, rule: str) -> Iterator[Mutant]:
        """Yield changed parameters of what the rule orders; what an effect says is nothing that a test can see."""
        several = node.get("actions")
        for ordered in [node, *(several.items if isinstance(several, YamlSequence) else [])]:
            action = ordered.get("action") if isinstance(ordered, YamlMapping) else None
            parameters = ordered.get("parameters") if isinstance(ordered, YamlMapping) else None
            if not isinstance(action, YamlScalar) or action.text not in self.directives:
                continue
            for value in _values(parameters):
                if isinstance(value, YamlScalar) and "${" not in value.text:
                    yield from self._changed(Mutation.PARAMETER, value, rule, _other_values(value))

    def _changed(
        self, mutation: Mutation, node: YamlScalar, rule: str | None, texts: Iterator[str] | Sequence[str]
    ) -> Iterator[Mutant]:
        for after in texts:
            start, end = node.offsets(0, len(node.text))
            yield Mutant(
                mutation=mutation,
                path=self.path,
                location=node.location(),
                rule=rule,
                before=node.text,
                after=after,
                start=start,
                end=end,
                written=node.spelling_of(after),
            )


def _other_values(node: YamlScalar) -> Iterator[str]:
    value = plain_value(node.text) if not node.style else node.text
    if isinstance(value, bool):
        yield "false" if value else "true"
    elif nudged := list(nudged_by_one(node.text)):
        yield from nudged
    elif node.text:
        yield f"{node.text}-changed"


def _values(node: YamlNode | None) -> Sequence[YamlNode]:
    return list(node.values.values()) if isinstance(node, YamlMapping) else []


def _priority_of(rule: YamlMapping) -> int:
    given = rule.get("priority")
    value = plain_value(given.text) if isinstance(given, YamlScalar) else 0
    return value if isinstance(value, int) else 0


def _says_no(node: YamlNode | None) -> bool:
    return isinstance(node, YamlScalar) and plain_value(node.text) is False


__all__ = ["Mutant", "Mutation", "RulesetText", "in_condition", "nudged_by_one"]
