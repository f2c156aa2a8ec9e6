"""Examples: a witness as a case that a rule test can have, with the outcomes of rules."""

from collections.abc import Sequence
from dataclasses import replace

from gpurules.diagnostics import Example
from gpurules.language.terms import ir
from gpurules.linter.meaning.analysis import ActiveRule, Analysis, example
from gpurules.proofs import Sat, evaluate

_OUTCOMES = {True: "suppressed", False: "no-match", None: "unknown"}
"""What a rule is that is not among those that match, by the truth of its condition."""


def example_of(analysis: Analysis, found: Sat, rules: Sequence[ActiveRule]) -> Example | None:
    """Return a witness as a case that a rule test can have, with the outcomes of *rules*; None if it has memory."""
    shown, witness = example(found), found.witness
    if shown is None:
        return None
    decision = analysis.ruleset.evaluate(witness.snapshot, witness.transfer, witness.workload, witness.node)
    outcomes = (
        (one.rule.name, "match" if one.rule.name in decision.rules else _OUTCOMES[evaluate(one.now, witness.facts)])
        for one in rules
    )
    return Example(shown.given, tuple(outcomes))


def without_states(found: Sat, conditions: Sequence[ir.Term]) -> Sat:
    """Return a witness without the states of signals, if none of *conditions*, which it is about, reads any."""
    if any(isinstance(part, ir.Signal | ir.Window) for condition in conditions for part in ir.walk(condition)):
        return found
    known = tuple(fact for fact in found.witness.known if not isinstance(fact.term, ir.Signal | ir.Window))
    return Sat(replace(found.witness, known=known))
