"""Why a transfer was not let through."""

from gpurules.errors import GpurulesError


class GovernorError(GpurulesError):
    """Base of what the governor raises to the one who asks for a transfer."""


class QueueFull(GovernorError):
    """As many transfers wait as may; nothing was queued."""


class DeadlinePassed(GovernorError):
    """The transfer's deadline passed before its part was let through."""


class TransferCancelled(GovernorError):
    """The transfer was cancelled."""


class LeaseLapsed(GovernorError):
    """Nobody renewed the transfer's lease in time."""
