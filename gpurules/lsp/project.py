"""What the language server asks of its host: the project's configuration, and where mistakes of ours are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy


@dataclass(frozen=True, slots=True)
class Settings:
    """How one file is checked.

    Missing: ``problem`` is None where the configuration can be read; else it says why not, and the defaults hold.
    """

    policy: Policy
    is_excluded: bool = False
    problem: str | None = None


class Project(Protocol):
    """The host of a language server."""

    @property
    def version(self) -> str:
        """The version of gpurules."""
        ...

    def settings(self, path: str | None) -> Settings:
        """Return how the file at *path* is checked; None: a text that was never saved."""
        ...

    def check_configuration(self, text: str, path: str) -> Sequence[Diagnostic]:
        """Return what is wrong with the *text* of a configuration file.

        Raises:
            ValueError: it can not be read at all; the message says why.
        """
        ...

    def page(self, code: str) -> str | None:
        """Return the path of the page about a diagnostic code, None where there is none."""
        ...

    def record(self, error: Exception) -> str:
        """Keep the details of a mistake of ours, and return where."""
        ...
