"""GPR109: equality on a measured real number."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.language.syntax.nodes import Comparator
from gpurules.linter.check import Subject, proved_fix
from gpurules.model import Kind

ABOUT = Code(
    code="GPR109",
    name="float-equality",
    severity=Severity.WARNING,
    kind="float-equality",
    summary="equality on a sampled real number",
    fix=Fix.UNSAFE,
    form=Form.CONDITION,
    avoid="gpu_power == 300W",
    prefer="gpu_power >= 300W",
    why="A sampled real number rarely equals a constant to the last bit. Whole degrees and counts can be "
    "compared for equality.",
)

_BOUNDS = (0, 100)


class FloatEquality:
    """``==`` or ``!=`` on a field that is measured as a real number."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            field, value = comparison.field, comparison.constant.value
            is_equality = comparison.comparator in (Comparator.EQ, Comparator.NE)
            if not is_equality or field.datatype.kind is not Kind.NUMBER or not field.is_sampled_real:
                continue
            if field.scope == "gpu" and not field.declared and value not in _BOUNDS:
                message = f"{field.name} is measured, and rarely {comparison.comparator} an exact number"
                hint = "compare with >= or <=, or BETWEEN"
                better = Comparator.GE if comparison.comparator is Comparator.EQ else Comparator.LT
                edits = comparison.with_comparator(better)
                finding = Finding(ABOUT.code, comparison.constant.span, message, hint, edits)
                yield proved_fix(finding, comparison.placed, subject)
