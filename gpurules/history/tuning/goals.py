"""The goals of tuning: limits that must hold, and events that signals must precede."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpurules.history.backtest.limits import COMPARATORS, Limit
from gpurules.history.tuning.knobs import TuningError
from gpurules.history.tuning.trial import Score
from gpurules.rules import Ruleset

_MISSED = re.compile(
    r"\s*(?:(?P<signal>[\w-]+)\.)?missed\((?P<event>.+)\)\s*(?P<comparator><=|==|<)\s*(?P<value>\d+)\s*"
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A requirement on a measure of a signal: a limit, or the number of events it may miss.

    Missing: ``event`` None: the goal is not about an event.
    """

    text: str
    signal: str
    measure: str
    comparator: str
    value: float
    event: str | None = None

    def is_met(self, score: Score) -> bool:
        """Return whether the goal is met; one that cannot be measured is not."""
        measured = score.measure(self.measure)
        return measured is not None and COMPARATORS[self.comparator](measured, self.value)

    def badness(self, score: Score) -> float:
        """Return the measure, oriented so that less is better; infinite if there is none."""
        measured = score.measure(self.measure)
        if measured is None:
            return float("inf")
        return -measured if self.comparator in (">", ">=") else measured


def parse_goal(text: str) -> Goal:
    """Parse a goal such as ``heat.on_share <= 5%``.

    Raises:
        LimitError: *text* is not a goal.
    """
    limit = Limit.parse(text)
    return Goal(limit.text, limit.name, limit.measure, limit.comparator, limit.value)


def parse_keep(text: str, signals: tuple[str, ...]) -> Goal:
    """Parse ``missed(gpu_throttled) == 0``, which is about the only one of *signals*, or ``hot.missed(…)``.

    Raises:
        TuningError: it cannot be parsed, or does not name its signal.

    >>> parse_keep("missed(gpu_throttled) == 0", ("heat",)).event
    'gpu_throttled'
    """
    found = _MISSED.fullmatch(text)
    if found is None:
        raise TuningError(f"{text!r} is not an event to keep; write it as in 'missed(gpu_throttled) == 0'")
    signal = found["signal"]
    if signal is None:
        if len(set(signals)) != 1:
            raise TuningError(f"{text!r} does not name its signal; write SIGNAL.{text.strip()}")
        signal = signals[0]
    return Goal(text.strip(), signal, "missed", found["comparator"], float(found["value"]), found["event"].strip())


def goals_of(ruleset: Ruleset, goals: Sequence[str], keeps: Sequence[str]) -> list[Goal]:
    """Return the goals to reach and the goals to keep, for signals of *ruleset*.

    Raises:
        TuningError: a goal names no signal.
        LimitError: a goal cannot be parsed.
    """
    found = [parse_goal(text) for text in goals]
    found += [parse_keep(text, tuple(goal.signal for goal in found) or tuple(ruleset.signals)) for text in keeps]
    for goal in found:
        if goal.signal not in ruleset.signals:
            raise TuningError(f"no signal is named {goal.signal!r}; there are {', '.join(ruleset.signals) or 'none'}")
    return found
