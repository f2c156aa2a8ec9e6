"""What of a ruleset with errors is sound all the same: the rules and signals that no error is in, or behind."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping

from gpurules.diagnostics import Diagnostic, Severity
from gpurules.model import Kind
from gpurules.rules.files.merge import Merged, MergedRule
from gpurules.rules.rule import Rule, Signal
from gpurules.rules.yaml.nodes import YamlNode

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def words_of(merged: Merged) -> set[str]:
    """Return every word that rules, signals and definitions have: where there are errors, any may use a name."""
    signals, definitions = merged.sections["signals"].values(), merged.sections["define"].values()
    rules = (node for rule in merged.rules.values() for node in (*rule.nodes, *rule.values.values()))
    every = (*rules, *signals, *definitions)
    return {word for node in every for word in _WORD.findall(node.source.text, node.start, node.end)}


class Faults:
    """Where the errors stand."""

    def __init__(self, problems: Iterable[Diagnostic]) -> None:
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        self._places: dict[str | None, list[tuple[int, int]]] = {}
        for error in errors:
            self._places.setdefault(error.path, []).append((error.line, error.column))
        for places in self._places.values():
            places.sort()
        self.rules = {error.rule for error in errors if error.code != "GPR301"}
        """Rules with errors, by name; two with the same name are distinguished by the place of the error."""

    def are_within(self, node: YamlNode) -> bool:
        """Return whether one stands within *node*."""
        places = self._places.get(node.source.path)
        if not places:
            return False
        whole = node.source.location(node.start, max(node.end, node.start + 1))
        first = bisect_left(places, (whole.line, whole.column))
        return first < len(places) and places[first] < (whole.end_line, whole.end_column)


def sound_parts(
    merged: Merged, rules: Iterable[Rule], signals: Mapping[str, Signal], problems: Iterable[Diagnostic]
) -> tuple[tuple[Rule, ...], dict[str, Signal]]:
    """Return those of *rules* and *signals* in which, and in what they use, no error of *problems* is."""
    faults = Faults(problems)
    by_name: dict[str, list[MergedRule]] = {}
    for merged_rule in merged.rules.values():
        by_name.setdefault(merged_rule.name.text, []).append(merged_rule)
    kept = []
    for rule in rules:
        written = by_name[rule.name].pop(0)
        if rule.name not in faults.rules and not _is_faulty(written, faults) and _is_sound(rule, signals):
            kept.append(rule)
    names = {rule.signal for rule in kept}
    sound = {
        name: one for name, one in signals.items() if _is_known_signal(one) and (one.rule is None or name in names)
    }
    return tuple(kept), sound


def _is_faulty(written: MergedRule, faults: Faults) -> bool:
    return any(faults.are_within(node) for node in (*written.nodes, *written.values.values()))


def _is_sound(rule: Rule, signals: Mapping[str, Signal]) -> bool:
    own = signals.get(rule.signal) if rule.signal is not None else None
    return rule.term.datatype.kind is not Kind.ERROR and (own is None or _is_known_signal(own))


def _is_known_signal(signal: Signal) -> bool:
    terms = [signal.condition] if signal.until is None else [signal.condition, signal.until]
    return all(term.datatype.kind is not Kind.ERROR for term in terms)
