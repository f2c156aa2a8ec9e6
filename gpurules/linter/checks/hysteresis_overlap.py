"""GPR602: a condition and an ``until`` that can hold at once."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, at_part, beside, whole
from gpurules.linter.meaning.analysis import ActiveRule, Contingency
from gpurules.linter.meaning.examples import example_of, without_states
from gpurules.proofs import ExpectedTruth, ScopedCondition, TruthClaim

ABOUT = Code(
    code="GPR602",
    name="hysteresis-overlap",
    severity=Severity.ERROR,
    kind="hysteresis",
    summary="a condition and an `until` that can both be true",
    needs=Need.ANALYSIS,
    form=Form.FILE,
    avoid="""\
version: 1
name: example
signals:
  full: {condition: gpu_memory > 80, until: gpu_memory < 85}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    prefer="""\
version: 1
name: example
signals:
  full: {condition: gpu_memory > 80, until: gpu_memory < 75}
rules:
  - {name: hold, condition: full, action: pause_transfer}""",
    why="Between the two thresholds the signal should both start and end. A condition that is TRUE keeps "
    "the signal on, so `until` has no effect there; the thresholds were probably meant the other way "
    "round.",
)

_MOST_USERS = 3
"""How many rules that read the signal are named in a test of its witness."""


class HysteresisOverlap:
    """The condition of a signal and its ``until`` can be TRUE together."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is None:
            return
        states = {id(one.condition.term): analysis.state(one) for one in analysis.examined}
        for signal in analysis.ruleset.signals.values():
            start, until = (
                subject.expression_of(signal.condition),
                subject.expression_of(signal.until or signal.condition),
            )
            if signal.until is None or start is None or until is None:
                continue
            contingencies = {states.get(id(term)) for term in (signal.condition, signal.until)}
            if contingencies & {Contingency.NEVER, Contingency.ALWAYS, Contingency.UNKNOWN}:
                continue
            claims = [
                TruthClaim(ScopedCondition(term), ExpectedTruth.TRUE, on_one=True)
                for term in (signal.condition, signal.until)
            ]
            found = analysis.find_witness(claims, [signal.rule or signal.name])
            if found is not None:
                found = analysis.minimize(without_states(found, (signal.condition, signal.until)), claims)
                users = [one for one in analysis.active_rules if _reads(one, signal.name)][:_MOST_USERS]
                yield at_part(
                    ABOUT.code,
                    until,
                    whole(until),
                    "until and condition can both be true",
                    related=(beside(start, "the condition"),),
                    witness=str(found.witness),
                    example=example_of(analysis, found, users) if users else None,
                    hint="leave a gap between the two thresholds",
                )


def _reads(one: ActiveRule, signal: str) -> bool:
    return any(isinstance(part, ir.Signal) and part.name == signal for part in ir.walk(one.rule.term))
