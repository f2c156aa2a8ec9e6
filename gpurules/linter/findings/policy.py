"""What a run of the linter reports: which codes, in which files, on which day."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date
from types import MappingProxyType

from gpurules.diagnostics import DEFAULT_CODES
from gpurules.input_files import is_among
from gpurules.linter.history import RecordedSnapshots
from gpurules.linter.work import WORK, WitnessMemory, always
from gpurules.records import Record, record


def _none() -> Mapping[str, frozenset[str]]:
    return MappingProxyType({})


@record
class Policy(Record):
    """Which findings are selected.

    ``ignored_in`` has codes by the glob of the paths in which they are not reported.
    ``work`` bounds the semantic analysis of each ruleset, in steps; ``unanalyzed`` collects what it could not decide.
    ``recordings`` are what rules are judged by; without any nothing is said of what they show.
    ``is_wanted`` is asked often: once it says no, the linter gives up with an AbandonedError.
    ``witnesses`` are known from a lint before.
    Missing: without ``today`` no suppression ever expires; ``unanalyzed`` and ``witnesses`` are None if not needed.
    """

    codes: frozenset[str] = DEFAULT_CODES
    ignored_in: Mapping[str, frozenset[str]] = field(default_factory=_none)
    today: date | None = None
    work: int = WORK
    recordings: tuple[RecordedSnapshots, ...] = ()
    unanalyzed: list[str] | None = field(default=None, compare=False)
    is_wanted: Callable[[], bool] = field(default=always, compare=False)
    witnesses: WitnessMemory | None = field(default=None, compare=False)

    def codes_in(self, path: str | None) -> frozenset[str]:
        """Return the codes that are reported in the file *path*.

        >>> sorted(Policy(frozenset({"GPR101", "GPR105"}), {"old/*": frozenset({"GPR105"})}).codes_in("old/a.yaml"))
        ['GPR101']
        """
        codes = self.codes
        for glob, ignored in self.ignored_in.items():
            if is_among(path or "", (glob,)):
                codes -= ignored
        return codes
