"""Generates series: what takes time to show of a rule, its timers, its cooldown, and the windows that it looks back on.

The facts of each phase come from the prover. What is expected is what the engine makes of the series, at each time
at which something changes and at the one before it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gpurules.actions.action import is_effect
from gpurules.actions.explained import ExplainedRule
from gpurules.diagnostics import Location
from gpurules.errors import GpurulesError
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import inline_signals, rebuilt
from gpurules.model import Dimension, Kind, format_amount
from gpurules.model.reading import sum_in_order
from gpurules.proofs import ExpectedTruth, Prover, Sat, ScopedCondition, TruthClaim
from gpurules.rules import Rule, Ruleset
from gpurules.rules.rule import Signal
from gpurules.ruletest.case import Case, Data
from gpurules.ruletest.coverage.coverage import Coverage
from gpurules.ruletest.execution.execution import TimeStep, time_steps
from gpurules.ruletest.generation.ramps import rise_of, with_limit_passed
from gpurules.ruletest.generation.sampling import lay_out
from gpurules.ruletest.generation.varying import path_of
from gpurules.ruletest.generation.writing import WrittenTest, as_given, effects_of
from gpurules.ruletest.series import samples

_HERE = Location(1, 1, 1, 1)
_STEPS = (0.1, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Intervals that are tried, in seconds."""
_FINEST = 4
"""The minimum number of intervals into which a timer or a window is divided."""
_MOST_STEPS = 2000
_AS_THEY_ARE = frozenset({"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"})
"""Windows that equal the field while it stays constant."""


@dataclass(frozen=True, slots=True)
class SeriesPhase:
    """A stretch of a series over which no fact changes."""

    facts: Data
    steps: int


@dataclass(slots=True)
class TimedTests:
    """The series of one rule; ``left_out`` says in words what there is none for."""

    cases: list[WrittenTest] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def timed_tests(rule: Rule, ruleset: Ruleset, coverage: Coverage, shown: set[str]) -> TimedTests:
    """Return the series that show what takes time of *rule*, but for what *coverage* has seen.

    *shown* are the signals for which another rule has a series; those that this one shows are added.
    """
    found = TimedTests()
    if not rule.enabled or rule.is_shadow:
        return found
    author = _Author(rule, ruleset, coverage)
    signals = [s for s in _signals(rule, ruleset) if s.name not in shown and not author.is_shown(s)]
    for signal in signals:
        author.of_signal(signal, found)
        shown.add(signal.name)
    if rule.cooldown and any(is_effect(ordered.action) for ordered in rule.actions):
        author.of_cooldown(rule.cooldown, found)
    if author.windows and not any(_is_timed(signal) for signal in _signals(rule, ruleset)):
        author.of_windows(found)
    return found


def _signals(rule: Rule, ruleset: Ruleset) -> list[Signal]:
    """Return the signals that *rule* reads and that have memory, in order."""
    names = dict.fromkeys(part.name for part in ir.walk(rule.term) if isinstance(part, ir.Signal))
    return [signal for name in names if _is_timed(signal := ruleset.signals[name])]


def _is_timed(signal: Signal) -> bool:
    return bool(signal.for_seconds or signal.keep_for_seconds or signal.until is not None)


class _Author:
    """Writes the series of one rule."""

    def __init__(self, rule: Rule, ruleset: Ruleset, coverage: Coverage) -> None:
        self._rule, self._ruleset, self._coverage = rule, ruleset, coverage
        self._conditions = {name: signal.condition for name, signal in ruleset.signals.items()}
        self._now = self._instant(rule.term)
        self.windows = [part for part in ir.walk(inline_signals(rule.term, self._conditions))
                        if isinstance(part, ir.Window)]  # fmt: skip

    def _instant(self, term: ir.Term) -> ir.Term:
        """Return *term* as it is where no fact changes: signals are their conditions, windows their fields."""
        return held_still(inline_signals(term, self._conditions))

    def is_shown(self, signal: Signal) -> bool:
        """Return whether tests have seen what the timers of *signal* do to the rule."""
        seen = self._coverage.timing.get(self._rule.name, set())
        wanted = {"for"} if signal.for_seconds else set()
        return (wanted | ({"held"} if signal.keep_for_seconds or signal.until is not None else set())) <= seen

    def of_signal(self, signal: Signal, found: TimedTests) -> None:
        """Write how *signal* goes on and off: quiet, on, between its two conditions if there is a between, and off."""
        rest = ScopedCondition(self._instant(_with(self._rule.term, signal.name)), self._rule.gpus)
        start = ScopedCondition(self._instant(signal.condition), self._rule.gpus)
        until = ScopedCondition(self._instant(signal.until), self._rule.gpus) if signal.until is not None else None
        edges = [ScopedCondition(edge, self._rule.gpus) for edge in _edges(until.term)] if until else []
        asked = _Facts([rest, start, *([until] if until else []), *edges])
        on = asked.where((rest, ExpectedTruth.TRUE), (start, ExpectedTruth.TRUE))
        quiet = asked.where(
            (rest, ExpectedTruth.TRUE), (start, ExpectedTruth.FALSE), *([(until, ExpectedTruth.TRUE)] if until else [])
        )
        between = None
        if until is not None:  # just at a limit of the end, if that is between the two
            held = [(rest, ExpectedTruth.TRUE), (start, ExpectedTruth.FALSE), (until, ExpectedTruth.FALSE)]
            tried = (asked.where(*held, *edge) for edge in (*([(one, ExpectedTruth.TRUE)] for one in edges), []))
            between = next((facts for facts in tried if facts is not None), None)
        what = f"the timers of {signal.name}" if signal.rule is None else "its timers"
        if on is None or quiet is None:
            found.left_out.append(f"{what}: no facts were found that show them")
            return
        step = self._step(signal.for_seconds, signal.keep_for_seconds)
        back = self._steps_back(step)
        phases = [SeriesPhase(quiet, 1), SeriesPhase(on, math.ceil(signal.for_seconds / step) + 1 + back)]
        phases += [SeriesPhase(between, 2 + back)] if between is not None else []
        phases.append(SeriesPhase(quiet, math.ceil(signal.keep_for_seconds / step) + 2 + back))
        self._add(_series_title(self._rule, signal), phases, step, (what, found))

    def of_cooldown(self, cooldown: float, found: TimedTests) -> None:
        """Write a start, one that comes too early, and one that does not."""
        if "cooldown" in self._coverage.timing.get(self._rule.name, set()):
            return
        what, asked = "its cooldown", _Facts([now := ScopedCondition(self._now, self._rule.gpus)])
        on, off = asked.where((now, ExpectedTruth.TRUE)), asked.where((now, ExpectedTruth.FALSE))
        if on is None or off is None or self.windows or _signals(self._rule, self._ruleset):
            found.left_out.append(f"{what}: it requires a series")
            return
        step = self._step(cooldown)
        late = math.ceil(cooldown / step)
        phases = [
            SeriesPhase(off, 1),
            SeriesPhase(on, 1),
            SeriesPhase(off, late - 2),
            SeriesPhase(on, 1),
            SeriesPhase(off, 1),
            SeriesPhase(on, 1),
        ]
        name = f"{self._rule.name} starts again after {_seconds(cooldown)} at the earliest"
        self._add(name, phases, step, (what, found))

    def of_windows(self, found: TimedTests) -> None:
        """Write how the rule follows its windows: they fill with other samples, and so does the rule change."""
        what = ", ".join(dict.fromkeys(f"{window.function}({window.field.name}[…])" for window in self.windows))
        if "series" in self._coverage.timing.get(self._rule.name, set()):
            return
        name, step = f"{self._rule.name} follows {what}", self._step(*(window.seconds for window in self.windows))
        back = self._steps_back(step)
        risen = self._risen(step, back)
        if risen is not None:
            self._write(name, risen, step, (what, found))
            return
        asked = _Facts([now := ScopedCondition(self._now, self._rule.gpus)])
        on, off = asked.where((now, ExpectedTruth.TRUE)), asked.where((now, ExpectedTruth.FALSE))
        if on is None or off is None or any(window.function not in _AS_THEY_ARE for window in self.windows):
            found.left_out.append(f"{what}: it requires a series of readings that vary in a particular way")
            return
        phases = [SeriesPhase(off, back + 1), SeriesPhase(on, back + 1), SeriesPhase(off, back + 1)]
        self._add(name, phases, step, (what, found))

    def _risen(self, step: float, back: int) -> tuple[Data, dict[str, str]] | None:
        """Return what is given and the series of a rule that waits for readings to rise, None where it does not."""
        rise = rise_of(self._rule.term, self.windows)
        if rise is None or (text := rise.samples(step, back)) is None:
            return None
        rest = ScopedCondition(held_still(with_limit_passed(self._rule.term, rise.leaf)), self._rule.gpus)
        base = _Facts([rest]).where((rest, ExpectedTruth.TRUE))
        path = path_of(rise.window.field, 0)
        laid = lay_out([(base, 1)]) if base is not None else None
        return None if laid is None or path is None else (laid[0], {path: text})

    def _step(self, *durations: float) -> float:
        """Return the interval of a series: that of the polls, finer where a duration needs it, or coarser."""
        known = [seconds for seconds in durations if seconds]
        finest = min([self._ruleset.settings.poll_interval, *(seconds / _FINEST for seconds in known)])
        coarsest = sum_in_order(known) / _MOST_STEPS
        return next((step for step in reversed(_STEPS) if coarsest <= step <= finest), max(coarsest, finest))

    def _steps_back(self, step: float) -> int:
        """Return for how many samples the windows of the rule look back."""
        return math.ceil(max((window.seconds for window in self.windows), default=0.0) / step)

    def _add(self, name: str, phases: Sequence[SeriesPhase], step: float, about: tuple[str, TimedTests]) -> None:
        """Add the case of a series, with what the engine makes of it; or say that there is none."""
        self._write(name, lay_out([(phase.facts, phase.steps) for phase in phases]), step, about)

    def _write(
        self, name: str, laid: tuple[Data, dict[str, str]] | None, step: float, about: tuple[str, TimedTests]
    ) -> None:
        """Add the case of what is given and a series."""
        what, found = about
        played = self._played(*laid, step) if laid is not None else []
        explained = [time_step.explanation.rule(self._rule.name) for time_step in played]
        if laid is None or len({one.outcome for one in explained}) < 2:
            found.left_out.append(f"{what}: tests cannot write a series that shows them")
            return
        turns = [*_turns(explained)]
        expected = [self._expected(played[n].at, explained[n]) for n in turns]
        matching = next((i for i, n in enumerate(turns) if explained[n].outcome == "match"), None)
        if matching is not None and (effects := effects_of(played[turns[matching]].decision)):
            expected[matching]["decision"] = effects
        for n in turns:
            self._coverage.add(explained[n])
        given, series = laid
        found.cases.append(WrittenTest(name, self._rule.name, given, expects=expected, series=series, interval=step))

    def _played(self, given: Data, series: Mapping[str, str], step: float) -> list[TimeStep]:
        case = Case("", _HERE, given, (), {path: samples(text) for path, text in series.items()}, step)
        try:
            return list(time_steps(case, self._ruleset))
        except GpurulesError:
            return []

    def _expected(self, at: float, explained: ExplainedRule) -> dict[str, object]:
        expect: dict[str, object] = {"at": _seconds(at), "rule": explained.rule, "outcome": explained.outcome}
        if explained.because:
            expect["because"] = explained.because
        if explained.devices:
            expect["devices"] = list(explained.devices)
        return expect


class _Facts:
    """Asks the prover for facts."""

    def __init__(self, conditions: Iterable[ScopedCondition]) -> None:
        self._prover = Prover(conditions)

    def where(self, *wanted: tuple[ScopedCondition, ExpectedTruth]) -> Data | None:
        """Return facts with which each condition is as wanted, on one GPU; None where there are none."""
        answer = self._prover.ask([TruthClaim(stated, want, on_one=True) for stated, want in wanted])
        return as_given(answer.witness.to_dict()) if isinstance(answer, Sat) else None


def _with(term: ir.Term, signal: str) -> ir.Term:
    """Return *term* where *signal* is on."""
    if isinstance(term, ir.Signal) and term.name == signal:
        return ir.TRUE
    return rebuilt(term, lambda part: _with(part, signal)) if ir.children(term) else term


def _edges(term: ir.Term) -> Iterator[ir.Term]:
    """Yield that a fact is just at a number with which *term* compares it."""
    for part in ir.walk(term):
        if (
            isinstance(part, ir.Compare)
            and len(part.comparators) == 1
            and part.operands[0].datatype.kind is Kind.NUMBER
        ):
            yield ir.Compare((Comparator.EQ,), part.operands)


def held_still(term: ir.Term) -> ir.Term:
    """Return *term* as it is where no fact changes: each window that can be is replaced by its field."""
    if isinstance(term, ir.Window) and term.function in _AS_THEY_ARE:
        return term.sample
    return rebuilt(term, held_still) if ir.children(term) else term


def _turns(played: Sequence[ExplainedRule]) -> Iterator[int]:
    """Yield the times before and after which something changes, each once."""
    states = [(one.outcome, one.because, one.devices) for one in played]
    changes = [n for n, (before, after) in enumerate(pairwise(states)) if before != after]
    yield from sorted({place for n in changes for place in (n, n + 1)})


def _series_title(rule: Rule, signal: Signal) -> str:
    """Return what a series shows of a rule that reads *signal*, as the name of a case."""
    parts = [f"holds only after {_seconds(signal.for_seconds)}"] if signal.for_seconds else []
    parts += ["stays until its end is reached"] if signal.until is not None else []
    parts += [f"is kept for {_seconds(signal.keep_for_seconds)}"] if signal.keep_for_seconds else []
    through = "" if signal.rule is not None else f" by {signal.name}"
    return f"{rule.name} {' and '.join(parts)}{through}"


def _seconds(number: float) -> str:
    """Return a duration as tests write it.

    >>> _seconds(90.0), _seconds(0.5)
    ('90s', '0.5s')
    """
    return f"{number:g}s" if number < 1e6 else format_amount(number, Dimension.SECONDS).replace(" ", "")
