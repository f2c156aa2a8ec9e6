"""A ruleset: rules, signals and settings that belong together, ready to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from gpurules.actions.decision import Decision
from gpurules.diagnostics import Diagnostic
from gpurules.fields import Field
from gpurules.language import Input
from gpurules.language.terms import ir
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules.evaluator import EvaluateFunction, Evaluator
from gpurules.rules.program import Program
from gpurules.rules.reuse import BuiltRules
from gpurules.rules.rule import Rule, Settings, Signal


def _none() -> Mapping[str, object]:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Ruleset:
    """Rules that were loaded together, in order of priority, then of the file.

    ``version`` is a hash of what the ruleset says; ``diagnostics`` are the warnings it was loaded with.
    ``files`` are those that it was merged from, bases first; ``mentioned`` the definitions that messages name.
    ``built`` is what loading a changed text takes unchanged rules from.
    Missing: ``path`` is None where it was read from a text, ``built`` where the ruleset was not loaded.
    """

    name: str
    rules: tuple[Rule, ...]
    signals: Mapping[str, Signal]
    settings: Settings
    version: str
    description: str = ""
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType(dict[str, Field]()))
    file_types: tuple[tuple[str, str], ...] = ()
    inputs: Mapping[str, Input] = field(default_factory=lambda: MappingProxyType(dict[str, Input]()))
    diagnostics: tuple[Diagnostic, ...] = ()
    path: str | None = None
    files: tuple[str, ...] = ()
    mentioned: Mapping[str, ir.Term] = field(default_factory=lambda: MappingProxyType(dict[str, ir.Term]()))
    built: BuiltRules | None = field(default=None, repr=False)

    @cached_property
    def program(self) -> Program:
        """The rules compiled for evaluation without history."""
        return Program(self)

    @property
    def terms(self) -> tuple[ir.Term, ...]:
        """The conditions of all rules and signals, and what ends signals."""
        signals = self.signals.values()
        endings = (signal.until for signal in signals if signal.until is not None)
        return (*(rule.term for rule in self.rules), *(signal.condition for signal in signals), *endings)

    def rule(self, name: str) -> Rule | None:
        """Return the rule *name*, None if there is none."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def evaluate(
        self,
        snapshot: Snapshot,
        transfer: Transfer | None = None,
        workload: Workload | None = None,
        node: Mapping[str, object] | None = None,
    ) -> Decision:
        """Return the decision on one snapshot, without history: a signal equals its condition at that point in time.

        Missing: without *transfer* or *workload* their fields are missing; *node* gives node fields by hand.
        """
        return self._evaluator.evaluate(snapshot, transfer, workload, node)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self.program, self._adopt)

    def _adopt(self, evaluate: EvaluateFunction) -> None:
        """Have *evaluate* called itself, where a user calls the method: that is a fifth of the time of a decision."""
        if type(self).evaluate is Ruleset.evaluate:
            evaluate.__doc__ = Ruleset.evaluate.__doc__
            object.__setattr__(self, "evaluate", evaluate)
