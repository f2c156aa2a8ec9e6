"""Findings about two rules: at the condition of one, with the conditions of the others beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Unpack

from gpurules.diagnostics import Diagnostic, LocatedEdit
from gpurules.linter.analysis import Standing
from gpurules.linter.check import More, Subject, at_part, at_rule, beside, whole
from gpurules.rules.yaml_edits import without_item
from gpurules.rules.yaml_nodes import YamlSequence

_MOST_PLACES = 6


def said(one: Standing) -> str:
    """Return what a rule orders, as the label of its condition: ``pause_transfer (priority 50)``.

    >>> from gpurules.linter.reporting import listed
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    actions = listed(action.name for action in one.rule.actions) or "no action"
    return f"{actions} (priority {one.rule.priority}{', stops' if one.rule.stop else ''})"


def listed(words: Iterable[str]) -> str:
    """Return words in a row, the last two with "and"."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def at_rules(code: str, one: Standing, others: Sequence[Standing], message: str, **more: Unpack[More]) -> Diagnostic:
    """Return a finding at the condition of a rule, with those of others."""
    related = tuple(
        beside(other.placed, f"`{other.rule.name}`: {said(other)}")
        for other in others[:_MOST_PLACES]
        if other.placed is not None
    )
    more.setdefault("related", related)
    more.setdefault("label", said(one))
    if one.placed is None:
        return replace(at_rule(code, one.rule, message), **more)
    return at_part(code, one.placed, whole(one.placed), message, **more)


def removal(subject: Subject, name: str) -> tuple[LocatedEdit, ...]:
    """Return the edit that takes a rule out of the list of rules; none where it is the only one."""
    node, rules = subject.rule_nodes.get(name), subject.root.get("rules") if subject.root else None
    if node is None or not isinstance(rules, YamlSequence):
        return ()
    return without_item(rules, rules.items.index(node))
