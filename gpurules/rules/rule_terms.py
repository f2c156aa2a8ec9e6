"""The conditions of the rules in force as back ends take them; those of rules that stayed the same are kept.

A rule stayed the same where its condition is the object that it was, as loading a changed text leaves it, or where it
was built from the same keys in the same environment. Whatever is worked out of a rule alone hangs on that object, so
this is the one place that says what a reload takes from the program before.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Protocol

from gpurules.backends.python import RuleTerm
from gpurules.language.terms.lowering import inline_signals
from gpurules.rules.reuse import BuiltRules
from gpurules.rules.rule import Rule, Settings, Signal


class RulesInForce(Protocol):
    """What a program is made of, as a ruleset has it."""

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules, in order of priority."""
        ...

    @property
    def signals(self) -> Mapping[str, Signal]:
        """The signals by name."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings."""
        ...

    @property
    def version(self) -> str:
        """The content hash."""
        ...

    @property
    def file_types(self) -> tuple[tuple[str, str], ...]:
        """The types of files by glob."""
        ...

    @property
    def built(self) -> BuiltRules | None:
        """What the rules were built from. Missing: None where they were not loaded."""
        ...


class RuleTerms:
    """The conditions of the enabled rules of a ruleset, in order.

    With history, signals are read from derived state; without, a signal is its condition of this instant, put in place.
    """

    def __init__(self, ruleset: RulesInForce, has_history: bool = True, before: "RuleTerms | None" = None) -> None:
        """Take the conditions of *ruleset*; those of rules that are the same *before* are taken from there."""
        self.rules = tuple([rule for rule in ruleset.rules if rule.enabled])
        self._built = ruleset.built
        self._conditions = {} if has_history else {name: one.condition for name, one in ruleset.signals.items()}
        kept = before._kept(self) if before is not None and has_history and not before._conditions else {}
        self.terms = tuple([kept.get(rule.name) or self._made(rule) for rule in self.rules])

    def _made(self, rule: Rule) -> RuleTerm:
        term = inline_signals(rule.term, self._conditions) if self._conditions else rule.term
        return RuleTerm(term, rule.per_gpu, rule.gpus == "workload", rule.name)

    def _kept(self, after: "RuleTerms") -> dict[str, RuleTerm]:
        """Return the conditions of the rules that are still the same *after*, by name."""
        known = dict(zip(map(_NAME, self.rules), zip(self.rules, self.terms, strict=True), strict=True))
        old, new = self._built, after._built
        is_alike = old is not None and new is not None and old.environment == new.environment
        kept: dict[str, RuleTerm] = {}
        for rule in after.rules:
            was, term = known.get(rule.name, (None, None))
            if was is None or term is None or (was.per_gpu, was.gpus) != (rule.per_gpu, rule.gpus):
                continue
            if was.term is rule.term or (is_alike and _is_built_alike(was, old, rule, new)):
                kept[rule.name] = term
        return kept


_NAME = attrgetter("name")


def _is_built_alike(was: Rule, old: BuiltRules | None, rule: Rule, new: BuiltRules | None) -> bool:
    """Return whether two rules are what was built from the same keys."""
    before = old.rules.get(was.name) if old is not None else None
    after = new.rules.get(rule.name) if new is not None else None
    if before is None or after is None or before.rule is not was or after.rule is not rule:
        return False
    return before.written == after.written
