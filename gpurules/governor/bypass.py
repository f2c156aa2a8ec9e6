"""Transfers and parts that bypass the scheduler, because it would impose nothing on them."""

from math import inf

from gpurules.governor.decider import Decider
from gpurules.governor.gate import Gate
from gpurules.governor.requirements import NO_REQUIREMENTS
from gpurules.governor.scheduling.entry import TransferEntry, TransferState
from gpurules.model import Transfer


class Bypass:
    """Determines which transfers may bypass the scheduler, and counts them as if they had gone through it.

    Short transfers (a whole file in one read, a range) may, while no rule matches them, no limit is set, all priorities
    are equal, and no rule or callback depends on pending transfers. Takes no lock.
    """

    def __init__(self, gate: Gate, decider: Decider) -> None:
        self._gate = gate
        self._decider = decider

    def is_open(self, priority: float | None) -> bool:
        """Return whether only rules could delay a transfer of *priority*."""
        scheduler = self._gate.scheduler
        return (
            scheduler.slots.are_alike_for(priority or 0.0)
            and not scheduler.rates.has_shared
            and not self._gate.callbacks
            and not self._decider.reads_pending
        )

    def is_open_to_part(self, entry: TransferEntry) -> bool:
        """Return whether the next part of a running transfer would be admitted without any directive."""
        scheduler = self._gate.scheduler
        return (
            entry.state is TransferState.RUNNING
            and entry.requirements is NO_REQUIREMENTS
            and entry.lease_seconds is None
            and entry.deadline == inf  # the scheduler has timers for others
            and self._decider.engine.is_neutral
            and scheduler.slots.are_alike_for(entry.priority)
            and not scheduler.rates.has_shared
            and entry.id in scheduler.entries
        )

    @property
    def is_open_to_all(self) -> bool:
        """Whether currently no rule matches any transfer."""
        return self._decider.engine.is_neutral

    def is_open_to(self, transfer: Transfer) -> bool:
        """Return whether currently no rule matches *transfer*."""
        return self._decider.engine.is_neutral or self._decider.requirements(transfer) is NO_REQUIREMENTS

    def count(self, transfers: int, moved: float, failed: int = 0) -> None:
        """Count *transfers* that bypassed the scheduler, including *failed* failures.

        Units: *moved* in bytes.
        """
        self._gate.count_passed(transfers, moved, failed, self._decider.engine.is_stale)
