"""Records the results of each poll: events, samples, and how often rules started recently."""

import threading
from collections import deque
from collections.abc import Mapping

from gpurules.engine import Coordinator, Edge, PollReport, Transition
from gpurules.engine.inspection import matching_since, reload_error, wall_clock
from gpurules.engine.status import current_proposal
from gpurules.service.state.effects import EffectEvents
from gpurules.service.state.events import EventLog
from gpurules.service.state.samples import Samples

HOUR = 3600.0
MAX_STARTS = 10_000


class Recorder:
    """Follows a coordinator's polls, in the polling thread; its records may be read from any thread."""

    def __init__(self, coordinator: Coordinator, first_event: int) -> None:
        self.events = EventLog(first_event)
        self.samples = Samples()
        self._effects = EffectEvents(coordinator, self.events, wall_clock(coordinator))
        self._coordinator = coordinator
        self._clock = wall_clock(coordinator)
        self._version = coordinator.engine.ruleset.version
        self._reload_error: str | None = None
        self._proposal: Mapping[str, object] | None = None
        self._lock = threading.Lock()
        self._error: str | None = None
        self._starts: dict[str, deque[float]] = {}

    def note(self, report: PollReport) -> None:
        """Record the result of a poll."""
        now = self._clock()
        self.note_ruleset()
        if report.error != self._error:
            if report.error is None or self._error is None:
                self.events.add("telemetry", now, ok=report.error is None, error=report.error, ended=report.ended)
            self._error = report.error
        if (proposal := current_proposal(self._coordinator.proposal, self._version)) is not self._proposal:
            self._proposal = proposal
            if proposal is not None:
                self.events.add("proposal", now, values=proposal["values"], measures=proposal["measures"])
        if report.snapshot is not None:
            self.samples.add(report.snapshot)
        for change in report.transitions:
            self.events.add("signal", change.timestamp, **self._signal(change))
        for edge in report.edges:
            self._edge(edge)
        self._effects.note()

    def note_ruleset(self) -> None:
        """Record whether a ruleset became active or was rejected since the last call; from any thread."""
        with self._lock:
            self._note_ruleset(self._clock())

    def _note_ruleset(self, now: float) -> None:
        ruleset, error = self._coordinator.engine.ruleset, reload_error(self._coordinator)
        if ruleset.version != self._version:
            self._version = ruleset.version
            self.events.add("ruleset", now, ok=True, ruleset=ruleset.name, version=ruleset.version, error=None)
            known = {rule.name for rule in ruleset.rules}
            self._starts = {name: starts for name, starts in self._starts.items() if name in known}
        if error != self._reload_error:
            self._reload_error = error
            if error is not None:
                self.events.add("ruleset", now, ok=False, ruleset=ruleset.name, version=ruleset.version, error=error)

    def _signal(self, change: Transition) -> dict[str, object]:
        signal = self._coordinator.engine.ruleset.signals.get(change.signal)
        return {
            "signal": change.signal,
            "rule": signal.rule if signal else None,
            "device": change.device,
            "owner": change.owner,
            "on": change.on,
            "lasted": change.lasted,
            "because": change.because,
        }

    def _edge(self, edge: Edge) -> None:
        name = edge.rule.name
        if edge.kind == "start":
            self._starts.setdefault(name, deque(maxlen=MAX_STARTS)).append(edge.timestamp)
        self.events.add("rule", edge.timestamp, **edge.to_dict())

    def since(self) -> Mapping[str, float]:
        """Return when each rule that matches the node began to match, in seconds since 1970."""
        return matching_since(self._coordinator)

    def starts_last_hour(self, name: str, now: float) -> int:
        """Return how often the rule *name* started to match in the hour before *now*."""
        starts = self._starts.get(name, ())
        return sum(1 for at in tuple(starts) if at > now - HOUR)
