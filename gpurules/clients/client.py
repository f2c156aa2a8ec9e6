"""The interface of storage clients: which targets of a decision a client can carry out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from gpurules.actions import targets
from gpurules.actions.targets import TARGETS


class Capability(StrEnum):
    """The targets of directives that a client may carry out, by their names in a decision."""

    DELAY = targets.DELAY.name
    PAUSE = targets.PAUSED.name
    PRIORITY = targets.PRIORITY.name
    BANDWIDTH = targets.BANDWIDTH.name
    CONCURRENCY = targets.CONCURRENCY.name
    STAGE = targets.STAGE.name
    PREFETCH = targets.PREFETCH.name


GOVERNED = frozenset(capability for capability in Capability if TARGETS[capability].governed)
"""What the governor carries out for every client that asks it for its parts."""


class Client(Protocol):
    """A storage client whose behavior follows the rules."""

    @property
    def name(self) -> str:
        """Its name in messages and in the status."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The targets of directives that it carries out."""
        ...

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Apply the node's *directives*, by target; return those that it cannot carry out, which are counted."""
        ...

    def restore(self) -> None:
        """Restore the state before any directive."""
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
        """Return why it cannot be used on this machine, with a remedy; None if it can."""
        ...


class ClosedOnExit(ABC):
    """A client that leaving ``with`` closes."""

    @abstractmethod
    def close(self) -> None:
        """Release what the client holds."""

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()
