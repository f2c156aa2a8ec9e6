"""Why each rule did or did not match: with every part of its condition per GPU, and the shortest reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from gpurules.actions.explained import explanation_of
from gpurules.backends import ExplainedTerm, Facts, RuleTerm, SlotLayout, explain
from gpurules.backends.reasons import reason, unreported_fields
from gpurules.language.terms import ir
from gpurules.model import GPUIndex
from gpurules.model.units import format_duration
from gpurules.rules.explanation.drawing import draw
from gpurules.rules.rule import Rule, Signal

if TYPE_CHECKING:
    from gpurules.proofs import Counterfactual


class Explainable(Protocol):
    """What this module asks of a program."""

    all_rules: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    signals: Mapping[str, Signal]
    layout: SlotLayout | None
    terms: tuple[RuleTerm, ...]

    def effective(self, mask: int) -> list[int]:
        """Return the positions of the rules that matched."""
        ...

    def devices(self, position: int, facts: Facts) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which a rule is TRUE."""
        ...

    def in_scope(self, position: int, facts: Facts) -> Facts:
        """Return the facts that a rule looks at."""
        ...

    def truths(self, position: int, facts: Facts) -> list[bool | None]:
        """Return the value of a rule's condition for each GPU in its scope, or its one value."""
        ...


@dataclass(frozen=True)
class RuleExplanation:
    """Why one rule did or did not match.

    ``outcome`` is ``match``, ``no-match``, ``unknown`` or ``suppressed`` (then ``because`` says by what: ``stop``,
    ``shadow``, ``disabled`` or ``for``). ``condition`` is None for a disabled rule, and so are ``facts``: what the rule
    looked at.
    """

    rule: str
    outcome: str
    because: str | None
    devices: tuple[GPUIndex, ...]
    reason: str
    text: str
    condition: ExplainedTerm | None
    facts: Facts | None = field(default=None, repr=False, compare=False)
    signals: Mapping[str, Signal] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def nearest(self) -> "Counterfactual | None":
        """The smallest change of facts that flips whether the condition is TRUE; looked for when first asked.

        Missing: None where the condition does not decide (the rule is disabled, cut off by ``stop`` or waiting for its
        ``for``), where three changes are not enough, or where it was not found within the work cap.
        """
        return self.nearest_with(None)

    def nearest_with(self, outcome: str | None) -> "Counterfactual | None":
        """Return the smallest change of facts that leads to *outcome*: ``match``, ``no-match`` or ``unknown``.

        Missing: as ``nearest``; where *outcome* is None, what it is now is flipped.
        """
        if self.condition is None or self.facts is None or self.because in ("stop", "for"):
            return None
        from gpurules.proofs import (
            ExpectedTruth,
            find_counterfactual,  # few ask, and the prover takes longer to import than the rules
        )

        wants = {"match": ExpectedTruth.TRUE, "no-match": ExpectedTruth.FALSE, "unknown": ExpectedTruth.UNKNOWN}
        return find_counterfactual(self.condition.term, self.facts, self.signals, wants[outcome] if outcome else None)

    @cached_property
    def unreported(self) -> list[str]:
        """Which GPUs do not report what the condition reads, where the source said why."""
        return [] if self.condition is None or self.facts is None else unreported_fields(self.condition, self.facts)

    @property
    def has_history(self) -> bool:
        """Whether the rule was evaluated with the memory of earlier polls."""
        return self.facts is not None and self.facts.layout is not None

    def __str__(self) -> str:
        """Show it as ``gpurules explain`` prints it."""
        return draw(self)

    def __getstate__(self) -> dict[str, object]:
        """Give what another process needs: what follows from the facts instead of the facts."""
        optional = {"nearest": self.nearest, "unreported": self.unreported}
        return {**self.__dict__, **optional, "facts": None, "signals": {}}

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data."""
        return {
            "rule": self.rule,
            "outcome": self.outcome,
            "because": self.because,
            "devices": list(self.devices),
            "reason": self.reason,
            "unreported": self.unreported,
            "nearest": self.nearest.to_dict() if self.nearest else None,
            "condition": self.condition.to_dict() if self.condition else None,
        }


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """Why each rule of a ruleset did or did not match, in order of priority."""

    rules: tuple[RuleExplanation, ...]

    def rule(self, name: str) -> RuleExplanation:
        """Return the explanation of the rule *name*.

        Raises:
            KeyError: there is no such rule.
        """
        return explanation_of(self.rules, name)

    def held_back(self, names: frozenset[str]) -> "DecisionExplanation":
        """Return the explanation where those rules of *names* that match are held back by their cooldown."""
        return DecisionExplanation(tuple(
            replace(rule, outcome="suppressed", because="cooldown", reason="it started too recently")
            if rule.rule in names and rule.outcome == "match" else rule
            for rule in self.rules
        ))  # fmt: skip

    def __str__(self) -> str:
        """Show it as ``gpurules explain`` prints it."""
        return "\n\n".join(map(str, self.rules))

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON-ready data."""
        return {"rules": [rule.to_dict() for rule in self.rules]}


def explain_rules(program: Explainable, facts: Facts, mask: int) -> DecisionExplanation:
    """Return why each rule did or did not match; *mask* has the rules whose condition is TRUE."""
    effective = frozenset(program.effective(mask))
    positions = {rule.name: position for position, rule in enumerate(program.rules)}
    explained = []
    for rule in program.all_rules:
        position = positions.get(rule.name)
        if position is None:
            explained.append(
                RuleExplanation(rule.name, "suppressed", "disabled", (), "the rule is disabled", rule.text, None)
            )
        else:
            explained.append(_explain_rule(program, position, facts, (mask, effective)))
    return DecisionExplanation(tuple(explained))


def _explain_rule(
    program: Explainable, position: int, facts: Facts, matching: tuple[int, frozenset[int]]
) -> RuleExplanation:
    rule, scoped, signals = program.rules[position], program.in_scope(position, facts), _signals(program)
    mask, effective = matching
    is_true = bool(mask >> position & 1)
    term = program.terms[position].term
    tree = _named(explain(term, scoped), program.signals)
    devices = program.devices(position, facts) if is_true else ()
    if not is_true:
        return _not_true(program, position, (facts, scoped), tree)
    if position not in effective:
        because: str | None = "stop"
        why = f"a rule of higher priority has stop: true ({_stopper(program, mask, rule)})"
    elif rule.is_shadow:
        because, why = "shadow", f"it would match, but is in shadow mode: {reason(tree, scoped)}"
    else:
        because, why = None, reason(tree, scoped)
    outcome = "suppressed" if because else "match"
    return RuleExplanation(rule.name, outcome, because, devices, why, rule.text, tree, scoped, signals)


def _not_true(program: Explainable, position: int, facts: tuple[Facts, Facts], tree: ExplainedTerm) -> RuleExplanation:
    rule, (whole, scoped), signals = program.rules[position], facts, _signals(program)
    truths = program.truths(position, whole)
    outcome = "unknown" if None in truths else "no-match"
    why = reason(tree, scoped)
    waiting = _waiting(program, program.terms[position].term, scoped)
    if waiting is not None and outcome == "no-match":
        signal = program.signals[waiting]
        held = f"{signal.text.strip()} has not been TRUE for {signal.for_seconds:g} s yet"
        return RuleExplanation(rule.name, "suppressed", "for", (), held, rule.text, tree, scoped, signals)
    return RuleExplanation(rule.name, outcome, None, (), why, rule.text, tree, scoped, signals)


def _named(tree: ExplainedTerm, signals: Mapping[str, Signal]) -> ExplainedTerm:
    """Return *tree* with the rule's own signal shown as what it says: people have never seen its name."""
    signal = signals.get(tree.term.name) if isinstance(tree.term, ir.Signal) else None
    if signal is None or signal.rule is None:
        return tree
    parts = [" ".join(signal.text.split())]
    parts += [f"for {format_duration(signal.for_seconds)}"] if signal.for_seconds else []
    parts += [f"until {' '.join(signal.until_text.split())}"] if signal.until_text else []
    parts += [f"kept for {format_duration(signal.keep_for_seconds)}"] if signal.keep_for_seconds else []
    return replace(tree, text=", ".join(parts))


def _signals(program: Explainable) -> Mapping[str, Signal]:
    """Return the signals that have a state: without history there are none."""
    return {} if program.layout is None else program.signals


def _waiting(program: Explainable, term: ir.Term, facts: Facts) -> str | None:
    """Return the anonymous signal of a rule whose condition is TRUE now, but not for long enough."""
    if program.layout is None or not isinstance(term, ir.Signal):
        return None
    signal = program.signals[term.name]
    if signal.for_seconds and True in explain(signal.condition, facts).values:
        return signal.name
    return None


def _stopper(program: Explainable, mask: int, rule: Rule) -> str:
    stoppers: Sequence[str] = [
        other.name
        for position, other in enumerate(program.rules)
        if mask >> position & 1 and other.stop and not other.is_shadow and other.priority > rule.priority
    ]
    return stoppers[0]
