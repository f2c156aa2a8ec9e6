"""GPR114: a cumulative counter compared with a constant."""

from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Form, Severity
from gpurules.linter.check import Subject, make_finding

ABOUT = Code(
    code="GPR114",
    name="counter-used-as-gauge",
    severity=Severity.WARNING,
    kind="counter",
    summary="a cumulative counter is compared with a constant",
    form=Form.CONDITION,
    avoid="gpu_energy > 10kJ",
    prefer="rate(gpu_energy[1m]) > 300W",
    why="A counter only grows (until the driver restarts): once above a constant, it stays there. Use its "
    "rate of increase instead.",
)


class CounterUsedAsGauge:
    """A counter that only grows, compared with a constant."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            field = comparison.field
            if field.counter:
                hint = f"use its increase: rate({field.name}[1m]) or increase({field.name}[1m])"
                message = f"{field.name} is a counter, which only grows"
                yield make_finding(ABOUT.code, comparison.placed, comparison.constant.span, message, hint)
