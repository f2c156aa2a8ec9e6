"""Findings about two rules: at the condition of one, with the conditions of the others as related places."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Unpack

from gpurules.diagnostics import Diagnostic, LocatedEdit
from gpurules.linter.check import More, Subject, at_part, at_rule, beside, whole
from gpurules.linter.meaning.analysis import ActiveRule
from gpurules.rules.yaml import YamlSequence, without_item

_MOST_PLACES = 6


def describe_actions(one: ActiveRule) -> str:
    """Return what a rule orders, as the label of its condition: ``pause_transfer (priority 50)``.

    >>> from gpurules.linter.reports.rule_pairs import join_words
    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    actions = join_words(action.name for action in one.rule.actions) or "no action"
    return f"{actions} (priority {one.rule.priority}{', stops' if one.rule.stop else ''})"


def join_words(words: Iterable[str]) -> str:
    """Return words in a row, the last two with "and"."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def at_rules(
    code: str, one: ActiveRule, others: Sequence[ActiveRule], message: str, **more: Unpack[More]
) -> Diagnostic:
    """Return a finding at the condition of a rule, with those of others."""
    related = tuple(
        beside(other.placed, f"`{other.rule.name}`: {describe_actions(other)}")
        for other in others[:_MOST_PLACES]
        if other.placed is not None
    )
    more.setdefault("related", related)
    more.setdefault("label", describe_actions(one))
    if one.placed is None:
        return replace(at_rule(code, one.rule, message), **more)
    return at_part(code, one.placed, whole(one.placed), message, **more)


def removal(subject: Subject, name: str) -> tuple[LocatedEdit, ...]:
    """Return the edit that takes a rule out of the list of rules; none where it is the only one."""
    node, rules = subject.rule_nodes.get(name), subject.root.get("rules") if subject.root else None
    if node is None or not isinstance(rules, YamlSequence):
        return ()
    return without_item(rules, rules.items.index(node))
