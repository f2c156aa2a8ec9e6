"""The evaluation plan for history: the rules and signals of a ruleset, in evaluation order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from gpurules.backends.facts import EvaluationContext, SlotKey
from gpurules.engine.state.derived_state import layout_of
from gpurules.engine.state.signals import in_order
from gpurules.language.terms import ir
from gpurules.rules import Rule, Ruleset
from gpurules.rules.program import zone_of
from gpurules.rules.rule import Signal


@dataclass(frozen=True)
class KernelPlan:
    """A ruleset prepared for evaluation over history; it can be sent to another process."""

    ruleset: Ruleset

    @classmethod
    def of(cls, ruleset: Ruleset) -> "KernelPlan":
        """Return the plan of *ruleset*, without the parts that only decisions need."""
        rules = tuple([replace(rule, actions=(), annotations={}) for rule in ruleset.rules])
        lean = replace(
            ruleset, rules=rules, signals=dict(ruleset.signals), fields=dict(ruleset.fields), inputs={},
            mentioned=dict(ruleset.mentioned), diagnostics=(), built=None,
        )  # fmt: skip
        return cls(lean)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are enabled, in order of priority."""
        return tuple(rule for rule in self.ruleset.rules if rule.enabled)

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals, each after those that it reads."""
        return in_order(self.ruleset.signals)

    @cached_property
    def windows(self) -> dict[SlotKey, ir.Window]:
        """The functions over time that rules and signals read."""
        return dict(layout_of(self.ruleset)[1])

    @cached_property
    def context(self) -> EvaluationContext:
        """The context in which times and files are evaluated."""
        return EvaluationContext(zone_of(self.ruleset.settings.timezone), self.ruleset.file_types)

    def terms(self) -> Iterator[tuple[str, ir.Term]]:
        """Yield every condition with the name of its rule or signal."""
        for signal in self.signals:
            yield signal.name, signal.condition
            if signal.until is not None:
                yield signal.name, signal.until
        for rule in self.rules:
            yield rule.name, rule.term
