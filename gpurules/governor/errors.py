"""Why a transfer was not admitted."""

from gpurules.errors import GpurulesError


class GovernorError(GpurulesError):
    """Base class of errors raised to callers of the governor."""


class QueueFull(GovernorError):
    """As many transfers wait as may; nothing was queued."""


class DeadlinePassed(GovernorError):
    """The transfer's deadline passed before its part was admitted."""


class TransferCancelled(GovernorError):
    """The transfer was cancelled."""


class LeaseLapsed(GovernorError):
    """The transfer's lease was not renewed in time."""
