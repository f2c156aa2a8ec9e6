"""Vectorized window functions, bit-identical to the engine's.

Sums of whole numbers and comparisons are computed for whole columns. Everything else is computed by the engine's own
function, one point in time after another, because floating-point sums depend on the order of addition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import Numbers, Places
from gpurules.backends.columnar.columns import EXACT
from gpurules.engine.state.history import MAX_SAMPLES, over_time
from gpurules.language.terms import ir
from gpurules.model import Value
from gpurules.model.reading import finite


@dataclass(frozen=True, slots=True)
class WindowSamples:
    """The samples of one field of one owner, oldest first.

    Units: ``times`` in seconds since 1970. ``given`` has the values as they were given.
    """

    times: Numbers = field(default_factory=lambda: np.zeros(0))
    values: Numbers = field(default_factory=lambda: np.zeros(0))
    given: Sequence[float] = ()

    def and_then(self, times: Numbers, values: Numbers, given: Sequence[Value]) -> "WindowSamples":
        """Return these samples followed by later ones; a missing value is not a sample."""
        known = ~np.isnan(values)
        kept = [number for value in given if (number := finite(value)) is not None]
        return WindowSamples(
            np.concatenate([self.times, times[known]]), np.concatenate([self.values, values[known]]),
            [*self.given, *kept],
        )  # fmt: skip

    def since(self, time: float) -> "WindowSamples":
        """Return the samples later than *time*."""
        start = int(np.searchsorted(self.times, time, "right"))
        return WindowSamples(self.times[start:].copy(), self.values[start:].copy(), self.given[start:])


@dataclass(frozen=True, slots=True)
class _Spans:
    """The samples in the window of each point in time: from ``low`` to ``high`` (excluded)."""

    samples: WindowSamples
    low: Places
    high: Places

    @property
    def count(self) -> Places:
        """The number of samples in each window."""
        return self.high - self.low


def window_values(window: ir.Window, samples: WindowSamples, instants: Numbers) -> Numbers:
    """Return the value of *window* at each of *instants*.

    Raises:
        UnsupportedError: a window holds more samples than an engine keeps.
    """
    low = np.searchsorted(samples.times, instants - window.seconds, "right")
    spans = _Spans(samples, low, np.searchsorted(samples.times, instants, "right"))
    if spans.low.size and spans.count.max() > MAX_SAMPLES:
        raise UnsupportedError(f"a window holds more than {MAX_SAMPLES} samples, and engines forget the oldest ones")
    quick = _quick(window.function, spans)
    out, rest = quick if quick is not None else (np.full(len(instants), np.nan), spans.count > 0)
    for n in np.flatnonzero(rest):
        first, last = int(spans.low[n]), int(spans.high[n])
        values = samples.given[first:last]
        found = over_time(window, (samples.times[first:last].tolist(), values), float(instants[n]))
        out[n] = np.nan if found is None else found
    return out


def _quick(function: str, spans: _Spans) -> tuple[Numbers, np.ndarray] | None:
    """Return the values of a function, and the points in time that remain to be computed; None: all of them."""
    if not len(spans.samples.values) or not len(spans.low):
        return np.full(len(spans.low), np.nan), np.zeros(len(spans.low), bool)
    values, count = spans.samples.values, spans.count
    first, last = values[np.minimum(spans.low, len(values) - 1)], values[spans.high - 1]
    nothing = np.zeros(len(count), bool)
    match function:
        case "last_over_time":
            return np.where(count > 0, last, np.nan), nothing
        case "count_over_time":
            return np.where(count > 0, count.astype(np.float64), np.nan), nothing
        case "max_over_time" | "min_over_time":
            return _extreme(function, spans), nothing
        case "delta":
            return np.where(count > 1, last - first, np.nan), np.abs(last - first) > EXACT
        case "sum_over_time" | "avg_over_time" if _are_whole(values):
            total = _between(values, spans)
            return np.where(count > 0, total / count if function == "avg_over_time" else total, np.nan), nothing
        case "changes":
            changed = np.append(0, np.cumsum(values[1:] != values[:-1]))
            total = changed[np.maximum(spans.high - 1, 0)] - changed[np.minimum(spans.low, len(values) - 1)]
            return np.where(count > 0, total.astype(np.float64), np.nan), nothing
        case "increase" if _are_whole(values):
            rises = np.append(0.0, np.cumsum(np.where(values[1:] >= values[:-1], np.diff(values), values[1:])))
            total = rises[np.maximum(spans.high - 1, 0)] - rises[np.minimum(spans.low, len(values) - 1)]
            return np.where(count > 1, total, np.nan), nothing
        case "rate":
            fell = np.append(False, values[1:] < values[:-1])
            resets = np.append(0, np.cumsum(fell))
            quiet = resets[spans.high] == resets[np.minimum(spans.low + 1, len(values))]
            times = spans.samples.times
            seconds = times[spans.high - 1] - times[np.minimum(spans.low, len(values) - 1)]
            found = np.where((count > 1) & (seconds > 0), (last - first) / seconds, np.nan)
            return np.where(np.isinf(found), np.nan, found), (count > 1) & (~quiet | (np.abs(last - first) > EXACT))
        case _:
            return None


def _are_whole(values: Numbers) -> bool:
    """Return whether all sums and differences of *values* are exact, in any order."""
    return bool(np.all(values == np.trunc(values)) and 2 * np.abs(values).sum() <= EXACT)


def _between(values: Numbers, spans: _Spans) -> Numbers:
    sums = np.append(0.0, np.cumsum(values))
    total: Numbers = sums[spans.high] - sums[spans.low]
    return total


def _extreme(function: str, spans: _Spans) -> Numbers:
    """Return the maximum or minimum of each window, from two overlapping ranges whose lengths are powers of two."""
    choose = np.maximum if function == "max_over_time" else np.minimum
    count, out = spans.count, np.full(len(spans.low), np.nan)
    level, width = spans.samples.values, 1
    while True:
        wanted = np.flatnonzero((count >= width) & (count < 2 * width))
        out[wanted] = choose(level[spans.low[wanted]], level[spans.high[wanted] - width])
        if 2 * width > int(count.max()):
            return out
        level = choose(level[:-width], level[width:])
        width *= 2


@dataclass(slots=True)
class Tails:
    """The last samples of every field that windows read, for the length of its longest window.

    Units: ``keep`` in seconds, by the name of the field.
    """

    keep: Mapping[str, float]
    _samples: dict[tuple[str, str], WindowSamples] = field(default_factory=dict)

    def before(self, owner: str, name: str) -> WindowSamples:
        """Return the kept samples of a field of *owner*."""
        return self._samples.get((owner, name), WindowSamples())

    def remember(self, owner: str, name: str, samples: WindowSamples, now: float) -> None:
        """Keep the samples that a later window can contain."""
        self._samples[owner, name] = samples.since(now - self.keep[name])


def keep_of(windows: Sequence[ir.Window]) -> Mapping[str, float]:
    """Return the time for which the samples of each field are kept."""
    keep: dict[str, float] = {}
    for window in windows:
        keep[window.field.name] = max(window.seconds, keep.get(window.field.name, 0.0))
    return keep
