"""The content of the live view: the state of a coordinator at one point in time, ready to be drawn or frozen."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol, assert_never

from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedDecision, ExplainedRule
from gpurules.actions.targets import TARGETS
from gpurules.cli.explain.explanations import describe_decision
from gpurules.engine import Coordinator, Edge, PollReport, SignalState, Transition
from gpurules.engine.effects.events import contextual_rules
from gpurules.model import GPUIndex, Snapshot
from gpurules.rules.program import zone_of

MAX_LOG = 500


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule: ``state`` is ``match``, ``no-match``, ``unknown``, ``transfer``, ``shadow``, ``stop`` or ``disabled``.

    ``transfer`` is the state of a rule that is evaluated per transfer.
    Units: ``since`` in seconds since 1970.
    Missing: ``since`` None: it does not match now.
    """

    name: str
    state: str
    devices: tuple[GPUIndex, ...]
    reason: str
    asks: str
    since: float | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A change: a signal went on or off, telemetry appeared or failed, a ruleset was reloaded.

    Missing: ``on`` None: neither a start nor an end.
    """

    timestamp: float
    on: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """The content of the view.

    Units: ``time`` in seconds since 1970, ``age`` in seconds.
    Missing: ``snapshot`` and ``age`` None: no telemetry yet.
    """

    time: float
    source: str
    ruleset: str
    version: str
    snapshot: Snapshot | None
    age: float | None
    stale: bool
    error: str | None
    reload_error: str | None
    signals: tuple[SignalState, ...]
    rules: tuple[RuleLine, ...]
    asked: tuple[str, ...]
    log: tuple[LogLine, ...]
    explained: ExplainedDecision
    zone: tzinfo = UTC

    def explanation(self, name: str) -> ExplainedRule | None:
        """Return why the rule *name* matches or not; None if there is no such rule."""
        return next((rule for rule in self.explained.rules if rule.rule == name), None)


class Viewer(Protocol):
    """Provides views: of a coordinator in this process, or of an agent."""

    def view(self) -> View:
        """Return the current state."""
        ...


class Watcher:
    """Follows a coordinator and provides views of it."""

    def __init__(self, coordinator: Coordinator, clock: Callable[[], float]) -> None:
        self._coordinator = coordinator
        self._clock = clock
        self._log: deque[LogLine] = deque(maxlen=MAX_LOG)
        self._since: dict[str, float] = {}
        self._version = coordinator.engine.ruleset.version
        self._error: str | None = None
        self.polls = 0
        self.has_ended = False
        coordinator.on_poll(self.note)

    def note(self, report: PollReport) -> None:
        """Take in the result of a poll."""
        now = self._clock()
        self.polls += 1
        self.has_ended = self.has_ended or report.ended
        if (report.error is None) != (self._error is None):
            ended = "the recording has ended" if report.ended else f"no telemetry: {report.error}"
            self._log.appendleft(LogLine(now, None, "telemetry is back" if report.error is None else ended))
        self._error = report.error
        if self._coordinator.engine.ruleset.version != self._version:
            self._version = self._coordinator.engine.ruleset.version
            self._log.appendleft(LogLine(now, None, f"ruleset {self._version[:6]} is in force"))
        for change in report.transitions:
            self._log.appendleft(LogLine(change.timestamp, change.on, self._words(change)))
        for edge in report.edges:
            if edge.transfer_id is None:
                self._edge(edge)

    def _edge(self, edge: Edge) -> None:
        match edge.kind:
            case "start":
                self._since[edge.rule.name] = edge.timestamp
            case "stop":
                self._since.pop(edge.rule.name, None)
            case "change":
                self._log.appendleft(
                    LogLine(edge.timestamp, None, change_words(edge.rule.name, edge.joined, edge.left))
                )
            case _:
                assert_never(edge.kind)

    def _words(self, change: Transition) -> str:
        signal = self._coordinator.engine.ruleset.signals.get(change.signal)
        name = (signal.rule if signal else None) or change.signal
        where = f" on GPU {change.device}" if change.device is not None else ""
        return f"{name}{where}{' (no telemetry)' if change.because else ''}"

    def view(self) -> View:
        """Return the current state."""
        status, decision = self._coordinator.status(), self._coordinator.decide()
        explained = decision.explain()
        return View(
            self._clock(),
            status.source,
            status.ruleset,
            status.ruleset_version,
            status.snapshot,
            status.telemetry_age,
            status.stale,
            status.source_error,
            status.reload_error,
            status.signals,
            self._rules(explained),
            tuple(_asked(decision)),
            tuple(self._log),
            explained,
            zone_of(self._coordinator.engine.ruleset.settings.timezone),
        )

    def _rules(self, explained: ExplainedDecision) -> tuple[RuleLine, ...]:
        ruleset = self._coordinator.engine.ruleset
        contextual = contextual_rules(ruleset)
        lines = []
        for rule in explained.rules:
            state = rule.because or rule.outcome if rule.outcome == "suppressed" else rule.outcome
            if rule.rule in contextual and state != "disabled":
                state = "transfer"
            known = ruleset.rule(rule.rule)
            asks = ", ".join(action.name for action in known.actions) if known else ""
            lines.append(RuleLine(rule.rule, state, rule.devices, rule.reason, asks, self._since.get(rule.rule)))
        return tuple(lines)


def change_words(rule: str, joined: Sequence[object], left: Sequence[object]) -> str:
    """Describe a change of an episode: which GPUs a rule matches too, or no longer.

    >>> change_words("hot", [1], [0])
    'hot also on GPU 1, no longer on GPU 0'
    """
    parts = [
        f"{words} GPU {', '.join(map(str, gpus))}"
        for words, gpus in (("also on", joined), ("no longer on", left))
        if gpus
    ]
    return f"{rule} {', '.join(parts)}"


def _asked(decision: Decision) -> list[str]:
    """Return the directives for every transfer, including those of third parties."""
    asked = describe_decision(decision, of_node=True)
    extra = (f"{name} {value}" for name, value in decision.directives.items() if name not in TARGETS)
    return [*asked, *extra]
