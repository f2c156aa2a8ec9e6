"""The baseline of a run of the linter: read, held against what was found, and written anew where that is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gpurules.cli.files import read_at_most
from gpurules.cli.linting import Request, Sources
from gpurules.diagnostics import Diagnostic
from gpurules.linter import FROM_HISTORY, Policy, baseline
from gpurules.linter.baseline import Entry
from gpurules.rules.discovery import is_test


@dataclass(frozen=True, slots=True)
class Looked:
    """Where a run has looked, and for what: only of that can it tell that an entry no longer occurs."""

    sources: Sources
    policy: Policy

    def saw(self, entry: Entry) -> bool:
        """Return whether the finding of *entry* would have been found, were it still there."""
        codes = self.policy.codes if self.policy.recordings else self.policy.codes - FROM_HISTORY
        path = Path(entry.path)
        return entry.code in codes and (entry.path in self.sources or is_test(path, False) or not path.exists())


def against_baseline(found: list[Diagnostic], request: Request, looked: Looked) -> list[Diagnostic]:
    """Return the findings that the baseline does not know, and its stale entries; write it anew where that is asked.

    Raises:
        click.UsageError: there is no baseline to hold them against.
    """
    path = request.baseline
    if path is None:
        if request.update_baseline:
            raise click.UsageError("--update-baseline needs --baseline FILE")
        return found
    is_new = not path.exists()
    if is_new and not request.update_baseline:
        raise click.UsageError(f"{path}: no such file; --update-baseline makes it")
    known = [] if is_new else baseline.read(read_at_most(path).decode("utf-8", "replace"))
    if request.update_baseline:
        unseen = [entry for entry in known if not looked.saw(entry)]
        seen = [entry for entry in known if looked.saw(entry)]
        kept = baseline.entries(found) if is_new or request.allow_growth else baseline.shrunk(found, seen)
        known = [*unseen, *kept]
        path.write_text(baseline.written(known), encoding="utf-8")
    return [*baseline.unknown(found, known), *_stale(found, known, path, looked)]


def stale_in(text: str, path: Path, found: Sequence[Diagnostic], looked: Looked) -> list[Diagnostic]:
    """Return a finding for each entry of the baseline of *text* that no longer occurs among *found*."""
    return _stale(found, baseline.read(text), path, looked)


def _stale(found: Sequence[Diagnostic], known: Sequence[Entry], path: Path, looked: Looked) -> list[Diagnostic]:
    if "GPR905" not in looked.policy.codes:
        return []
    return baseline.stale(found, [entry for entry in known if looked.saw(entry)], path.as_posix())
