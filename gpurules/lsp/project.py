"""What the language server asks of its host: the project's configuration, and where mistakes of ours are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy
from gpurules.model import Snapshot, Transfer, Workload


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """How one file is checked.

    Missing: ``problem`` is None where the configuration can be read; else it says why not, and the defaults hold.
    """

    policy: Policy
    is_excluded: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class FactsAtHand:
    """Facts at hand, for which names and rules have a value; ``title`` says where they are from.

    Missing: ``problem`` is None where they can be read; else it says why not, and there are none.
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
        """Return how the file at *path* is checked; None: a text that was never saved."""
        ...

    def check_configuration(self, text: str, path: str) -> Sequence[Diagnostic]:
        """Return what is wrong with the *text* of a configuration file.

        Raises:
            ValueError: it cannot be read at all; the message says why.
        """
        ...

    def moment(self) -> FactsAtHand | None:
        """Return the given facts, None if none were given."""
        ...

    def page(self, code: str) -> str | None:
        """Return the path of the page about a diagnostic code, None where there is none."""
        ...

    def record(self, error: BaseException) -> str:
        """Keep the details of a mistake of ours, and return where."""
        ...
