"""Finds rules that were built before from the same keys in the same environment, and keeps those that are built."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.actions import Action
from gpurules.language import Checked, Environment
from gpurules.model import ERROR
from gpurules.registry import Registry
from gpurules.rules.building.expression import Expression, Placed
from gpurules.rules.files.merge import Merged, MergedRule
from gpurules.rules.reuse import BuiltRule, BuiltRules, ParsedText
from gpurules.rules.rule import Rule, Signal
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar
from gpurules.strict_json import canonical

_SECTIONS = ("fields", "define", "signals", "inputs")


def environment_of(merged: Merged, actions: Registry[Action], broken: frozenset[str]) -> object:
    """Return everything beside its own keys that decides what a rule is built to."""
    sections = [(name, content_of(node)) for section in _SECTIONS for name, node in merged.sections[section].items()]
    counts = tuple(len(merged.sections[section]) for section in _SECTIONS)
    given = [(name, content_of(node)) for name, node in merged.given.items()]
    return tuple(actions), counts, tuple(sections), tuple(given), broken


def content_of(node: YamlNode) -> object:
    """Return what *node* says, without its place: equal for nodes from which equal things are built."""
    if isinstance(node, YamlScalar):
        return node.text, node.style
    if isinstance(node, YamlMapping):
        return YamlMapping, tuple([(key, content_of(value)) for key, value in node.values.items()])
    return (list, *[content_of(item) for item in node.items])


def _content_of_rule(merged: MergedRule) -> object:
    values = merged.values.items()
    return merged.name.source.path, tuple([(key, content_of(value)) for key, value in values])


class RuleReuse:
    """The rules of the previous build, and those of this one."""

    def __init__(self, environment: object, previous: BuiltRules | None) -> None:
        is_same = previous is not None and previous.environment == environment
        self._known = previous.rules if previous is not None and is_same else {}
        self._rules: dict[str, BuiltRule] = {}
        self.built = BuiltRules(environment, self._rules)

    def find(self, merged: MergedRule, environment: Environment) -> BuiltRule | None:
        """Return the rule as it was built before, at its present place; None where it has to be built."""
        name = merged.name.text
        known = self._known.get(name)
        if known is None or name in self._rules or known.written != _content_of_rule(merged):
            return None
        if not environment.take_terms(known.terms):
            return None
        place, rule = merged.name.location(), known.rule
        if (place.line, place.column) != (rule.line, rule.column):
            known = replace(known, rule=replace(rule, line=place.line, column=place.column))
        self._rules[name] = known
        return known

    def keep(
        self,
        merged: MergedRule,
        rule: Rule,
        made: tuple[tuple[tuple[ParsedText, Checked], ...], Signal | None, frozenset[str], frozenset[str], int],
    ) -> None:
        """Keep a rule that was built without findings, unless something that it uses is wrong."""
        if not any(checked.term.datatype == ERROR for _, checked in made[0]):
            self._rules.setdefault(rule.name, BuiltRule(_content_of_rule(merged), rule, *made, canonical_rule(rule)))


def placed_again(known: BuiltRule, merged: MergedRule) -> Iterator[Placed]:
    """Yield the expressions of a rule that was built before, at their present places."""
    nodes = [merged.values.get("condition"), merged.values.get("until")]
    for (content, checked), node in zip(known.conditions, nodes, strict=False):
        assert isinstance(node, YamlScalar), "a rule that was built has a condition"
        yield Placed(Expression(content, ((0, node),)), checked, known.rule.name)


def canonical_rule(rule: Rule) -> str:
    """Return what the version of a ruleset hashes of a rule: what it says, not how it is laid out."""
    content = [
        rule.name,
        " ".join(rule.text.split()),
        rule.priority,
        rule.enabled,
        rule.gpus,
        rule.stop,
        rule.cooldown,
        rule.mode,
        dict(rule.annotations),
        *([action.name, sorted(map(str, action.parameters.items()))] for action in rule.actions),
    ]
    return canonical(content, default=str)
