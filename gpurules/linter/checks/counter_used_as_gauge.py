"""GPR114: a cumulative counter compared with a constant."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, make_finding


class CounterUsedAsGauge:
    """A counter that only grows, compared with a constant.

    **Avoid.** ``gpu_energy > 10kJ``.
    **Prefer.** ``rate(gpu_energy[1m]) > 300W``.
    **Why.** Sooner or later a counter exceeds every constant, and then the rule matches for ever.
    """

    code = "GPR114"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for comparison in subject.comparisons:
            field = comparison.field
            if field.counter:
                hint = f"watch its growth: rate({field.name}[1m]) or delta({field.name}[1m])"
                message = f"{field.name} is a counter that only grows"
                yield make_finding(self.code, comparison.placed, comparison.constant.span, message, hint)
