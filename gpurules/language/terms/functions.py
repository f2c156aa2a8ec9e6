"""The functions of the language, as data: what each takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Functions of one family are typed alike."""

    NUMERIC = "number to number of the same dimension"
    TEXT = "string to string"
    LENGTH = "string to number"
    SAME = "values of one dimension to one of them"
    COALESCE = "values of one type to one of them"
    TRUTHS = "aggregate of a condition to bool"
    COUNT = "aggregate of a condition to a number"
    NUMBERS = "aggregate of a number to a number"
    WINDOW = "a window to a number"


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Missing: ``most`` None: any number of arguments. ``samples`` is how many samples a window needs at least.
    """

    name: str
    family: Family
    least: int
    most: int | None
    signature: str
    summary: str
    samples: int = 1

    @property
    def needs_two(self) -> bool:
        """Whether a window with one sample is missing."""
        return self.samples > 1

    @property
    def is_aggregate(self) -> bool:
        """Whether it looks at all GPUs in scope."""
        return self.family in (Family.TRUTHS, Family.COUNT, Family.NUMBERS)


_N, _T, _W = Family.NUMERIC, Family.TEXT, Family.WINDOW

_TABLE = (
    Function("abs", _N, 1, 1, "abs(x)", "absolute value"),
    Function("round", _N, 1, 1, "round(x)", "the nearest integer, halves away from zero"),
    Function("floor", _N, 1, 1, "floor(x)", "the integer at or below"),
    Function("ceil", _N, 1, 1, "ceil(x)", "the integer at or above"),
    Function("least", Family.SAME, 2, None, "least(x, y, …)", "the smallest; missing if any is"),
    Function("greatest", Family.SAME, 2, None, "greatest(x, y, …)", "the largest; missing if any is"),
    Function("coalesce", Family.COALESCE, 1, None, "coalesce(x, y, …)", "the first that is not missing"),
    Function("lower", _T, 1, 1, "lower(text)", "the string in lower case"),
    Function("upper", _T, 1, 1, "upper(text)", "the string in upper case"),
    Function("length", Family.LENGTH, 1, 1, "length(text)", "number of characters"),
    Function("any", Family.TRUTHS, 1, 1, "any(condition)", "whether it holds on some GPU"),
    Function("all", Family.TRUTHS, 1, 1, "all(condition)", "whether it holds on every GPU; unknown over none"),
    Function("count", Family.COUNT, 1, 1, "count(condition)", "number of GPUs on which it holds"),
    Function("max", Family.NUMBERS, 1, 1, "max(x)", "the largest value over the GPUs that report it"),
    Function("min", Family.NUMBERS, 1, 1, "min(x)", "the smallest value over the GPUs that report it"),
    Function("avg", Family.NUMBERS, 1, 1, "avg(x)", "the mean over the GPUs that report it"),
    Function("sum", Family.NUMBERS, 1, 1, "sum(x)", "the sum over the GPUs that report it"),
    Function("avg_over_time", _W, 1, 1, "avg_over_time(field[1m])", "the mean of the samples"),
    Function("max_over_time", _W, 1, 1, "max_over_time(field[1m])", "the largest sample"),
    Function("min_over_time", _W, 1, 1, "min_over_time(field[1m])", "the smallest sample"),
    Function("sum_over_time", _W, 1, 1, "sum_over_time(field[1m])", "the sum of the samples"),
    Function("count_over_time", _W, 1, 1, "count_over_time(field[1m])", "number of samples"),
    Function("stddev_over_time", _W, 1, 1, "stddev_over_time(field[1m])", "the population standard deviation"),
    Function("last_over_time", _W, 1, 1, "last_over_time(field[1m])", "the latest sample"),
    Function("quantile_over_time", _W, 2, 2, "quantile_over_time(0.95, field[5m])", "the quantile of the samples"),
    Function("delta", _W, 1, 1, "delta(field[1m])", "the last sample minus the first", 2),
    Function("rate", _W, 1, 1, "rate(counter[1m])", "increase per second; a decrease counts as a reset", 2),
    Function("increase", _W, 1, 1, "increase(counter[1m])", "the sum of the rises; a decrease counts as a reset", 2),
    Function("deriv", _W, 1, 1, "deriv(field[1m])", "the slope per second, by least squares", 2),
    Function("changes", _W, 1, 1, "changes(field[1m])", "how often a sample differs from the one before it"),
    Function(
        "predict_linear",
        _W,
        2,
        2,
        "predict_linear(field[2m], 60s)",
        "the value after that time, predicted by least squares",
        2,
    ),
)

FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _TABLE}
"""Every function by its name."""
