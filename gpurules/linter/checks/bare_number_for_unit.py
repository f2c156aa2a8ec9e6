"""GPR105: a quantity compared with a number that has no unit."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Finding, Fix, Form, Severity
from gpurules.linter.check import Subject, proved_fix, replacing
from gpurules.linter.conditions.scales import better_scale
from gpurules.model import Dimension

ABOUT = Code(
    code="GPR105",
    name="bare-number-for-unit",
    severity=Severity.WARNING,
    kind="bare-number",
    summary="a quantity is compared with a number without a unit",
    fix=Fix.SAFE,
    form=Form.CONDITION,
    avoid="transfer_size > 1000000",
    prefer="transfer_size > 1MiB",
    why="Bytes, seconds, hertz and rates have many scales, so a bare number is ambiguous. Percentages, "
    "degrees and watts have only one, and can be bare.",
)

UNITS = {
    Dimension.BYTES: "B",
    Dimension.BYTES_PER_SECOND: "B/s",
    Dimension.SECONDS: "s",
    Dimension.HERTZ: "Hz",
}
"""The canonical units of the dimensions that have many scales."""


class BareNumberForUnit:
    """A size, time, frequency or rate compared with a bare number."""

    about = ABOUT

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
            finding = Finding(ABOUT.code, comparison.constant.span, message, f"write {spelling}{unit}", edits, True)
            yield proved_fix(finding, comparison.placed, subject)
