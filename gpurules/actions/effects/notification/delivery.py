"""Deliveries: what became of each event on its way to a receiver, and how a handler says that it may succeed later."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from gpurules.actions.action import ActionError, Effect, Event
from gpurules.model import GPUIndex
from gpurules.strict_json import dumps

RETRIES: dict[str, object] = {
    "retry_for": {
        "type": "number",
        "minimum": 0,
        "maximum": 86400,
        "default": 3600,
        "x-dimension": "seconds",
        "description": "How long a delivery that fails is retried; 0: it is attempted once.",
        "examples": ["10m"],
    },
    "retries": {
        "type": "integer",
        "minimum": 0,
        "maximum": 100,
        "description": "Maximum number of retries within that time; by default any number.",
        "examples": [5],
    },
    "backoff": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 3600,
        "default": 1,
        "x-dimension": "seconds",
        "description": "Delay before the first retry. It doubles for each further retry, up to 1 minute, and is "
        "shortened at random by up to half.",
        "examples": ["1s"],
    },
}
"""The schemas of the parameters that say how a delivery is repeated."""


class RefusedError(ActionError):
    """The receiver refused for good: trying again would not help."""


class RetryLater(ActionError):
    """This attempt failed, and a later one may succeed.

    ``of_receiver``: whatever else goes there would fail now, too.
    Units: ``after`` in seconds.
    Missing: ``after`` None: the receiver does not say when.
    """

    def __init__(self, message: str, after: float | None = None, of_receiver: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.of_receiver = of_receiver


class DeliveryState(StrEnum):
    """What became of an event. Superseded: a later event of its episode says more, and was queued in its place."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one receiver; without secrets.

    Units: ``timestamp`` (of the event) in seconds since 1970.
    Missing: ``reason`` None: nothing has gone wrong so far.
    """

    id: str
    action: str
    receiver: str
    rule: str
    edge: str
    timestamp: float
    device: GPUIndex | None
    transfer: str | None
    state: DeliveryState
    attempts: int = 0
    reason: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


def event_id(event: Event) -> str:
    """Return the idempotency key of this event: the same at every attempt, so that a receiver can detect repeats."""
    of = (event.values.get("host"), event.transfer.id if event.transfer else None)
    what = (event.rule, event.edge, repr(event.timestamp), *of, *(() if event.device is None else (event.device,)))
    return _digest(what)


def episode_id(event: Event) -> str:
    """Return a key that stays the same for all events of a rule on a host, a transfer, and a GPU where it is apart."""
    transfer = event.transfer.id if event.transfer else None
    return _digest((event.rule, event.values.get("host"), transfer, event.device))


def _digest(what: object) -> str:
    return hashlib.sha256(dumps(what, default=str, ascii_only=True).encode()).hexdigest()[:32]


def receiver_of(effect: Effect, event: Event) -> str:
    """Return what one queue is for: an action, and the host that it calls, without user, password or path."""
    place = event.parameters.get("url", event.parameters.get("server"))
    if not isinstance(place, str):
        return effect.name
    try:
        parts = urlsplit(place if "://" in place else f"//{place}")
        return f"{effect.name} {parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return effect.name
