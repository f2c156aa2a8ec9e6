"""The series of a fact over time: ``70% 86%x12``, ``85+1x5``, ``_x3``, ``stale``, ``gone``."""

import re

from gpurules.errors import GpurulesError
from gpurules.model import QuantityError, parse_amount
from gpurules.ruletest.case import SeriesSample

MISSING, STALE, GONE = "_", "stale", "gone"
MAX_SAMPLES = 100_000
_REPEATED = re.compile(r"(.+?)x(\d{1,7})")
_STEPPED = re.compile(r"(-?\d[\d._]*)([^\d+\-]*)([+-])(\d[\d._]*)([^\d+\-]*)")


class SeriesError(GpurulesError):
    """A series cannot be read."""


def samples(text: str) -> tuple[SeriesSample, ...]:
    """Return the samples of a series: ``AxN`` is A, N times; ``A+BxN`` is N samples that rise by B.

    >>> [s.text for s in samples("70% 86%x2 85+1x3 _ gone")]
    ['70%', '86%', '86%', '85', '86', '87', '_', 'gone']

    Raises:
        SeriesError: it has a part that cannot be read, no sample, or too many.
    """
    found: list[SeriesSample] = []
    for part in str(text).split():
        repeated = _REPEATED.fullmatch(part)
        count = int(repeated[2]) if repeated else 1
        if len(found) + count > MAX_SAMPLES:
            raise SeriesError(f"the series has more than {MAX_SAMPLES:,} samples")
        stepped = _STEPPED.fullmatch(repeated[1]) if repeated else None
        if stepped:
            found += _rising(stepped, count)
        else:
            found += [SeriesSample(repeated[1] if repeated else part)] * count
    if not found:
        raise SeriesError("the series has no sample")
    return tuple(found)


def _rising(match: re.Match[str], count: int) -> list[SeriesSample]:
    start, unit, sign, step, step_unit = match.groups()
    try:
        first, by = parse_amount(start.lstrip("-")).value, parse_amount(step).value
    except QuantityError as error:
        raise SeriesError(str(error)) from None
    if step_unit and step_unit != unit:
        raise SeriesError(f"the step of {match[0]!r} must be in the unit of its start, {unit or 'none'}")
    first = -first if start.startswith("-") else first
    by = -by if sign == "-" else by
    return [SeriesSample(f"{first + n * by:.15g}{unit}") for n in range(count)]
