"""GPR106: a literal whose scale is probably wrong for the field."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.conditions.scales import better_scale


class SuspiciousUnitScale:
    """A share where a percentage is wanted, or a few bytes or hertz where gigabytes or megahertz are measured.

    **Avoid.** ``gpu_memory > 0.8``; ``gpu_memory_free < 4000``; ``gpu_clock_sm < 1200Hz``.
    **Prefer.** ``gpu_memory > 80``; ``gpu_memory_free < 4000MiB``; ``gpu_clock_sm < 1200MHz``.
    **Why.** The comparison is legal and all but constant: the rule always matches, or never.
    """

    code = "GPR106"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            better = better_scale(comparison)
            if better is not None:
                message = f"{comparison.constant.spelling} is very little for {comparison.field.name}"
                span = comparison.constant.span
                edits = replacing(span, better)
                yield proved_fix(
                    Finding(self.code, span, message, f"did you mean {better}?", edits), comparison.placed, subject
                )
