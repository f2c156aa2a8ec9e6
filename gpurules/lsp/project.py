"""The interface of the language server to its host: the project's configuration, and a place for error reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy
from gpurules.model import Snapshot, Transfer, Workload


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """The settings for checking a file.

    Missing: ``problem`` None: the configuration can be read; otherwise it says why not, and the defaults apply.
    """

    policy: Policy
    is_excluded: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FactsAtHand:
    """The given facts, on which names and rules have a value; ``title`` names their origin.

    Missing: ``problem`` None: they can be read; otherwise it says why not, and there are none.
    """

    title: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    transfer: Transfer | None = None
    workload: Workload | None = None
    node: Mapping[str, object] | None = None
    problem: str | None = None


class Project(Protocol):
    """The host of a language server."""

    @property
    def version(self) -> str:
        """The version of gpurules."""
        ...

    def settings(self, path: str | None) -> DocumentSettings:
        """Return the settings for the file at *path*; None: a document that was never saved."""
        ...

    def check_configuration(self, text: str, path: str) -> Sequence[Diagnostic]:
        """Return the mistakes in the *text* of a configuration file.

        Raises:
            ValueError: it cannot be read; the message says why.
        """
        ...

    def facts_at_hand(self) -> FactsAtHand | None:
        """Return the given facts, None if none were given."""
        ...

    def page(self, code: str) -> str | None:
        """Return the path of the page about a diagnostic code; None if there is none."""
        ...

    def record(self, error: BaseException) -> str:
        """Save the details of an internal error, and return the path."""
        ...
