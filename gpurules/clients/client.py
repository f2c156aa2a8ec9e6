"""What a storage client is to the rules: what of a decision it can carry out."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """A target of directives, by the name that it has in a decision."""

    DELAY = "delay"
    PAUSE = "paused"
    PRIORITY = "priority_boost"
    BANDWIDTH = "max_bandwidth"
    CONCURRENCY = "max_concurrency"
    STAGE = "stage"
    PREFETCH = "prefetch_factor"


GOVERNED = frozenset(
    {Capability.DELAY, Capability.PAUSE, Capability.PRIORITY, Capability.BANDWIDTH, Capability.CONCURRENCY}
)
"""What the governor carries out for every client that asks it for its parts."""


class Client(Protocol):
    """A storage client whose behaviour follows the rules."""

    @property
    def name(self) -> str:
        """What it is called in messages and in the status."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The targets of directives that it carries out."""
        ...

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Put the node's *directives* in force, by target, and return those that it cannot carry out; they count."""
        ...

    def restore(self) -> None:
        """Go back to how it was before any directive."""
        ...


class ClientKind(Protocol):
    """A kind of client, as ``gpurules doctor`` shows it."""

    @property
    def name(self) -> str:
        """Its unique name."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The targets of directives that clients of this kind carry out."""
        ...

    def unavailable(self) -> str | None:
        """Return why it cannot be used on this machine and what to do about it; None where it can."""
        ...
