"""What the operators and functions of the language do with values; None is missing, and nothing raises."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.language.terms.patterns import globber, matcher
from gpurules.model import Truth, Value
from gpurules.model.reading import finite, sum_in_order

Number = int | float | None


def add(left: Number, right: Number) -> Number:
    """Return the sum, missing if either is or if it leaves the doubles."""
    return None if left is None or right is None else finite(left + right)


def subtract(left: Number, right: Number) -> Number:
    """Return the difference, missing if either is or if it leaves the doubles."""
    return None if left is None or right is None else finite(left - right)


def multiply(left: Number, right: Number) -> Number:
    """Return the product, missing if either is or if it leaves the doubles."""
    return None if left is None or right is None else finite(left * right)


def divide(left: Number, right: Number) -> Number:
    """Return the quotient, missing if either is, by zero, or if it leaves the doubles."""
    return None if left is None or right is None or right == 0 else finite(left / right)


ARITHMETIC: Mapping[Sign, Callable[[Number, Number], Number]] = {
    Sign.PLUS: add,
    Sign.MINUS: subtract,
    Sign.TIMES: multiply,
    Sign.OVER: divide,
}


def negative(value: Number) -> Number:
    """Return the opposite."""
    return None if value is None else -value


def _absolute(value: float) -> float:
    return abs(value)


def _rounded(value: float) -> int:
    whole = math.trunc(value)
    return whole + (1 if value > 0 else -1) if abs(value - whole) >= 0.5 else whole


def least(*values: Number) -> Number:
    """Return the smallest, missing if any is."""
    return None if None in values else min(v for v in values if v is not None)


def greatest(*values: Number) -> Number:
    """Return the largest, missing if any is."""
    return None if None in values else max(v for v in values if v is not None)


def coalesce(*values: Value) -> Value:
    """Return the first that is not missing."""
    return next((value for value in values if value is not None), None)


def _numeric(function: Callable[[float], int | float]) -> Callable[[Number], Number]:
    return lambda value: None if value is None else finite(function(value))


def _textual(function: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else function(text)


def length(text: str | None) -> int | None:
    """Return how many characters a text has."""
    return None if text is None else len(text)


SCALARS: Mapping[str, Callable[..., Value]] = {
    "abs": _numeric(_absolute),
    "round": _numeric(_rounded),
    "floor": _numeric(math.floor),
    "ceil": _numeric(math.ceil),
    "least": least,
    "greatest": greatest,
    "coalesce": coalesce,
    "lower": _textual(str.lower),
    "upper": _textual(str.upper),
    "length": length,
}
"""The scalar functions by name."""


def compare(comparator: Comparator, left: Value, right: Value) -> Truth:
    """Return how two values of one type compare, UNKNOWN if either is missing."""
    if left is None or right is None:
        return None
    match comparator:
        case Comparator.EQ:
            return left == right
        case Comparator.NE:
            return left != right
        case Comparator.LT:
            return left < right  # type: ignore[operator]
        case Comparator.LE:
            return left <= right  # type: ignore[operator]
        case Comparator.GT:
            return left > right  # type: ignore[operator]
        case Comparator.GE:
            return left >= right  # type: ignore[operator]


def member(subject: Value, members: Iterable[Value]) -> Truth:
    """Return whether *subject* equals one of *members*; with a missing member TRUE if found, else UNKNOWN."""
    if subject is None:
        return None
    known = list(members)
    if any(m is not None and m == subject for m in known):
        return True
    return None if None in known else False


def text_test(operator: TextOperator, subject: Value, pattern: Value) -> Truth:
    """Return whether *pattern* is found in *subject*, UNKNOWN if either is missing."""
    if not isinstance(subject, str) or not isinstance(pattern, str):
        return None
    match operator:
        case TextOperator.CONTAINS:
            return pattern in subject
        case TextOperator.STARTSWITH:
            return subject.startswith(pattern)
        case TextOperator.ENDSWITH:
            return subject.endswith(pattern)
        case TextOperator.GLOB:
            return globber(pattern)(subject)
        case TextOperator.MATCHES:
            return matcher(pattern)(subject)


def largest(values: Sequence[Number]) -> Number:
    """Return the largest of the values that are not missing, missing if none is left."""
    return max((v for v in values if v is not None), default=None)


def smallest(values: Sequence[Number]) -> Number:
    """Return the smallest of the values that are not missing, missing if none is left."""
    return min((v for v in values if v is not None), default=None)


def total(values: Sequence[Number]) -> Number:
    """Return the sum of the values that are not missing, missing if none is left."""
    known = [v for v in values if v is not None]
    return finite(sum_in_order(known)) if known else None


def mean(values: Sequence[Number]) -> Number:
    """Return the mean of the values that are not missing, missing if none is left."""
    known = [v for v in values if v is not None]
    return finite(sum_in_order(known) / len(known)) if known else None


def count_true(values: Sequence[Truth]) -> int:
    """Return how many are TRUE."""
    return sum(1 for v in values if v is True)


def all_true(values: Sequence[Truth]) -> Truth:
    """Return Kleene's AND of *values*, UNKNOWN over none: never vacuously true."""
    if not values or (None in values and False not in values):
        return None
    return False not in values


def any_true(values: Sequence[Truth]) -> Truth:
    """Return Kleene's OR of *values*, FALSE over none."""
    return True if True in values else None if None in values else False


AGGREGATES: Mapping[str, Callable[..., Value]] = {
    "any": any_true,
    "all": all_true,
    "count": count_true,
    "max": largest,
    "min": smallest,
    "avg": mean,
    "sum": total,
}
"""The aggregates by name: from the values of all GPUs in scope to one value."""
