"""The baseline of a linter run: read, compared with the findings, and rewritten on request."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from gpurules.cli.inputs.files import read_at_most
from gpurules.cli.inputs.rulesets import PREFIX
from gpurules.cli.lint.linter_run import LintRequest, Sources
from gpurules.diagnostics import Diagnostic, Severity
from gpurules.diagnostics.catalogue import LINT_ONLY
from gpurules.linter import (
    CHECKS,
    FROM_HISTORY,
    BaselineEntry,
    BaselineError,
    Policy,
    baseline_entries,
    new_findings,
    parse_baseline,
    render_baseline,
    shrink_baseline,
    stale_entries,
)
from gpurules.output_files import write_file
from gpurules.rules.files import is_test
from gpurules.rules.yaml import MAX_BYTES


@dataclass(frozen=True, slots=True)
class Looked:
    """The files and codes that a run checked: only for those can it report that an entry no longer occurs."""

    sources: Sources
    policy: Policy

    def saw(self, entry: BaselineEntry, found: Sequence[Diagnostic]) -> bool:
        """Return whether the finding of *entry*, if it still existed, would be among *found*.

        In a file with errors, semantic checks do not run.
        """
        codes = self.policy.codes if self.policy.recordings else self.policy.codes - FROM_HISTORY
        if any(d.path == entry.path and stops_loading(d) for d in found):
            codes -= _OF_CHECKS
        path = Path(entry.path)
        return entry.code in codes and (entry.path in self.sources or is_test(path, False) or not path.exists())


_OF_CHECKS = frozenset(check.about.code for check in CHECKS)


def stops_loading(found: Diagnostic) -> bool:
    """Return whether a finding is an error that prevents a ruleset from loading."""
    return found.severity is Severity.ERROR and found.code not in LINT_ONLY


def _from_baseline(path: str, baseline_path: Path) -> str:
    """Return *path* as a baseline stores it: relative to its own folder, independent of the working directory."""
    if path.startswith((PREFIX, "<")):
        return path
    return Path(os.path.relpath(path, baseline_path.parent)).as_posix()


def _known(text: str, path: Path, found: Sequence[Diagnostic], looked: Looked) -> list[BaselineEntry]:
    """Return the entries of the baseline *text*, with paths as this run spells them."""
    spellings = {_from_baseline(one, path): one for one in (*looked.sources, *(d.path or "" for d in found)) if one}
    try:
        entries = parse_baseline(text)
    except BaselineError as error:
        raise BaselineError(f"{path}: {error}; remove it, and --update-baseline creates a new one") from None
    return [replace(entry, path=spellings.get(entry.path, (path.parent / entry.path).as_posix())) for entry in entries]


def _text(path: Path) -> str:
    """Return the text of the baseline at *path*.

    Raises:
        BaselineError: it is too large to be a baseline.
        OSError: it cannot be read.
    """
    data = read_at_most(path)
    if len(data) > MAX_BYTES:
        raise BaselineError(f"{path}: it is larger than {MAX_BYTES >> 20} MiB, which is too large for a baseline")
    return data.decode("utf-8", "replace")


def _written(entries: Sequence[BaselineEntry], path: Path) -> str:
    return render_baseline([replace(entry, path=_from_baseline(entry.path, path)) for entry in entries])


def against_baseline(found: list[Diagnostic], request: LintRequest, looked: Looked) -> list[Diagnostic]:
    """Return the findings that are not in the baseline, and its stale entries; rewrite it if requested.

    Raises:
        click.UsageError: there is no baseline to compare with.
    """
    path = request.baseline
    if path is None:
        if request.update_baseline:
            raise click.UsageError("--update-baseline needs --baseline FILE")
        return found
    is_new = not path.exists()
    if is_new and not request.update_baseline:
        raise click.UsageError(f"{path}: no such file; --update-baseline creates it")
    known = [] if is_new else _known(_text(path), path, found, looked)
    if request.update_baseline:
        unseen = [entry for entry in known if not looked.saw(entry, found)]
        seen = [entry for entry in known if looked.saw(entry, found)]
        kept = baseline_entries(found) if is_new or request.allow_growth else shrink_baseline(found, seen)
        known = [*unseen, *kept]
        write_file(path, _written(known, path))
    return [*new_findings(found, known), *_stale(found, known, path, looked)]


def stale_in(text: str, path: Path, found: Sequence[Diagnostic], looked: Looked) -> list[Diagnostic]:
    """Return a finding for each entry of the baseline *text* that no longer occurs among *found*."""
    return _stale(found, _known(text, path, found, looked), path, looked)


def _stale(found: Sequence[Diagnostic], known: Sequence[BaselineEntry], path: Path, looked: Looked) -> list[Diagnostic]:
    if "GPR905" not in looked.policy.codes:
        return []
    return stale_entries(found, [entry for entry in known if looked.saw(entry, found)], path.as_posix())
