"""GPR205: an arm of an OR that can never be TRUE."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Need, Severity
from gpurules.linter.check import Subject, proved_fix
from gpurules.linter.conditions.hour_windows import for_never, spelling_hint
from gpurules.linter.reports.redundancy import redundancies

ABOUT = Code(
    code="GPR205",
    name="unreachable-branch",
    severity=Severity.WARNING,
    kind="meaning",
    summary="an arm of an OR that can never be TRUE",
    fix=Fix.SAFE,
    needs=Need.ANALYSIS,
    form=Form.CONDITION,
    avoid="gpu_throttled OR (gpu_memory > 90 AND gpu_memory < 10)",
    prefer="gpu_throttled OR any(gpu_memory > 90)",
    why="This arm of the OR can never be TRUE given the conditions around it. Probably something else was meant.",
)


class UnreachableBranch:
    """An arm of an OR that can never be TRUE where it matters."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for part in redundancies(subject):
            if not part.by:
                message = "this arm of the OR can never be TRUE" + (" here" if part.junction.context else "")
                term = next(one.term for one in part.junction.parts if one.node.span == part.span)
                meant = spelling_hint(term) or for_never([term])
                edits = part.edits if meant is None else ()  # to remove it would bury what was meant
                finding = Finding(ABOUT.code, part.span, message, meant or "correct or remove it", edits, bool(edits))
                yield proved_fix(finding, part.one.placed, subject)
