"""GPR109: equality on a measured real number."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.language.nodes import Comparator
from gpurules.linter.check import Subject, proved_fix
from gpurules.model import Kind

_BOUNDS = (0, 100)


class FloatEquality:
    """``==`` or ``!=`` on a field that is measured as a real number.

    **Avoid.** ``gpu_power == 300W``.
    **Prefer.** ``gpu_power >= 300W``, or ``gpu_power BETWEEN 295W AND 305W``.
    **Why.** A measurement hardly ever equals a number exactly. Whole degrees and counts are exempt, and so are the ends
    of a percentage (0 and 100).
    """

    code = "GPR109"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            field, value = comparison.field, comparison.constant.value
            is_equality = comparison.comparator in (Comparator.EQ, Comparator.NE)
            if not is_equality or field.datatype.kind is not Kind.NUMBER or not field.is_sampled_real:
                continue
            if field.scope == "gpu" and not field.declared and value not in _BOUNDS:
                message = f"{field.name} is measured, and hardly ever {comparison.comparator} an exact number"
                hint = "compare with >= or <=, or BETWEEN"
                better = Comparator.GE if comparison.comparator is Comparator.EQ else Comparator.LT
                edits = comparison.with_comparator(better)
                finding = Finding(self.code, comparison.constant.span, message, hint, edits)
                yield proved_fix(finding, comparison.placed, subject)
