"""What the operators and functions of the language do with whole columns."""

from collections.abc import Callable, Mapping

import numpy as np

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar.columns import EXACT, Column, Groups, Mask, Numbers, Texts, Truths, as_column
from gpurules.language.syntax.nodes import Comparator, Sign
from gpurules.model import Kind, Value


def finite(found: Numbers) -> Numbers:
    """Return *found* with what left the doubles missing."""
    infinite = np.isinf(found)
    return np.where(infinite, np.nan, found) if infinite.any() else found


def within(found: Numbers) -> Numbers:
    """Return a sum or product, which is exact for integers only as far as doubles are."""
    if found.size and np.any(np.abs(found) > EXACT):
        raise UnsupportedError("arithmetic beyond 2**53 may be on integers, which doubles cannot say")
    return finite(found)


ARITHMETIC: Mapping[Sign, Callable[[Numbers, Numbers], Numbers]] = {
    Sign.PLUS: lambda a, b: within(a + b),
    Sign.MINUS: lambda a, b: within(a - b),
    Sign.TIMES: lambda a, b: within(a * b),
    Sign.OVER: lambda a, b: finite(np.where(b == 0, np.nan, a / b)),
}


def round_half_away(value: Numbers) -> Numbers:
    """Return whole numbers, half away from zero."""
    whole = np.trunc(value)
    return np.where(np.abs(value - whole) >= 0.5, whole + np.where(value > 0, 1.0, -1.0), whole)


SCALARS: Mapping[str, Callable[[Numbers], Numbers]] = {
    "abs": np.abs, "round": round_half_away, "floor": np.floor, "ceil": np.ceil,
}  # fmt: skip
EXTREMES: Mapping[str, np.ufunc] = {"least": np.minimum, "greatest": np.maximum}


def compare(comparator: Comparator, a: Numbers, b: Numbers) -> Truths:
    """Return how numbers compare."""
    match comparator:
        case Comparator.LT:
            return Truths(a < b, a >= b)
        case Comparator.LE:
            return Truths(a <= b, a > b)
        case Comparator.GT:
            return Truths(a > b, a <= b)
        case Comparator.GE:
            return Truths(a >= b, a < b)
        case Comparator.EQ:
            return Truths(a == b, (a < b) | (a > b))
        case Comparator.NE:
            return Truths((a < b) | (a > b), a == b)


def kleene_not(truths: Truths) -> Truths:
    """Return Kleene's negation."""
    return Truths(truths.false, truths.true)


def both(a: Truths, b: Truths) -> Truths:
    """Return Kleene's AND."""
    return Truths(a.true & b.true, a.false | b.false)


def either(a: Truths, b: Truths) -> Truths:
    """Return Kleene's OR."""
    return Truths(a.true | b.true, a.false & b.false)


def pairs(a: Texts, b: Texts, function: Callable[[str, str], bool]) -> Truths:
    """Return a test of two texts, which is asked once for each pair that comes up."""
    first, second = np.broadcast_arrays(a.codes, b.codes)
    known = (first >= 0) & (second >= 0)
    width = max(1, len(b.words))
    unique, places = np.unique(np.where(known, first.astype(np.int64) * width + second, -1), return_inverse=True)
    tests = [bool(code >= 0 and function(a.words[code // width], b.words[code % width])) for code in unique.tolist()]
    holds = np.array(tests, bool)[places].reshape(known.shape)
    return Truths(holds & known, ~holds & known)


def constant(value: Value, kind: Kind) -> Column:
    """Return one value, which broadcasts to every row."""
    match as_column([value], kind):
        case Truths(true, false):
            return Truths(true[0], false[0])
        case Texts(codes, words):
            return Texts(codes[0], words)
        case numbers:
            return np.asarray(numbers[0])


def text_codes(column: Column, texts: Texts) -> Numbers:
    """Return the number of each text; *column* has that of each word, and at its end that of a missing one."""
    assert not isinstance(column, Truths | Texts)
    return column[texts.codes]


def is_missing(column: Column) -> Mask:
    """Return where a value is missing (of a condition: UNKNOWN)."""
    match column:
        case Truths(true, false):
            return ~(true | false)
        case Texts(codes):
            return codes < 0
        case _:
            return np.isnan(column)


def coalesce(first: Column, second: Column) -> Column:
    """Return the first, and the second where that is missing."""
    missing = is_missing(first)
    match first, second:
        case Truths(), Truths():
            return Truths(np.where(missing, second.true, first.true), np.where(missing, second.false, first.false))
        case Texts(), Texts():
            shift = np.where(second.codes < 0, -1, second.codes + len(first.words))
            return Texts(np.where(missing, shift, first.codes).astype(np.int32), (*first.words, *second.words))
        case _:
            if isinstance(first, Truths | Texts) or isinstance(second, Truths | Texts):
                raise UnsupportedError("coalesce of two kinds")
            return np.where(missing, second, first)


def link(comparator: Comparator, a: Column, b: Column) -> Truths:
    """Return how two columns of one kind compare."""
    if isinstance(a, Truths) and isinstance(b, Truths):
        alike = either(both(a, b), both(kleene_not(a), kleene_not(b)))
        same = Truths(alike.true, (a.true & b.false) | (a.false & b.true))
    elif isinstance(a, Texts) and isinstance(b, Texts):
        same = pairs(a, b, lambda one, other: one == other)
    elif isinstance(a, Truths | Texts) or isinstance(b, Truths | Texts):
        raise UnsupportedError("a comparison of two kinds")
    else:
        return compare(comparator, a, b)
    return same if comparator is Comparator.EQ else kleene_not(same)


def over_groups(function: np.ufunc, numbers: Numbers, groups: Groups) -> Numbers:
    """Return what *function* makes of the rows of each snapshot.

    Missing: a snapshot without rows.
    """
    out = np.full(groups.count, np.nan)
    if len(groups.order):
        out[groups.filled] = function.reduceat(numbers[groups.order], groups.starts)
    return out
