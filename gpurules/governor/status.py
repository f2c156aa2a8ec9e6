"""The status of the governor."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from gpurules.engine.workloads import Schedule
from gpurules.governor.scheduling.entry import Counts, TransferEntry, TransferState
from gpurules.governor.scheduling.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """One transfer at one point in time.

    Units: ``size`` and ``bytes_moved`` in bytes; ``age``, ``held_for`` (so far, over its life) and ``held_still``
    (maximum remaining) in seconds.
    Missing: None if unknown, or if the transfer is not held; ``rules`` are those that hold it.
    """

    id: str
    path: str | None
    state: TransferState
    priority: float
    size: float | None
    bytes_moved: float
    age: float
    held_for: float
    held_still: float | None
    parts_moving: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GovernorStatus:
    """The governor at one point in time.

    Missing: ``slots`` None: there is one for every part.
    ``uncarried`` counts by client and target the directives that a storage client could not carry out, ``faults`` the
    errors of transfers that were handled.
    Units: ``rates`` in bytes/second.
    """

    transfers: tuple[TransferStatus, ...]
    slots: int | None
    slots_taken: int
    parts_ready: int
    rates: Mapping[str, float]
    counts: Counts
    uncarried: Mapping[str, Mapping[str, int]]
    faults: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return the status as JSON-ready data."""
        transfers = [{**asdict(t), "state": t.state.value, "rules": list(t.rules)} for t in self.transfers]
        return {
            "transfers": transfers,
            "slots": self.slots,
            "slots_taken": self.slots_taken,
            "parts_ready": self.parts_ready,
            "rates": dict(self.rates),
            "counts": asdict(self.counts),
            "uncarried": {client: dict(targets) for client, targets in self.uncarried.items()},
            "faults": dict(self.faults),
        }


def status_of(scheduler: Scheduler, now: float, schedule: Schedule) -> GovernorStatus:
    """Return the status of *scheduler*, with the counts of *schedule*."""
    return GovernorStatus(
        tuple(_transfer(entry, now) for entry in scheduler.entries.values()),
        scheduler.limits.slots,
        len(scheduler.slots.moving),
        len(scheduler.ready),
        dict(scheduler.rates.rates),
        Counts(**asdict(scheduler.counts)),
        schedule.uncarried,
        schedule.faults,
    )


def _transfer(entry: TransferEntry, now: float) -> TransferStatus:
    until = entry.held_until
    return TransferStatus(
        entry.id,
        entry.transfer.path,
        entry.state,
        entry.priority,
        entry.transfer.size,
        entry.bytes_moved,
        now - entry.seen_at,
        entry.holds.held_seconds(now),
        None if until is None else max(0.0, until - now),
        entry.moving,
        () if until is None else entry.holds.rules(now, entry.has_begun),
    )
