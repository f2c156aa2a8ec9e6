"""A ruleset: rules, signals and settings that belong together, ready to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType, NoneType
from typing import Any, TypeAlias, cast

from gpurules.actions.decision import Decision
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD, EvaluationContext, Facts
from gpurules.diagnostics import Diagnostic
from gpurules.fields import Field
from gpurules.language import Input
from gpurules.language.terms import ir
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules.first_decision import DecisionFunction, first_decision_function
from gpurules.rules.program import BoundProgram, Program
from gpurules.rules.reuse import BuiltRules
from gpurules.rules.rule import Rule, Settings, Signal

First: TypeAlias = tuple[DecisionFunction, EvaluationContext]
"""What decides on a snapshot that has not been met."""


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

    _first: First | None = field(default=None, init=False, repr=False)

    @cached_property
    def program(self) -> Program:
        """The rules compiled for evaluation without history."""
        return Program(self.rules, self.signals, self.settings, (self.version, self.file_types))

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
        if transfer is None:
            transfer = NO_TRANSFER
        if workload is None:
            workload = NO_WORKLOAD
        cache = snapshot.cache
        if not cache:
            cache[self.version] = True
            decide, context = self._first or self._prepared()
            return decide(snapshot, snapshot.gpus, transfer, workload, node or NO_NODE, context)
        if node:
            return self._on_node(snapshot, transfer, workload, node)
        try:
            bound: BoundProgram = cache[self]  # type: ignore[assignment]
            residual = bound.residual
            mask = bound.base if residual is None else residual(transfer, workload)
            basis = bound.bases[mask]
        except KeyError:
            return self._again(snapshot, transfer, workload)
        decision = Decision()
        decision._basis, decision._transfer, decision._workload = basis, transfer, workload
        return decision

    def _prepared(self) -> First:
        """Have at hand what decides on a snapshot that has not been met."""
        program = self.program

        def decide_straight(snapshot: Snapshot, *given: Any) -> Decision:
            _, transfer, workload, node, _ = given
            return self._straight(snapshot, transfer, workload, node)

        found = first_decision_function(program) or decide_straight, program.context
        object.__setattr__(self, "_first", found)
        return found

    def _again(self, snapshot: Snapshot, transfer: Transfer, workload: Workload) -> Decision:
        """Decide on a snapshot that was asked about, or where other rules match than before.

        Most snapshots are asked about once, and some very often: all is prepared at the second time.
        """
        program, cache = self.program, snapshot.cache
        if self in cache:
            bound: BoundProgram = cache[self]  # type: ignore[assignment]
            return bound.decide(transfer, workload)
        if self.version not in cache:
            cache[self.version] = True
            return self._straight(snapshot, transfer, workload, NO_NODE)
        bound = program.bind(Facts(snapshot, snapshot.gpus, context=program.context))
        cache[self] = bound
        return bound.decide(transfer, workload)

    def _on_node(
        self, snapshot: Snapshot, transfer: Transfer, workload: Workload, node: Mapping[str, object]
    ) -> Decision:
        """Decide with facts of the node that are given; all is prepared when the same are given again in turn."""
        program, cache, key = self.program, snapshot.cache, (self, "node")
        given = [node.get(name) for name in program.given_fields]
        before, bound = cast(tuple[list[object], BoundProgram | None], cache.get(key, ((), None)))
        if len(before) != len(given) or not all(map(_is_same, before, given)):
            cache[key] = given, None
            return self._straight(snapshot, transfer, workload, node)
        if bound is None:
            bound = program.bind(Facts(snapshot, snapshot.gpus, node=dict(node), context=program.context))
            cache[key] = given, bound
        return bound.decide(transfer, workload)

    def _straight(
        self, snapshot: Snapshot, transfer: Transfer, workload: Workload, node: Mapping[str, object]
    ) -> Decision:
        program = self.program
        return BoundProgram(program, snapshot, node, program.context).decide_straight(transfer, workload)


def _is_same(before: object, now: object) -> bool:
    """Return whether two facts are surely one: ``1`` is not ``True``, and what can change is never the same."""
    return type(before) is type(now) and type(now) in _PLAIN and before == now


_PLAIN = frozenset({NoneType, bool, int, float, str})
