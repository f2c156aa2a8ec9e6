"""The scheduler's records of transfers and of requests for parts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from gpurules.governor.errors import GovernorError
from gpurules.governor.requirements import NO_REQUIREMENTS, Requirements
from gpurules.governor.scheduling.holds import Holds
from gpurules.governor.scheduling.lane import Lane
from gpurules.model import Transfer


class TransferState(StrEnum):
    """The state of a transfer."""

    QUEUED = "queued"
    HELD = "held"
    RUNNING = "running"
    PAUSED = "paused"
    STAGED = "staged"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


class TransferClass(StrEnum):
    """Transfers by current priority, including boosts: above 0, 0, below 0."""

    URGENT = "urgent"
    NORMAL = "normal"
    BACKGROUND = "background"

    @classmethod
    def of(cls, priority: float) -> "TransferClass":
        """Return the class for a priority."""
        return cls.NORMAL if priority == 0 else cls.URGENT if priority > 0 else cls.BACKGROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The governor's limits, independent of rules.

    ``slots``: the number of parts in flight; ``queue``: the number of transfers that may wait for their first part;
    ``age_rate``: the priority that a second of waiting adds.

    Units: ``age_rate`` in 1/second, ``refresh_seconds`` (the maximum age of a decision) in seconds.
    Missing: ``slots`` None: unlimited: transfers that no rule affects never wait; if priorities differ, parts below the
    highest wait while 16 move.

    Raises:
        ValueError: a limit is not above 0.
    """

    slots: int | None = None
    queue: int = 10_000
    age_rate: float = 1.0
    refresh_seconds: float = 2.0

    def __post_init__(self) -> None:
        """Reject limits that would block all transfers."""
        for name in ("slots", "queue", "age_rate", "refresh_seconds"):
            if name == "slots" and self.slots is None:
                continue
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name!r} is a number above 0, not {getattr(self, name)!r}")


@dataclass(slots=True, eq=False)
class TransferEntry:
    """A transfer in the scheduler.

    Units: times in seconds of a monotonic clock, ``bytes_moved`` in bytes.
    Missing: ``lease_seconds`` None: it needs no renewal; ``held_until`` None: it is not held; ``error`` None: it was
    not stopped.
    """

    id: str
    transfer: Transfer
    seen_at: float
    deadline: float = inf
    lease_seconds: float | None = None
    lease_ends: float = inf
    lease_timer: float = inf
    requirements: Requirements = NO_REQUIREMENTS
    decided_at: float = -inf
    holds: Holds = field(default_factory=Holds)
    state: TransferState = TransferState.QUEUED
    held_until: float | None = None
    has_begun: bool = False
    is_staged: bool = False
    waiting: list["SlotRequest"] = field(default_factory=list)
    moving: int = 0
    bytes_moved: float = 0.0
    error: GovernorError | None = None

    @property
    def priority(self) -> float:
        """The caller's priority plus boosts of rules."""
        return (self.transfer.priority or 0.0) + self.requirements.boost


def wake_no_one() -> None:
    """Wake no waiter."""


@dataclass(slots=True, eq=False)
class SlotRequest:
    """A request of a part for a slot.

    Units: ``size`` in bytes, 0 if unknown in advance; times in seconds.
    Missing: ``granted_at`` and ``error`` are None while it waits; one of them is set when it is answered; ``lane``
    None: it shares its place with no other part.
    """

    entry: TransferEntry
    size: float
    wake: Callable[[], object] = wake_no_one
    order: int = 0
    ready_at: float = 0.0
    key: float = 0.0
    rank: TransferClass = TransferClass.NORMAL
    granted_at: float | None = None
    error: GovernorError | None = None
    lane: Lane | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it was admitted or rejected."""
        return self.granted_at is not None or self.error is not None


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state transition of a transfer.

    Units: ``at`` in seconds of the governor's clock.
    Missing: ``before`` is None for a new transfer.
    """

    transfer: Transfer
    before: TransferState | None
    after: TransferState
    at: float
    rules: tuple[str, ...] = ()


@dataclass(slots=True)
class Counts:
    """Counts since the start.

    Units: ``bytes_moved`` in bytes, ``held_seconds`` in seconds.
    """

    submitted: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    refused: int = 0
    past_deadline: int = 0
    lapsed: int = 0
    parts: int = 0
    bytes_moved: float = 0.0
    holds: int = 0
    pauses: int = 0
    held_seconds: float = 0.0
    decisions_failed: int = 0
    decisions_stale: int = 0

    def count_passed(self, transfers: int, moved: float, failed: int, is_stale: bool) -> None:
        """Count one-part transfers that bypassed the scheduler, on stale or current telemetry."""
        self.submitted += transfers
        self.parts += transfers
        self.done += transfers - failed
        self.failed += failed
        self.bytes_moved += moved
        self.decisions_stale += transfers * is_stale

    def count_end(self, state: TransferState) -> None:
        """Count a transfer that ended in *state*."""
        match state:
            case TransferState.DONE:
                self.done += 1
            case TransferState.CANCELLED:
                self.cancelled += 1
            case _:
                self.failed += 1
