"""The agent: one coordinator, its recordings, and the followers of its revisions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gpurules.engine import Coordinator, PollReport
from gpurules.engine.inspection import steady_clock, wall_clock
from gpurules.fields import Field
from gpurules.service.state import sections
from gpurules.service.state.past import Past
from gpurules.service.state.recorder import Recorder
from gpurules.service.state.revisions import Revisions
from gpurules.service.state.transfers import TransferBook
from gpurules.service.wire.decisions import DecisionEncoder, decision_data

MAX_SHOWN = 1000
"""The most transfers that are streamed; there are more at ``/v1/transfers``."""


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """The options of an agent. Missing: ``history`` None: there is no recording store."""

    has_page: bool = True
    history: str | None = None


class Agent:
    """The state that all operations share. Requests are handled in one thread, the coordinator polls in another."""

    def __init__(self, coordinator: Coordinator, options: AgentOptions | None = None) -> None:
        first = int(time.time() * 1000)
        self.coordinator = coordinator
        self.options = options or AgentOptions()
        self.started_at = time.time()
        self.clock = wall_clock(coordinator)
        self._steady = steady_clock(coordinator)
        self.recorder = Recorder(coordinator, first)
        self.past = Past(coordinator, self.recorder.samples, self.options.history)
        self.transfers = TransferBook(coordinator)
        self.encoder = DecisionEncoder()
        self.revisions = Revisions(first, self._sections(), self.recorder.events, self.clock, self._standing)
        self.is_draining = False
        self.polled_at = time.monotonic()
        self._ends = (
            coordinator.on_poll(self._note),
            coordinator.schedule.follow(self.revisions.bump),
        )

    def _sections(self) -> Mapping[str, Callable[[], object]]:
        coordinator = self.coordinator
        return {
            "directives": partial(self._directives),
            "status": partial(sections.status, coordinator),
            "snapshot": partial(sections.snapshot, coordinator),
            "signals": partial(sections.signals, coordinator),
            "rules": partial(sections.rule_states, coordinator, self.recorder),
            "transfers": partial(self._transfers),
            "workloads": partial(sections.workloads, coordinator),
        }

    def _directives(self) -> dict[str, object]:
        return decision_data(self.coordinator.decide())

    def _standing(self) -> object:
        coordinator = self.coordinator
        return coordinator.is_enabled, coordinator.engine.bound.standing, coordinator.schedule.workloads(self._steady())

    def _transfers(self) -> dict[str, object]:
        return {str(row["id"]): row for row in self.transfers.rows()[:MAX_SHOWN]}

    def _note(self, report: PollReport) -> None:
        self.polled_at = time.monotonic()
        self.transfers.drop_lapsed()
        self.recorder.note(report)
        self.revisions.bump()

    @property
    def declared(self) -> Mapping[str, Field]:
        """The fields that the active ruleset declares."""
        return self.coordinator.engine.ruleset.fields

    def close(self) -> None:
        """Stop following the coordinator."""
        for end in self._ends:
            end()
