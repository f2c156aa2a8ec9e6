"""The workloads and transfers that are known on a node, the node fields that follow, and orders left undone."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gpurules.logs import logger
from gpurules.model import Transfer, Workload

_LOGGER = logger("gpurules.coordinator")
MAX_PENDING = 100_000
NODE_FIELDS = frozenset(
    ("active_training", "active_inference", "active_workloads", "pending_transfers", "pending_bytes")
)
"""The fields of the node that follow from a schedule."""


@dataclass(slots=True)
class _Lease:
    workload: Workload
    ends: float | None


def _size(transfer: Transfer | None) -> float:
    """Return the size of a transfer, 0 where it is not known: `pending_bytes` counts the bytes that are known of."""
    return 0 if transfer is None or transfer.size is None else transfer.size


class Schedule:
    """A registry of workloads with leases, and of pending transfers. Thread-safe; time is an argument.

    Followers are called after each change, in the thread that made it and without the lock, before that thread goes on:
    what follows from a change is in force when the call that made it returns.

    Units: the *now* of leases in seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}
        self._pending: dict[str, Transfer] = {}
        self._pending_bytes: float = 0
        self.revision = 0
        self._followers: list[Callable[[], None]] = []
        self._workload_followers: list[Callable[[], None]] = []
        self.refused_transfers = 0
        self._uncarried: dict[tuple[str, str], int] = {}
        self._faults: dict[str, int] = {}

    def follow(self, follower: Callable[[], None], *, only_workloads: bool = False) -> Callable[[], None]:
        """Call *follower* after each change, or only after those of workloads, and return a function that ends that."""
        followers = self._workload_followers if only_workloads else self._followers
        followers.append(follower)
        return lambda: followers.remove(follower) if follower in followers else None

    def _notify(self, is_of_workloads: bool = False) -> None:
        for follower in (*self._followers, *(self._workload_followers if is_of_workloads else ())):
            try:
                follower()
            except Exception:  # a follower may be code of others, and what was registered is registered
                _LOGGER.exception("a schedule listener failed")

    def register(self, workload: Workload, now: float, lease_seconds: float | None = None) -> None:
        """Add or renew *workload*; with *lease_seconds* it lapses unless it is registered again in time.

        Raises:
            ValueError: the workload has no id.
        """
        if not workload.id:
            raise ValueError("a workload needs an id to be registered")
        ends = None if lease_seconds is None else now + lease_seconds
        with self._lock:
            self._leases[workload.id] = _Lease(workload, ends)
            self.revision += 1
        self._notify(is_of_workloads=True)

    def unregister(self, workload_id: str) -> bool:
        """Drop a workload, and return whether there was one."""
        with self._lock:
            was_there = self._leases.pop(workload_id, None) is not None
            self.revision += 1
        self._notify(is_of_workloads=True)
        return was_there

    def workload(self, workload_id: str | None, now: float) -> Workload | None:
        """Return the workload of that id, None where none is registered or its lease has lapsed; takes no lock."""
        lease = self._leases.get(workload_id) if workload_id else None
        return lease.workload if lease and (lease.ends is None or now < lease.ends) else None

    def workloads(self, now: float) -> tuple[Workload, ...]:
        """Return the workloads whose lease has not lapsed."""
        with self._lock:
            for name in [n for n, lease in self._leases.items() if lease.ends is not None and lease.ends <= now]:
                del self._leases[name]
            return tuple(lease.workload for lease in self._leases.values())

    def add(self, transfer: Transfer) -> bool:
        """Note a pending transfer, and return whether there was room for it.

        Raises:
            ValueError: the transfer has no id.
        """
        if not transfer.id:
            raise ValueError("a transfer needs an id to be scheduled")
        with self._lock:
            if transfer.id not in self._pending and len(self._pending) >= MAX_PENDING:
                self.refused_transfers += 1
                return False
            before = self._pending.get(transfer.id)
            self._pending[transfer.id] = transfer
            self._pending_bytes += _size(transfer) - _size(before)
            self.revision += 1
        self._notify()
        return True

    def remove(self, transfer_id: str) -> bool:
        """Drop a pending transfer, and return whether there was one."""
        with self._lock:
            before = self._pending.pop(transfer_id, None)
            if before is None:
                return False
            self._pending_bytes = self._pending_bytes - _size(before) if self._pending else 0
            self.revision += 1
        self._notify()
        return True

    def pending(self) -> tuple[Transfer, ...]:
        """Return the pending transfers."""
        with self._lock:
            return tuple(self._pending.values())

    @property
    def pending_count(self) -> int:
        """How many transfers are pending."""
        return len(self._pending)

    def count_uncarried(self, client: str, target: str) -> None:
        """Count an order of a rule, by the target of its directive, that the storage client could not carry out."""
        with self._lock:
            self._uncarried[client, target] = self._uncarried.get((client, target), 0) + 1

    @property
    def uncarried(self) -> dict[str, dict[str, int]]:
        """How often each client could not carry out an order, by its name and the target."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (client, target), count in self._uncarried.items():
                found.setdefault(client, {})[target] = count
        return found

    def count_fault(self, fault: str) -> None:
        """Count something that went wrong with a transfer and was dealt with, such as ``part_retried``."""
        with self._lock:
            self._faults[fault] = self._faults.get(fault, 0) + 1

    @property
    def faults(self) -> dict[str, int]:
        """What went wrong with transfers and was dealt with, counted by its name."""
        with self._lock:
            return dict(self._faults)

    def node(self, now: float) -> Mapping[str, object]:
        """Return the node fields that follow from what is registered."""
        workloads = self.workloads(now)
        with self._lock:
            pending, size = len(self._pending), self._pending_bytes
        return {
            "active_training": any(w.type == "training" for w in workloads),
            "active_inference": any(w.type == "inference" for w in workloads),
            "active_workloads": len(workloads),
            "pending_transfers": pending,
            "pending_bytes": size,
        }

    def shift(self, seconds: float) -> None:
        """Move the times at which transfers were created by *seconds*: the clock was set."""
        with self._lock:
            for name, transfer in self._pending.items():
                if transfer.created is not None:
                    self._pending[name] = replace(transfer, created=transfer.created + seconds)

    def after_fork(self) -> None:
        """Make the schedule usable in a forked child, whose parent may have been using it."""
        self._lock = threading.Lock()
