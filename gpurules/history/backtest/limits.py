"""Parses limits on the behavior of a rule or signal, such as ``hot.flaps_per_hour > 1``."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpurules.errors import GpurulesError
from gpurules.history.backtest.result import RulesetResult
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.registry import did_you_mean

MEASURES: Mapping[str, Callable[[RuleTally], float | None]] = {
    "on_share": lambda tally: tally.on_share,
    "unknown_share": lambda tally: tally.unknown_share,
    "episodes": lambda tally: len(tally.episodes),
    "flaps": lambda tally: tally.flaps,
    "flaps_per_hour": lambda tally: tally.flaps_per_hour,
    "median_seconds": lambda tally: tally.lengths["median"],
    "p95_seconds": lambda tally: tally.lengths["p95"],
    "max_seconds": lambda tally: tally.lengths["max"],
}
"""What can be limited, by its name."""
COMPARATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FORM = re.compile(
    r"\s*(?P<name>.+)\.(?P<measure>\w+)\s*(?P<comparator><=|>=|==|!=|<|>)\s*(?P<value>[-+\d.eE]+)(?P<unit>%|s|m|h)?\s*"
)
_SCALES = {"%": 0.01, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class LimitError(GpurulesError):
    """A text is not a limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A measure of a rule or signal, compared with a number."""

    text: str
    name: str
    measure: str
    comparator: str
    value: float

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Parse a limit.

        Raises:
            LimitError: *text* is not a limit.

        >>> Limit.parse("heat.on_share <= 5%").value
        0.05
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise LimitError(f"{text!r} is not a limit; write NAME.MEASURE > NUMBER, as in 'hot.flaps_per_hour > 1'")
        measure = found["measure"]
        if measure not in MEASURES:
            hint = did_you_mean(measure, MEASURES) or f"known measures: {', '.join(MEASURES)}"
            raise LimitError(f"unknown measure {measure!r} in {text!r}; {hint}")
        try:
            value = float(found["value"]) * _SCALES[found["unit"]]
        except ValueError:
            raise LimitError(f"{found['value']!r} in {text!r} is not a number") from None
        return cls(text.strip(), found["name"].strip(), measure, found["comparator"], value)

    def check_name(self, result: RulesetResult) -> None:
        """Make sure that the rule or signal of the limit exists.

        Raises:
            LimitError: it does not.
        """
        names = [*result.rules, *result.signals]
        if self.name not in names:
            hint = did_you_mean(self.name, names) or f"known names: {', '.join(names)}"
            raise LimitError(f"no rule or signal is named {self.name!r} in {self.text!r}; {hint}")

    def measurement(self, tally: RuleTally) -> float | None:
        """Return the limited measure; missing if there is nothing to measure."""
        return MEASURES[self.measure](tally)

    def holds(self, tally: RuleTally) -> bool | None:
        """Return whether the comparison is true; None if there is nothing to measure."""
        measured = self.measurement(tally)
        return None if measured is None else COMPARATORS[self.comparator](measured, self.value)

    def of(self, result: RulesetResult) -> RuleTally:
        """Return the tally that the limit is on; if a rule and a signal share the name, that of the signal."""
        self.check_name(result)
        return result.signals.get(self.name) or result.rules[self.name]
