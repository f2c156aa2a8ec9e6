"""A ruleset made ready to run: which rules match, in one number, and what follows from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gpurules.actions.decision import Decision, Outcome, outcome_of
from gpurules.backends.facts import Facts, Layout, Situation
from gpurules.backends.python import (
    RuleTerm,
    Truths,
    arguments,
    bind_functions,
    mask_functions,
    result_of,
    truths_function,
)
from gpurules.language import ir
from gpurules.language.lowering import inline_signals
from gpurules.model import GPUIndex, Transfer, Workload
from gpurules.rules.explanation import DecisionExplanation, explain_rules
from gpurules.rules.rule import Rule, Settings, Signal

MAX_OUTCOMES = 4096


def zone_of(name: str) -> tzinfo:
    """Return the time zone *name*; UTC where this machine does not know it (the loader has reported that)."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


class Program:
    """The enabled rules of a ruleset, compiled for one way of evaluation.

    With a *layout* signals and windows are read from derived state; without one a signal is its condition of this
    instant. Functions are compiled when they are first needed. Immutable but for caches that any thread may fill.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        signals: Mapping[str, Signal],
        settings: Settings,
        identity: tuple[str, tuple[tuple[str, str], ...]],
        layout: Layout | None = None,
    ) -> None:
        self.version, file_types = identity
        self.all_rules = tuple(rules)
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.signals = signals
        self.settings = settings
        self.layout = layout
        self.situation = Situation(zone_of(settings.timezone), file_types)
        conditions = {name: signal.condition for name, signal in signals.items()}
        self.terms: tuple[RuleTerm, ...] = tuple(
            RuleTerm(
                rule.term if layout is not None else inline_signals(rule.term, conditions),
                rule.per_gpu,
                rule.gpus == "workload",
            )
            for rule in self.rules
        )
        self._outcomes: dict[int, Outcome] = {}
        self._masks: list[Callable[..., int]] | None = None
        self._binds: list[Callable[..., Any]] | None = None
        self._truths: dict[int, Truths] = {}

    def mask(self, facts: Facts) -> int:
        """Return the rules that are TRUE on *facts*: bit *i* is rule *i*."""
        if self._masks is None:
            self._masks = mask_functions(self.terms, self.layout)
        given = arguments(facts)
        mask = 0
        for function in self._masks:
            mask |= function(*given)
        return mask

    def bind(self, facts: Facts) -> "Bound":
        """Return the program with all decided that *facts* decide but for the transfer and workload."""
        if self._binds is None:
            self._binds = bind_functions(self.terms, self.layout)
        base, residuals = 0, []
        for function in self._binds:
            settled, residual = function(
                facts.snapshot, facts.gpus, facts.node, facts.situation, facts.rows, facts.node_row
            )
            base |= settled
            if residual is not None:
                residuals.append(residual)
        return Bound(self, facts, base, tuple(residuals))

    def outcome(self, mask: int) -> Outcome:
        """Return what follows from the rules in *mask*: those that a ``stop`` cuts off and shadows are left out."""
        outcome = self._outcomes.get(mask)
        if outcome is None:
            matching = [(i, self.rules[i]) for i in self.effective(mask) if not self.rules[i].is_shadow]
            outcome = outcome_of(matching, self.settings)
            if len(self._outcomes) >= MAX_OUTCOMES:
                self._outcomes.clear()
            self._outcomes[mask] = outcome
        return outcome

    def effective(self, mask: int) -> list[int]:
        """Return the positions of the rules in *mask* that no matching ``stop`` of higher priority cuts off."""
        kept: list[int] = []
        limit: int | None = None
        while mask:
            position = (mask & -mask).bit_length() - 1
            mask &= mask - 1
            rule = self.rules[position]
            if limit is not None and rule.priority < limit:
                break
            kept.append(position)
            if rule.stop and not rule.is_shadow and limit is None:
                limit = rule.priority
        return kept

    def truths(self, position: int, facts: Facts) -> list[bool | None]:
        """Return the value of a rule's condition for each GPU in its scope, or its one value."""
        found = self._compiled(position)(*arguments(self.in_scope(position, facts)))
        return list(found)

    def devices(self, position: int, facts: Facts) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which a rule is TRUE."""
        rule = self.terms[position]
        if not rule.per_gpu:
            return ()
        return result_of(self._compiled(position), True, self.in_scope(position, facts)).devices

    def in_scope(self, position: int, facts: Facts) -> Facts:
        """Return *facts* with only the GPUs that the rule looks at."""
        return facts.scoped(facts.workload.gpu_devices) if self.terms[position].of_workload else facts

    def _compiled(self, position: int) -> Truths:
        truths = self._truths.get(position)
        if truths is None:
            rule = self.terms[position]
            truths = self._truths[position] = truths_function(rule.term, rule.per_gpu, self.layout)
        return truths

    @property
    def reads_clock(self) -> bool:
        """Whether some rule reads how old the telemetry is, so that nothing can be decided ahead."""
        return any(f.name == "telemetry_age" for rule in self.terms for f in ir.fields(rule.term))


class Bound:
    """A program on one snapshot: all that the snapshot decides has been decided. Immutable, for any thread."""

    __slots__ = ("base", "facts", "limits", "program", "residuals", "timestamp", "version")

    def __init__(
        self, program: Program, facts: Facts, base: int, residuals: tuple[Callable[[Transfer, Workload], int], ...]
    ) -> None:
        self.program = program
        self.facts = facts
        self.base = base
        self.residuals = residuals
        self.limits = program.settings
        self.version = program.version
        self.timestamp = facts.snapshot.timestamp

    def mask(self, transfer: Transfer, workload: Workload) -> int:
        """Return the rules that are TRUE for a transfer."""
        mask = self.base
        for residual in self.residuals:
            mask |= residual(transfer, workload)
        return mask

    def decide(self, transfer: Transfer, workload: Workload, stale: bool = False) -> Decision:
        """Return the decision for a transfer."""
        mask = self.base
        for residual in self.residuals:
            mask |= residual(transfer, workload)
        outcome = self.program._outcomes.get(mask)
        return Decision(outcome or self.program.outcome(mask), self, transfer, workload, stale)

    def decide_straight(self, transfer: Transfer, workload: Workload, stale: bool) -> Decision:
        """Return the decision with nothing decided ahead: for rules that read the clock."""
        mask = self.program.mask(self.facts_of(transfer, workload))
        return Decision(self.program.outcome(mask), self, transfer, workload, stale)

    def facts_of(self, transfer: Transfer, workload: Workload) -> Facts:
        """Return the facts that a decision for the transfer looked at."""
        return replace(self.facts, transfer=transfer, workload=workload)

    def devices(self, position: int, transfer: Transfer, workload: Workload) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which the rule at *position* is TRUE."""
        return self.program.devices(position, self.facts_of(transfer, workload))

    def explain(self, transfer: Transfer, workload: Workload) -> DecisionExplanation:
        """Return why each rule did or did not match."""
        facts = self.facts_of(transfer, workload)
        return explain_rules(self.program, facts, self.program.mask(facts))
