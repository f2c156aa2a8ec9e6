"""The transfer scheduler: which transfer moves next, how fast, and how long it is held."""

from gpurules.governor.asked import Asked
from gpurules.governor.entry import Change, Counts, Limits, State, TransferClass
from gpurules.governor.errors import DeadlinePassed, GovernorError, LeaseLapsed, QueueFull, TransferCancelled
from gpurules.governor.governor import Governor
from gpurules.governor.lane import Lane
from gpurules.governor.status import GovernorStatus, TransferStatus
from gpurules.governor.ticket import Part, Slot, Ticket

__all__ = [
    "Asked",
    "Change",
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
    "Slot",
    "State",
    "Ticket",
    "TransferCancelled",
    "TransferClass",
    "TransferStatus",
]
