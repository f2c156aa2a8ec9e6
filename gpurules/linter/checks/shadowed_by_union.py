"""GPR304: a rule that several others cover together."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject
from gpurules.linter.meaning.analysis import Analysis, Covering, Shadow
from gpurules.linter.meaning.examples import example_of
from gpurules.linter.meaning.shadows import shadows
from gpurules.linter.reports.rule_pairs import at_rules, join_words
from gpurules.proofs import is_true

ABOUT = Code(
    code="GPR304",
    name="shadowed-by-union",
    severity=Severity.WARNING,
    kind="between-rules",
    summary="a rule that several other rules cover together",
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- {name: busy, condition: active_training, action: pause_transfer, priority: 9, stop: true}
- {name: idle, condition: NOT active_training, action: pause_transfer, priority: 9, stop: true}
- {name: hot, condition: gpu_temperature > 90, action: delay_transfer, parameters: {delay: 30s}}""",
    prefer="""\
- {name: hot, condition: gpu_temperature > 90, action: delay_transfer, parameters: {delay: 30s}, priority: 10}
- {name: busy, condition: active_training, action: pause_transfer, priority: 9, stop: true}
- {name: idle, condition: NOT active_training, action: limit_concurrency, parameters: {max_concurrency: 2}}""",
    why="Each of the other rules alone leaves cases in which this rule can match, but together they leave "
    "none. The finding lists a minimal set of such rules.",
)


class ShadowedByUnion:
    """A rule that several others cover together, though none does alone."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        if analysis is None:
            return
        for shadow in shadows(analysis):
            if len(shadow.by) < 2:
                continue
            name, others = shadow.rule.rule.name, join_words(f"`{other.rule.name}`" for other in shadow.by)
            if shadow.covering is Covering.STOPS:
                message = f"`{name}` is never evaluated: wherever it matches, one of {others} does and stops"
            else:
                message = (
                    f"`{name}` has no effect: wherever it matches, one of {others} has the same or a stronger effect"
                )
            yield self._found(shadow, message, analysis)

    def _found(self, shadow: Shadow, message: str, analysis: Analysis) -> Diagnostic:
        """Return the finding, with an assignment for which the rule matches and another one covers it."""
        claims = [is_true(shadow.rule.now)]
        found = analysis.find_witness(claims)
        found = analysis.minimize(found, claims) if found else None
        return at_rules(
            ABOUT.code,
            shadow.rule,
            shadow.by,
            message,
            hint=f"remove `{shadow.rule.rule.name}`, or narrow the others",
            witness=str(found.witness) if found else None,
            example=example_of(analysis, found, [*shadow.by, shadow.rule]) if found else None,
        )
