"""Errors for transfers that are not admitted."""

from gpurules.errors import GpurulesError


class GovernorError(GpurulesError):
    """Base class of errors raised to callers of the governor."""


class QueueFull(GovernorError):
    """The queue is full; the transfer was not queued."""


class DeadlinePassed(GovernorError):
    """The transfer's deadline passed before its part was admitted."""


class TransferCancelled(GovernorError):
    """The transfer was cancelled."""


class LeaseLapsed(GovernorError):
    """The transfer's lease was not renewed in time."""
