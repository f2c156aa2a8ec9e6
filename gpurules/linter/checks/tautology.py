"""GPR202: a condition that is never FALSE."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Need, Severity
from gpurules.linter.check import Subject, at_part, whole
from gpurules.linter.conditions.hour_windows import for_always
from gpurules.linter.meaning.analysis import Contingency
from gpurules.proofs import ExpectedTruth, TruthClaim

ABOUT = Code(
    code="GPR202",
    name="tautology",
    severity=Severity.WARNING,
    kind="meaning",
    summary="a condition that is TRUE whenever its facts are known",
    needs=Need.ANALYSIS,
    form=Form.CONDITION,
    avoid="gpu_utilization >= 0",
    prefer="gpu_utilization IS NOT MISSING",
    why="The condition looks like a test but is not one: it is TRUE whenever the fact is known. A plain "
    "`TRUE` is explicit, and is not reported.",
)


class Tautology:
    """A condition that is TRUE whenever its facts are known."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for one in analysis.examined if analysis else ():
            if (
                analysis is None
                or analysis.state(one) is not Contingency.ALWAYS
                or analysis.uses(one, (Contingency.ALWAYS,))
            ):
                continue
            hint = for_always(one.condition.term) or "remove it, or correct what it compares with"
            if analysis.is_impossible([TruthClaim(one.condition, ExpectedTruth.UNKNOWN, on_one=True)], [one.title]):
                message = "this is always TRUE"
            else:
                message = "this is always TRUE if its facts are known"
            yield at_part(ABOUT.code, one.placed, whole(one.placed), message, hint=hint)
