"""Transfers that clients register: their progress reports and leases."""

import threading
from dataclasses import dataclass
from typing import NamedTuple

from gpurules.actions import is_directive
from gpurules.actions.decision import Decision
from gpurules.engine import Coordinator
from gpurules.engine.inspection import steady_clock, wall_clock
from gpurules.model import Transfer

STATES = ("queued", "held", "running", "paused", "staged")
DEFAULT_LEASE_SECONDS = 60.0
MAX_LEASE_SECONDS = 86_400.0


class Report(NamedTuple):
    """A client's report on a transfer.

    Units: ``bytes_moved`` in bytes, ``lease_seconds`` in seconds.
    Missing: ``state`` and ``bytes_moved`` None: not reported.
    """

    transfer: Transfer
    state: str | None = None
    bytes_moved: float | None = None
    lease_seconds: float = DEFAULT_LEASE_SECONDS


@dataclass(slots=True)
class _Entry:
    report: Report
    since: float
    ends: float
    expires: float


def _holding_rules(decision: Decision) -> list[str]:
    """Return the rules that currently make the transfer wait."""
    targets = {name for name, holds in (("delay", decision.delay > 0), ("paused", decision.paused)) if holds}
    return [
        match.rule
        for match in (decision.matched if targets else ())
        if any(is_directive(one.action) and one.action.target in targets for one in match.actions)
    ]


class TransferBook:
    """The transfers that are registered over HTTP, with leases. Thread-safe."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._clock, self._wall = steady_clock(coordinator), wall_clock(coordinator)
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def put(self, report: Report) -> Decision | None:
        """Register or renew a transfer, and return the decision for it; None if the limit is reached."""
        now, name = self._clock(), report.transfer.id or ""
        if not self._coordinator.schedule.add(report.transfer):
            return None
        with self._lock:
            known = self._entries.get(name)
            wall = self._wall()
            since = known.since if known else wall
            self._entries[name] = _Entry(report, since, now + report.lease_seconds, wall + report.lease_seconds)
        return self._coordinator.decide(report.transfer)

    def remove(self, name: str) -> bool:
        """Remove a transfer, and return whether it was registered."""
        with self._lock:
            self._entries.pop(name, None)
        return self._coordinator.complete_transfer(name)

    def drop_lapsed(self) -> None:
        """Remove the transfers whose lease has expired: their client is gone."""
        now = self._clock()
        with self._lock:
            lapsed = [name for name, entry in self._entries.items() if entry.ends <= now]
        for name in lapsed:
            self.remove(name)

    def rows(self) -> list[dict[str, object]]:
        """Return every pending transfer with its facts and decision, JSON-ready."""
        with self._lock:
            entries = dict(self._entries)
        return [self._row(transfer, entries.get(transfer.id or "")) for transfer in self._pending()]

    def row(self, name: str) -> dict[str, object] | None:
        """Return one pending transfer as ``rows`` does; None if there is none."""
        transfer = next((one for one in self._pending() if one.id == name), None)
        return None if transfer is None else self._row(transfer, self._entries.get(name))

    def _pending(self) -> tuple[Transfer, ...]:
        return self._coordinator.schedule.pending()

    def _row(self, transfer: Transfer, entry: _Entry | None) -> dict[str, object]:
        decision = self._coordinator.decide(transfer)
        report = entry.report if entry else None
        return {
            "id": transfer.id,
            "transfer": transfer.to_dict(),
            "state": report.state if report else None,
            "bytes_moved": report.bytes_moved if report else None,
            "since": entry.since if entry else transfer.created,
            "expires": entry.expires if entry else None,
            "rules": list(decision.rules),
            "held_by": _holding_rules(decision),
            "delay": decision.delay,
            "paused": decision.paused,
            "priority_boost": decision.priority_boost,
            "staged": decision.stage is not None,
        }
