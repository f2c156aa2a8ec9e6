"""Plays a recording through the rules, and counts what one rule does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from gpurules.actions.decision import Decision
from gpurules.backends import explain
from gpurules.backends.python import Truths, arguments, truths_function
from gpurules.backends.reasons import reason
from gpurules.engine.recordings import Recording, play_recording
from gpurules.engine.state.signals import signals_read
from gpurules.language.terms import ir
from gpurules.model import Snapshot
from gpurules.rules import Ruleset
from gpurules.rules.program import BoundProgram
from gpurules.rules.rule import Signal
from gpurules.telemetry import TelemetryError

FLAP_SECONDS = 300.0
"""A rule that starts again so soon after it ended flaps."""
_EXPLAINED, _SPACING = 100, 50
"""The first snapshots that are explained until the rule is known, and the spacing after them: explaining is slow."""


class PlayedHistory(Protocol):
    """Snapshots in order of time; after a walk ``problems`` says what of them could not be used."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The first places that could not be used."""
        ...

    @property
    def problem_count(self) -> int:
        """How many places could not be used."""
        ...

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield the snapshots, from the start."""
        ...


OpenHistory: TypeAlias = Callable[[str], PlayedHistory]
"""Opens what is recorded at a path, with options behind ``?``."""


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """What a rule did over a recording: ``matches`` counts how often it started to match.

    ``unread`` says how much of the recording could not be used, and the first place; ``unknown`` says why the condition
    has no value anywhere.

    Units: ``seconds`` is the length of the recording.
    """

    snapshots: int
    seconds: float
    matches: int
    flaps: int
    unread: str = ""
    unknown: str = ""

    @property
    def note(self) -> str:
        """What the report says of the recording."""
        return f"{self.snapshots:,} snapshots" + (f"; {self.unread}" if self.unread else "")

    @property
    def flaps_per_hour(self) -> float:
        """How often it started again within five minutes, per hour; of less than an hour, in all."""
        return self.flaps / max(1.0, self.seconds / 3600)


def replay_recording(path: str, rule: str, ruleset: Ruleset, open_history: OpenHistory | None = None) -> ReplayCounts:
    """Return what *rule* did over what is recorded at *path*, which *open_history* opens (None: as a recording).

    A rule in shadow mode counts as if it were in force.

    Raises:
        TelemetryError: it cannot be read, or has no snapshot.
    """
    first: float | None = None
    last = 0.0
    snapshots = matches = flaps = 0
    ended: float | None = None
    unknown: str | None = ""
    signals = _UnknownSignals(ruleset, rule)
    was_matching = False
    recording = (open_history or Recording)(path)
    enforced = tuple(replace(one, mode="enforce") if one.name == rule else one for one in ruleset.rules)
    ruleset = replace(ruleset, rules=enforced)
    for turn in play_recording([ruleset], recording):
        last, first = turn.at, turn.at if first is None else first
        snapshots += 1
        (decision,) = turn.decisions
        signals.look(turn.engines[0].bound)
        is_matching = rule in decision.rules
        if unknown is not None and (snapshots <= _EXPLAINED or snapshots % _SPACING == 0):
            unknown = None if is_matching else _why_unknown(decision, rule)
        if is_matching and not was_matching:
            matches += 1
            flaps += ended is not None and last - ended < FLAP_SECONDS
        elif was_matching and not is_matching:
            ended = last
        was_matching = is_matching
    if first is None:
        raise TelemetryError(f"{path} has no snapshot{f': {recording.problems[0]}' if recording.problems else ''}")
    unread = f"{recording.problem_count} not used, first {recording.problems[0]}" if recording.problems else ""
    why = signals.reason or (unknown if not matches and unknown else "")
    return ReplayCounts(snapshots, last - first, matches, flaps, unread, why)


class _UnknownSignals:
    """The signals that a rule reads, directly or through others, whose conditions have had no value.

    Such a signal is off, so the rule has a value, whatever the recording does not have.
    """

    def __init__(self, ruleset: Ruleset, rule: str) -> None:
        self._left: dict[str, Signal] = {}
        terms = [one.term for one in ruleset.rules if one.name == rule]
        stack = [part.name for term in terms for part in ir.walk(term) if isinstance(part, ir.Signal)]
        while stack:
            name = stack.pop()
            if name not in self._left:
                self._left[name] = ruleset.signals[name]
                stack += signals_read(self._left[name])
        self._rule, self._reasons = rule, dict[str, str]()
        self._functions: dict[str, Truths] = {}

    def look(self, bound: BoundProgram) -> None:
        """Remove the signals whose conditions have a value in a snapshot."""
        for name, signal in list(self._left.items()):
            if name not in self._functions:
                self._functions[name] = truths_function(signal.condition, signal.per_gpu, bound.program.layout)
            if any(truth is not None for truth in self._functions[name](*arguments(bound.facts))):
                del self._left[name]
            elif name not in self._reasons:
                self._reasons[name] = reason(explain(signal.condition, bound.facts), bound.facts)

    @property
    def reason(self) -> str:
        """Why the first of them has no value; empty if every signal has had one."""
        for name, signal in self._left.items():
            subject = "its condition" if signal.rule == self._rule else f"the signal {name!r}, which it reads,"
            return f"{subject} is never known: {self._reasons[name]}"
        return ""


def _why_unknown(decision: Decision, rule: str) -> str | None:
    """Return why the condition of *rule* has no value, on no GPU; None where it has one."""
    for explained in decision.explain().rules:
        if explained.rule == rule and explained.condition is not None:
            is_known = any(value is not None for value in explained.condition.values)
            return None if is_known else explained.reason
    return None
