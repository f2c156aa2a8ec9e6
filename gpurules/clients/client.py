"""What a storage client is to the rules: what of a decision it can carry out."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from gpurules.actions import targets
from gpurules.actions.targets import TARGETS


class Capability(StrEnum):
    """A target of directives that a client may carry out, by the name that it has in a decision."""

    DELAY = targets.DELAY.name
    PAUSE = targets.PAUSED.name
    PRIORITY = targets.PRIORITY.name
    BANDWIDTH = targets.BANDWIDTH.name
    CONCURRENCY = targets.CONCURRENCY.name
    STAGE = targets.STAGE.name
    PREFETCH = targets.PREFETCH.name


GOVERNED = frozenset(Capability(name) for name, target in TARGETS.items() if target.governed)
"""What the governor carries out for every client that asks it for its parts."""


class Client(Protocol):
    """A storage client whose behavior follows the rules."""

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
