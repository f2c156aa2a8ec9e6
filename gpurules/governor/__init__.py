"""The transfer scheduler: which transfer moves next, how fast, and how long it is held.

::

    client -> Governor.transfer -> Ticket.part() -> gate (leader/follower, one lock) -> scheduling/ (pure)
                                    |
                                 decider -> requirements      what the rules require of the transfer now
                                 bypass                       transfers on which nothing is imposed

Callbacks are called outside of the gate's lock. The entry point is ``Governor``.
"""

from gpurules.governor.errors import DeadlinePassed, GovernorError, LeaseLapsed, QueueFull, TransferCancelled
from gpurules.governor.governor import Governor
from gpurules.governor.requirements import Requirements
from gpurules.governor.scheduling.entry import Counts, Limits, StateChange, TransferClass, TransferState
from gpurules.governor.scheduling.lane import Lane
from gpurules.governor.status import GovernorStatus, TransferStatus
from gpurules.governor.ticket import Part, Slot, Ticket

__all__ = [
    "Counts",
    "DeadlinePassed",
    "Governor",
    "GovernorError",
    "GovernorStatus",
    "Lane",
    "LeaseLapsed",
    "Limits",
    "Part",
    "QueueFull",
    "Requirements",
    "Slot",
    "StateChange",
    "Ticket",
    "TransferCancelled",
    "TransferClass",
    "TransferState",
    "TransferStatus",
]
