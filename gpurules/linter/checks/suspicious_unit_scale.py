"""GPR106: a literal whose scale is probably wrong for the field."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.conditions.scales import better_scale

ABOUT = Code(
    code="GPR106",
    name="suspicious-unit-scale",
    severity=Severity.WARNING,
    kind="scale",
    summary="a literal whose scale is probably wrong for the field",
    fix=Fix.UNSAFE,
    form=Form.CONDITION,
    avoid="gpu_memory > 0.8",
    prefer="gpu_memory > 80",
    why="Percentages range from 0 to 100, sizes are in bytes and clocks in hertz. A literal on a very "
    "different scale compiles, but is always true or always false. An explicit base unit (4000B) is "
    "suspicious too.",
)


class SuspiciousUnitScale:
    """A share where a percentage is expected, or a few bytes or hertz where gigabytes or megahertz are measured."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            better = better_scale(comparison)
            if better is not None:
                message = f"{comparison.constant.spelling} is suspiciously small for {comparison.field.name}"
                span = comparison.constant.span
                edits = replacing(span, better)
                yield proved_fix(
                    Finding(ABOUT.code, span, message, f"did you mean {better}?", edits), comparison.placed, subject
                )
