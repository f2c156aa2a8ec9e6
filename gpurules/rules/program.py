"""A ruleset made ready to run: which rules match, in one number, and what follows from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

from gpurules.actions.action import is_directive
from gpurules.actions.decision import Basis, Decision, Outcome, decision_of, outcome_of
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD, EvaluationContext, Facts, SlotLayout
from gpurules.backends.python import Truths, arguments, result_of, truths_function
from gpurules.backends.specialization import MIN_INDEXED, MIN_LOOKED_UP, Residual, Specializer
from gpurules.backends.straight import MaskFunction, mask_functions
from gpurules.bitset import iter_bits
from gpurules.fields import Scope
from gpurules.gc_pause import gc_paused
from gpurules.language.terms import ir
from gpurules.model import GPUIndex, Snapshot, Transfer, Value, Workload
from gpurules.rules.explanation.explanation import DecisionExplanation, explain_rules
from gpurules.rules.rule import Settings
from gpurules.rules.rule_terms import RulesInForce, RuleTerms
from gpurules.rules.transfer_dependence import TransferDependence

MAX_OUTCOMES = 4096


def zone_of(name: str) -> tzinfo:
    """Return the time zone *name*; UTC where this machine does not know it (the loader has reported that)."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # most rulesets need none

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


class Program:
    """The enabled rules of a ruleset, compiled for one way of evaluation.

    With a *layout* signals and windows are read from derived state; without one a signal is its condition of this
    instant. ``reads_clock`` says that some rule reads how old the telemetry is, so that nothing can be decided ahead;
    ``is_of_node`` that nothing depends on transfer or workload, so that one decision does for all.
    ``outcomes`` are those that ``outcome`` has given, by their masks.
    Functions are compiled when they are first needed. Immutable but for caches that any thread may fill.
    """

    min_indexed = MIN_INDEXED
    """From how many rules on those that can be looked up are."""
    min_looked_up = MIN_LOOKED_UP
    """From how many rules on they are where a snapshot is asked about once."""

    def __init__(
        self, ruleset: RulesInForce, layout: SlotLayout | None = None, rule_terms: RuleTerms | None = None
    ) -> None:
        """Make the rules of *ruleset* ready; *rule_terms* are its, where they are at hand."""
        self.version = ruleset.version
        self.all_rules = tuple(ruleset.rules)
        self.signals = ruleset.signals
        self.settings = ruleset.settings
        self.layout = layout
        self.context = EvaluationContext(zone_of(self.settings.timezone), ruleset.file_types)
        self.conditions = {name: signal.condition for name, signal in self.signals.items()}
        self.rule_terms = rule_terms or RuleTerms(ruleset, layout is not None)
        self.rules, self.terms = self.rule_terms.rules, self.rule_terms.terms
        self.reads_clock = any(rule.reads.reads_clock for rule in self.terms)
        self.is_of_node = not any(rule.of_workload or rule.reads.is_contextual for rule in self.terms) and all(
            not is_directive(a.action) or a.action.is_static for rule in self.rules for a in rule.actions
        )
        self.outcomes: dict[int, Outcome] = {}
        self._masks: list[tuple[int, MaskFunction]] | None = None
        self._specializer: Specializer | None = None
        self._truths: dict[int, Truths] = {}

    @cached_property
    def node_fields(self) -> frozenset[str]:
        """The fields of the node that rules read of this instant; what only signals and windows read is left out."""
        return frozenset().union(*(rule.reads.node for rule in self.terms))

    def mask(self, facts: Facts) -> int:
        """Return the rules that are TRUE on *facts*: bit *i* is rule *i*."""
        if self.is_looked_up:
            base, residual = self._prepared().specialize(facts)
            return base if residual is None else residual(facts.transfer, facts.workload)
        return self._straight(arguments(facts))

    def bind(self, facts: Facts) -> "BoundProgram":
        """Return the program with all decided that *facts* decide but for the transfer and workload."""
        bound = BoundProgram(self, facts.snapshot, facts.node, facts.context)
        bound.rows, bound.node_row = facts.rows, facts.node_row
        bound.base, bound.residual = self._prepared().specialize(facts)
        return bound

    @cached_property
    def given_fields(self) -> tuple[str, ...]:
        """The fields of the node that rules read in any way: what is given for others changes nothing."""
        read = {field for rule in self.terms for field in ir.fields(rule.term)}
        return tuple(sorted(field.name for field in read if field.scope is Scope.NODE))

    def straight(self, bound: "BoundProgram", transfer: Transfer, workload: Workload) -> int:
        """Return the mask without any precomputation: cheapest for a single evaluation."""
        if self.is_looked_up:
            return self.mask(bound.facts_of(transfer, workload))
        snapshot = bound.snapshot
        given = (snapshot, snapshot.gpus, transfer, workload, bound.node, bound.context, bound.rows, bound.node_row)
        return self._straight(given)

    def _straight(self, given: tuple[Any, ...]) -> int:
        if self._masks is None:
            self._masks = mask_functions(self.terms, self.layout)
        mask = 0
        for first, function in self._masks:
            mask |= function(*given) << first
        return mask

    @cached_property
    def transfer_dependence(self) -> TransferDependence:
        """What decisions on transfers depend on."""
        return TransferDependence(self.terms, self.layout)

    def _prepared(self, before: "Program | None" = None) -> Specializer:
        if self._specializer is None:
            known = before._specializer if before is not None else None
            with gc_paused():
                self._specializer = Specializer(self.terms, self.layout, self.min_indexed, known)
        return self._specializer

    def prepare(self, before: "Program") -> None:
        """Make now what ``bind`` needs, and what *before* was asked for; what is the same is taken from there."""
        self._prepared(before)
        known = before.__dict__.get("transfer_dependence")
        if known is not None:
            self.transfer_dependence = TransferDependence(self.terms, self.layout, known)

    @property
    def is_looked_up(self) -> bool:
        """Whether there are so many rules, all indexable, that lookups are faster than compiling and running them."""
        return len(self.terms) >= self.min_looked_up and not self._prepared().is_compiled

    def outcome(self, mask: int) -> Outcome:
        """Return what follows from the rules in *mask*: those that a ``stop`` cuts off and shadows are left out."""
        outcome = self.outcomes.get(mask)
        if outcome is None:
            matching = [(i, self.rules[i]) for i in self.effective(mask) if not self.rules[i].is_shadow]
            outcome = outcome_of(matching, self.settings)
            if len(self.outcomes) >= MAX_OUTCOMES:
                self.outcomes.clear()
            self.outcomes[mask] = outcome
        return outcome

    def effective(self, mask: int) -> list[int]:
        """Return the positions of the rules in *mask* that no matching ``stop`` of higher priority cuts off."""
        kept: list[int] = []
        limit: int | None = None
        for position in iter_bits(mask):
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
        return facts.in_scope(facts.workload.gpu_devices) if self.terms[position].of_workload else facts

    def _compiled(self, position: int) -> Truths:
        truths = self._truths.get(position)
        if truths is None:
            rule = self.terms[position]
            truths = self._truths[position] = truths_function(rule.term, rule.per_gpu, self.layout)
        return truths


class BoundProgram:
    """A program on one snapshot: all that the snapshot decides has been decided. For any thread.

    ``base`` is the mask of the rules that match whatever the transfer; ``residual`` gives the whole mask for a
    transfer, and is None where no rule depends on it. ``shared`` is the decision for every transfer.
    Missing: ``shared`` is None where decisions differ, and before the first.
    """

    __slots__ = (
        "base",
        "bases",
        "context",
        "ends",
        "node",
        "node_row",
        "program",
        "residual",
        "rows",
        "shared",
        "snapshot",
        "stale_bases",
    )

    def __init__(
        self, program: Program, snapshot: Snapshot, node: Mapping[str, object], context: EvaluationContext
    ) -> None:
        self.program = program
        self.snapshot = snapshot
        self.node = node
        self.context = context
        self.rows: Sequence[tuple[Value, ...]] = ()
        self.node_row: tuple[Value, ...] = ()
        self.base = 0
        self.residual: Residual | None = None
        self.shared: Decision | None = None
        self.bases: dict[int, Basis] = {}
        self.stale_bases: dict[int, Basis] = {}
        self.ends: Callable[[], Mapping[tuple[str, str | None], float]] = dict

    source = "engine"

    @property
    def limits(self) -> Settings:
        """The settings that bound directives."""
        return self.program.settings

    @property
    def version(self) -> str:
        """The content hash of the ruleset."""
        return self.program.version

    @property
    def timestamp(self) -> float:
        """The time of the snapshot."""
        return self.snapshot.timestamp

    def mask(self, transfer: Transfer, workload: Workload) -> int:
        """Return the rules that are TRUE for a transfer."""
        return self.base if self.residual is None else self.residual(transfer, workload)

    def basis(self, mask: int, stale: bool = False) -> Basis:
        """Return what all decisions with this mask share."""
        bases = self.stale_bases if stale else self.bases
        basis = bases.get(mask)
        if basis is None:
            if len(bases) >= MAX_OUTCOMES:
                bases.clear()
            basis = bases[mask] = Basis(self.program.outcome(mask), self, stale)
            if self.program.is_of_node and mask == self.base and not stale:
                self.shared = decision_of(basis, NO_TRANSFER, NO_WORKLOAD)
        return basis

    def decide(self, transfer: Transfer, workload: Workload, stale: bool = False) -> Decision:
        """Return the decision for a transfer."""
        return decision_of(self.basis(self.mask(transfer, workload), stale), transfer, workload)

    def decide_straight(self, transfer: Transfer, workload: Workload, stale: bool = False) -> Decision:
        """Return the decision without any precomputation."""
        mask = self.program.straight(self, transfer, workload)
        return decision_of(Basis(self.program.outcome(mask), self, stale), transfer, workload)

    @property
    def facts(self) -> Facts:
        """The facts of the snapshot, without a transfer."""
        return self.facts_of(NO_TRANSFER, NO_WORKLOAD)

    def with_node(self, node: Mapping[str, object]) -> "BoundProgram":
        """Return the program on the same snapshot and derived state, with other facts of the node."""
        return self.program.bind(replace(self.facts, node=node))

    def facts_of(self, transfer: Transfer, workload: Workload) -> Facts:
        """Return the facts that a decision for the transfer looked at."""
        snapshot, layout = self.snapshot, self.program.layout
        return Facts(
            snapshot,
            snapshot.gpus,
            transfer,
            workload,
            self.node,
            self.context,
            layout,
            self.rows,
            self.node_row,
            {} if layout is None else self.program.conditions,
        )

    @property
    def standing(self) -> tuple[object, ...]:
        """What is equal for snapshots on which each transfer is decided on alike, while no workload changes."""
        opened, is_like_no_other = self.program.transfer_dependence.of(self.facts)
        return self.version, self.base, opened, self if is_like_no_other else None

    def devices(self, position: int, transfer: Transfer, workload: Workload) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which the rule at *position* is TRUE."""
        return self.program.devices(position, self.facts_of(transfer, workload))

    def explain(self, transfer: Transfer, workload: Workload) -> DecisionExplanation:
        """Return why each rule did or did not match."""
        facts = replace(self.facts_of(transfer, workload), ends=self.ends())
        return explain_rules(self.program, facts, self.program.mask(facts))
