"""What was measured lately: bounded series per field and GPU, and the functions over them."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gpurules.backends.facts import series_name
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.model import Value
from gpurules.model.reading import finite, sum_in_order

MAX_SAMPLES = 131_072
"""The most samples that a series keeps (a week at one in 5 s); older ones are forgotten first."""

NODE = ""
"""The owner of the series of node fields."""


@dataclass(slots=True)
class Series:
    """The samples of one field of one owner, oldest first.

    Units: ``times`` in seconds since 1970.
    """

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, time: float, value: float, keep_seconds: float) -> None:
        """Add a sample, and forget what is as old as *keep_seconds*."""
        self.times.append(time)
        self.values.append(value)
        self.forget(time - keep_seconds)

    def forget(self, until: float) -> None:
        """Forget the samples up to *until*; what is due is collected so that forgetting stays cheap."""
        old = max(bisect_right(self.times, until), len(self.times) - MAX_SAMPLES)
        if old > 32 or old == len(self.times):
            del self.times[:old]
            del self.values[:old]

    def window(self, now: float, seconds: float, with_times: bool = True) -> "Samples":
        """Return times (none where they are not needed) and values in the half-open interval (now - seconds, now]."""
        start = bisect_right(self.times, now - seconds)
        return (self.times[start:] if with_times else ()), self.values[start:]


Samples = tuple[Sequence[float], Sequence[float]]


def _mean(samples: Samples) -> float:
    """Return the mean, which rounding does not take beyond the greatest or the least sample."""
    values = samples[1]
    mean = sum_in_order(values) / len(values)
    return min(max(mean, min(values)), max(values)) if math.isfinite(mean) else mean


def _deviation(samples: Samples) -> float:
    values = samples[1]
    mean = sum_in_order(values) / len(values)
    return math.sqrt(sum_in_order((v - mean) * (v - mean) for v in values) / len(values))


def _delta(samples: Samples) -> float:
    return samples[1][-1] - samples[1][0]


def _increase(samples: Samples) -> float:
    """Return the sum of the rises; after a fall, which is a reset of the counter, the new value counts.

    Source: Prometheus' increase(), without its extrapolation to the ends of the window.
    """
    return sum_in_order(after - before if after >= before else after for before, after in pairwise(samples[1]))


def _changes(samples: Samples) -> int:
    return sum(before != after for before, after in pairwise(samples[1]))


def _rate(samples: Samples) -> float | None:
    """Return growth per second; a fall is a reset of the counter, after which it counts from 0.

    Source: Prometheus' rate(), without its extrapolation to the ends of the window.
    """
    times, values = samples
    seconds = times[-1] - times[0]
    if seconds <= 0:
        return None
    resets = sum_in_order(before for before, after in pairwise(values) if after < before)
    return (values[-1] - values[0] + resets) / seconds


def quantile(values: Iterable[float], share: float) -> float:
    """Return the quantile *share* (0..1) of *values*, between the nearest ranks as Prometheus does."""
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    weight = rank - low
    between = ordered[low] * (1 - weight) + ordered[high] * weight
    return min(max(between, ordered[low]), ordered[high])


def predict(samples: Samples, now: float, ahead: float) -> float | None:
    """Return the value *ahead* seconds from *now* on the line of least squares."""
    found = _line(samples, now)
    return None if found is None else found[1] + found[0] * (ahead - found[2])


def _deriv(samples: Samples) -> float | None:
    found = _line(samples, samples[0][-1])
    return None if found is None else found[0]


def _line(samples: Samples, now: float) -> tuple[float, float, float] | None:
    """Return the slope of the line of least squares, and a point on it: its value, and its time counted from *now*.

    The slope of samples that are all equal is 0, and not what rounding leaves.
    Missing: all samples are of one instant.
    """
    times, values = samples
    count = len(times)
    mean_time, mean_value = sum_in_order(t - now for t in times) / count, sum_in_order(values) / count
    spread = sum_in_order((t - now - mean_time) ** 2 for t in times)
    if spread <= 0:
        return None
    if min(values) == max(values):
        return 0.0, values[0], mean_time
    products = ((t - now - mean_time) * (v - mean_value) for t, v in zip(times, values, strict=True))
    return sum_in_order(products) / spread, mean_value, mean_time


_FUNCTIONS: Mapping[str, Callable[[Samples], float | None]] = {
    "avg_over_time": _mean,
    "max_over_time": lambda samples: max(samples[1]),
    "min_over_time": lambda samples: min(samples[1]),
    "sum_over_time": lambda samples: sum_in_order(samples[1]),
    "count_over_time": lambda samples: len(samples[1]),
    "stddev_over_time": _deviation,
    "last_over_time": lambda samples: samples[1][-1],
    "delta": _delta,
    "rate": _rate,
    "increase": _increase,
    "deriv": _deriv,
    "changes": _changes,
}
_NEEDS_TIMES = frozenset({"rate", "deriv", "predict_linear"})


def over_time(window: ir.Window, samples: Samples, now: float) -> Value:
    """Return the value of a function over time on *samples*.

    Missing: fewer samples than it needs, or a result that is not a finite number.
    """
    count = len(samples[1])
    if count < FUNCTIONS[window.function].samples:
        return None
    try:
        if window.function == "quantile_over_time":
            return finite(quantile(samples[1], window.parameter or 0.0))
        if window.function == "predict_linear":
            return finite(predict(samples, now, window.parameter or 0.0))
        return finite(_FUNCTIONS[window.function](samples))
    except OverflowError:
        return None


class History:
    """Series for the fields that windows look at, exactly as long as the longest window of each.

    Not for several threads: its owner holds a lock.
    """

    def __init__(self, windows: Iterable[ir.Window]) -> None:
        self.keep: dict[str, float] = {}
        for window in windows:
            name = series_name(window)
            self.keep[name] = max(window.seconds, self.keep.get(name, 0.0))
        self._series: dict[tuple[str, str], Series] = {}

    def add(self, owner: str, name: str, time: float, value: Value) -> None:
        """Add the sample of field *name* of *owner* (a GPU's identity, or NODE); a missing one is skipped."""
        number = finite(value)
        if number is not None:
            self._series.setdefault((owner, name), Series()).add(time, number, self.keep[name])

    def value(self, window: ir.Window, owner: str, now: float) -> Value:
        """Return the value of *window* for *owner*."""
        series = self._series.get((owner, series_name(window)))
        if series is None:
            return None
        return over_time(window, series.window(now, window.seconds, window.function in _NEEDS_TIMES), now)

    def forget(self, now: float) -> None:
        """Drop the series of owners that have been gone for as long as their window."""
        for key in [k for k, s in self._series.items() if not s.times or s.times[-1] <= now - self.keep[k[1]]]:
            del self._series[key]

    def adopt(self, other: "History") -> None:
        """Take over the series of *other* for the fields that this history keeps too."""
        self._series = {key: series for key, series in other._series.items() if key[1] in self.keep}

    def shift(self, seconds: float) -> None:
        """Move the time of every sample by *seconds*."""
        for series in self._series.values():
            series.times[:] = [time + seconds for time in series.times]

    @property
    def sample_count(self) -> int:
        """How many samples there are."""
        return sum(len(series.times) for series in self._series.values())
