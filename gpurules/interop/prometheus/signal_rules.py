"""Signals as recording rules, which read their own last value: what they are on, since when, and for how long."""

import re
from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql import MetricNaming, PromqlBackEnd, SignalSeries, TruthVectors, Vector, range_text
from gpurules.rules.rule import Signal

_TOLERANCE = 0.0005
"""Seconds; times are whole milliseconds, and doubles since 1970 do not hold them exactly."""
_FOREIGN = re.compile(r"[^a-zA-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that Prometheus computes."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class SignalRules:
    """The recording rules of one signal, in order, and the series that has a sample while it is on.

    Units: seconds. ``for_seconds`` and ``keep_seconds`` are timers that the alert on ``on`` still has to have.
    """

    on: Vector
    rules: tuple[RecordingRule, ...] = ()
    keep_seconds: float = 0.0
    for_seconds: float = 0.0


@dataclass(slots=True)
class SignalRecorder:
    """Turns signals into recording rules; the names that it gives are unique.

    Units: ``interval`` in seconds, at which Prometheus evaluates the group.
    """

    prefix: str
    naming: MetricNaming
    interval: float
    series: dict[str, SignalSeries] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    @property
    def back_end(self) -> PromqlBackEnd:
        """The back end that knows the signals which are recorded so far."""
        return PromqlBackEnd(self.naming, self.series)

    def as_alert(self, signal: Signal) -> SignalRules:
        """Return what an alert stands on that has the timers of *signal*: its own ``for`` is that of the alert.

        Raises:
            UnsupportedError: PromQL cannot say it.
        """
        if signal.until is None:
            on = self.back_end.emit(signal.condition, signal.per_gpu)
            return SignalRules(on, (), signal.keep_for_seconds, signal.for_seconds)
        found = self._with_memory(signal)
        return SignalRules(found.on, found.rules, signal.keep_for_seconds)

    def record(self, signal: Signal) -> tuple[RecordingRule, ...]:
        """Return the rules that record *signal*, which conditions can read from then on.

        Raises:
            UnsupportedError: PromQL cannot say it.
        """
        if signal.keep_for_seconds and signal.for_seconds:
            raise UnsupportedError("a signal with `for` and `keep_for` has two clocks that depend on each other")
        found = self._with_memory(signal)
        rules, on = found.rules, found.on
        if signal.keep_for_seconds:
            raw = self._name(signal, "raw")
            kept = signal.keep_for_seconds + self.interval
            rules = (*rules, RecordingRule(raw, on.text))
            on = Vector(f"last_over_time({raw}[{range_text(kept)}])", on.level, is_atom=True)
        name = self._name(signal, "on")
        self.series[signal.name] = SignalSeries(name, signal.per_gpu)
        return (*rules, RecordingRule(name, f"group by {self._labels(on)} ({on.text})"))

    def _with_memory(self, signal: Signal) -> SignalRules:
        """Return the signal but for ``keep_for``."""
        if signal.until is not None and signal.for_seconds and signal.keep_for_seconds:
            raise UnsupportedError("`for`, `until` and `keep_for` together have clocks that depend on each other")
        back_end, algebra = self.back_end, self.back_end.algebra
        start = back_end.emit_truth(signal.condition, signal.per_gpu)
        rules: tuple[RecordingRule, ...] = ()
        started = start.true
        if signal.for_seconds:
            since = self._name(signal, "since")
            level = start.true.level
            before = algebra.both(algebra.aggregate(since, level), start.true)
            now = Vector(f"{start.true.operand} * 0 + time()", level)
            rules = (RecordingRule(since, algebra.either(before, now).text),)
            least = signal.for_seconds - _TOLERANCE
            started = Vector(f"(time() - {algebra.aggregate(since, level).text}) >= {least!r}", level)
        if signal.until is None:
            return SignalRules(started, rules)
        end = back_end.emit_truth(signal.until, signal.per_gpu)
        return self._latched(signal, started, (start, end), rules)

    def _latched(
        self,
        signal: Signal,
        started: Vector,
        pairs: tuple[TruthVectors, TruthVectors],
        rules: tuple[RecordingRule, ...],
    ) -> SignalRules:
        """Return a signal that stays on between its two thresholds."""
        (start, end), algebra = pairs, self.back_end.algebra
        state = self._name(signal, "state")
        before = algebra.aggregate(state, started.level)
        held = algebra.both(before, algebra.either(end.false, start.true))
        on = algebra.either(started, held)
        rule = RecordingRule(state, f"group by {self._labels(on)} ({on.text})")
        return SignalRules(before, (*rules, rule))

    def _labels(self, vector: Vector) -> str:
        return self.back_end.algebra.labels(vector.level)

    def _name(self, signal: Signal, part: str) -> str:
        plain = _FOREIGN.sub("_", signal.rule or signal.name).strip("_") or "signal"
        wanted = name = f"gpurules:{_FOREIGN.sub('_', self.prefix)}:{plain}:{part}"
        number = 2
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name
