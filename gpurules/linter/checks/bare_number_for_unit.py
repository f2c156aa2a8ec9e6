"""GPR105: a quantity compared with a number that has no unit."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic, Finding
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.conditions.scales import better_scale
from gpurules.model import Dimension

UNITS = {
    Dimension.BYTES: "B",
    Dimension.BYTES_PER_SECOND: "B/s",
    Dimension.SECONDS: "s",
    Dimension.HERTZ: "Hz",
}
"""The canonical units of the dimensions that have many scales."""


class BareNumberForUnit:
    """A size, time, frequency or rate compared with a bare number.

    **Avoid.** ``transfer_size > 1000000``.
    **Prefer.** ``transfer_size > 1000000B``, or better ``transfer_size > 1MB``.
    **Why.** Who reads it cannot tell bytes from kilobytes. Percentages, celsius and watts have one scale and are fine.
    """

    code = "GPR105"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            unit, spelling = UNITS.get(comparison.field.datatype.dimension), comparison.constant.spelling
            if (
                unit is None
                or not spelling
                or not spelling[-1].isdigit()
                or ":" in spelling
                or not comparison.constant.value
                or better_scale(comparison) is not None  # another scale was meant: GPR106 says so, and asks
            ):
                continue
            message = f"{comparison.field.name} is in {comparison.field.datatype}, and {spelling} has no unit"
            edits = replacing(comparison.constant.span, spelling + unit)
            finding = Finding(self.code, comparison.constant.span, message, f"write {spelling}{unit}", edits, True)
            yield proved_fix(finding, comparison.placed, subject)
