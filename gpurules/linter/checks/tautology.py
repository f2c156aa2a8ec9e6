"""GPR202: a condition that is never FALSE."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_part, whole
from gpurules.linter.conditions.hour_windows import for_always
from gpurules.linter.meaning.analysis import Contingency
from gpurules.proofs import Claim, ExpectedTruth


class Tautology:
    """A condition that is TRUE whenever its facts are known.

    **Avoid.** ``gpu_utilization >= 0``.
    **Prefer.** The threshold that was meant; ``NOT (gpu_utilization IS MISSING)`` if it is about being known.
    **Why.** It looks like a test and is none.
    """

    code = "GPR202"

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
            if analysis.is_impossible([Claim(one.condition, ExpectedTruth.UNKNOWN, on_one=True)], [one.title]):
                message = "this is always TRUE"
            else:
                message = "this is TRUE whatever its facts are, as long as they are known"
            yield at_part(self.code, one.placed, whole(one.placed), message, hint=hint)
