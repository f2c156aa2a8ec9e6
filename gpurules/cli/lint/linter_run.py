"""One run of the linter over many files: findings, fixes, the baseline, and the reports."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpurules.cli.inputs.files import excerpt_source, read_stdin, ruleset_files, text_to_show, without_excluded
from gpurules.cli.lint.repo_paths import FOR_SERVICES, from_root
from gpurules.cli.project.code_selection import chosen_codes, statistics
from gpurules.cli.project.configuration import Configuration
from gpurules.cli.terminal.output import has_color, report_json, save, say_drawn, table, terminal_width
from gpurules.cli.terminal.progress import with_progress
from gpurules.cli.test.project_tests import ProjectTests
from gpurules.diagnostics import Diagnostic, Format, render
from gpurules.diagnostics.render import sort_diagnostics
from gpurules.diagnostics.reports import sarif
from gpurules.linter import Policy, lint, lints
from gpurules.model import Snapshot
from gpurules.rules.files import dependents

Sources = Mapping[str, bytes | None]

if TYPE_CHECKING:
    from gpurules.engine.recordings import Recording
    from gpurules.history.store.exchange import StoredRecording


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRequest:
    """The options of ``gpurules lint``, by name."""

    output_format: str
    output_file: Path | None
    report: tuple[str, ...]
    fail_on: str
    select: tuple[str, ...]
    extend_select: tuple[str, ...]
    ignore: tuple[str, ...]
    fix: bool
    unsafe_fixes: bool
    diff: bool
    since: str | None
    dependents: bool
    baseline: Path | None
    update_baseline: bool
    allow_growth: bool
    emit_test: Path | None
    history: tuple[str, ...]
    recorded: Mapping[str, object]
    by_code: bool
    allow_empty: bool
    analysis_steps: int
    docs_url: str
    verbose: bool
    stdin_filename: str
    config: str | None
    isolated: bool

    def policy(self, configuration: Configuration) -> Policy:
        """Return the policy on findings as of today."""
        codes = chosen_codes(self.select, self.extend_select, self.ignore)
        return Policy(codes, configuration.ignored_in, date.today(), self.analysis_steps, self._recordings(), [])

    def _recordings(self) -> tuple[Iterable[Snapshot], ...]:
        """Return the recordings that rules are checked against.

        Raises:
            click.UsageError: options for reading recordings are given, but no recording.
        """
        if not self.history:
            for name in self.recorded:
                raise click.UsageError(f"--{name.replace('_', '-')} requires --history")
            return ()
        from gpurules.cli.inputs.telemetry import (
            recordings_at,  # imports every source, which linting alone does not need
        )

        found = [one for path in self.history for one in recordings_at(path, self.recorded)]
        return tuple(WatchedRecording(one) for one in found)


class WatchedRecording:
    """Wraps a recording and shows how much of it has been read."""

    def __init__(self, recording: "Recording | StoredRecording") -> None:
        self._recording = recording

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield its snapshots, from the start."""
        recording = self._recording
        return with_progress(iter(recording), f"snapshots of {recording.path}", file=recording)

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the recording, such as its problems."""
        return getattr(self._recording, name)


def usual_format() -> str:
    """Return the default format of a report: GitHub's own in a GitHub workflow."""
    return (Format.GITHUB if os.environ.get("GITHUB_ACTIONS") == "true" else Format.FULL).value


def sources_of(paths: Sequence[str], stdin_name: str, configuration: Configuration) -> Sources:
    """Return the sources to check, by path: the bytes of stdin, None for a file."""
    named = [path for path in paths if path != "-"]
    files: dict[str, bytes | None] = dict.fromkeys(without_excluded(ruleset_files(named), named, configuration.exclude))
    return files | {stdin_name: read_stdin()} if "-" in paths else files


def changed_since(reference: str, sources: Sources) -> Sources:
    """Return those of *sources* that differ from a git commit or branch, or extend, directly or not, a file that does.

    Untracked and deleted files count as different.

    Raises:
        click.UsageError: git is not installed, or does not know the reference.
    """
    if reference.startswith("-"):
        raise click.UsageError(f"--since {reference}: no such commit")
    import subprocess

    changed: set[str] = set()
    for arguments in (["diff", "--name-only", "-z", reference, "--"], ["ls-files", "-o", "-z", "--exclude-standard"]):
        relative = ["--relative"] if arguments[0] == "diff" else []
        try:
            done = subprocess.run(["git", arguments[0], *relative, *arguments[1:]], capture_output=True, check=True)
        except FileNotFoundError:
            raise click.UsageError("--since needs git, which is not installed") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().split("\n")[0]
            raise click.UsageError(f"--since {reference}: {said}") from None
        changed |= {os.path.realpath(name) for name in os.fsdecode(done.stdout).split("\0") if name}
    files = [path for path, text in sources.items() if text is None]
    kept = {path for path in files if os.path.realpath(path) in changed} | set(dependents(changed, files))
    return {path: text for path, text in sources.items() if text is not None or path in kept}


def with_dependents(sources: Sources, configuration: Configuration) -> Sources:
    """Return *sources* and every ruleset below this folder that extends one of them, directly or not."""
    others = [path for path in without_excluded(ruleset_files(["."]), (), configuration.exclude) if path not in sources]
    changed = [path for path in sources if not path.startswith("<")]
    return {**sources, **dict.fromkeys(dependents(changed, others))}


def run_linter(sources: Sources, policy: Policy, tests: ProjectTests) -> list[Diagnostic]:
    """Return the findings in all sources, and in the tests of the project, each once."""
    found: list[Diagnostic] = []
    for path, text in with_progress(sources.items(), "files"):
        if text is None:
            found += lint(path, None, policy, tests.left_out(path))
        else:
            found += lints(text, path, None, policy)
    return list(dict.fromkeys([*found, *tests.findings()]))


def write_report(found: Sequence[Diagnostic], request: LintRequest, sources: Sources) -> None:
    """Write the report and those of ``--report``; to stderr if stdout has the fixed text of stdin."""
    is_taken = request.fix and any(text is not None for text in sources.values())
    on_terminal = request.output_file is None and not is_taken
    form = Format(request.output_format)
    drawn = _counts(found, form) if request.by_code else _drawn(found, form, sources, request, on_terminal)
    if is_taken and request.output_file is None:
        say_drawn(drawn.rstrip("\n") or "no findings left")
    else:
        save(drawn, request.output_file)
    for report in request.report:
        form, path = parse_report(report)
        save(_drawn(found, form, sources, request), path)


def parse_report(report: str) -> tuple[Format, Path]:
    """Return format and path of a ``--report``.

    Raises:
        click.UsageError: it is not ``FORMAT=PATH``.
    """
    form, _, path = report.partition("=")
    if form not in set(Format) or not path:
        raise click.UsageError(f"--report {report}: write FORMAT=PATH, where FORMAT is one of {', '.join(Format)}")
    return Format(form), Path(path)


def _counts(found: Sequence[Diagnostic], form: Format) -> str:
    rows = statistics(found)
    if form is Format.JSON:
        entries = [{"code": code, "name": name, "count": int(n)} for n, code, name in rows]
        return report_json({"statistics": entries})
    return table(("count", "code", "name"), rows) if rows else ""


def _drawn(
    found: Sequence[Diagnostic], form: Format, sources: Sources, request: LintRequest, on_stdout: bool = False
) -> str:
    def read(path: str | None) -> str | None:
        data = sources.get(path) if path is not None else None
        return text_to_show(path) if data is None or path is None else excerpt_source(path, data)

    reported = from_root(found) if form in FOR_SERVICES else found
    if form is Format.SARIF:
        return sarif(sort_diagnostics(reported), request.docs_url)
    return render(reported, form, read, on_stdout and has_color(sys.stdout), terminal_width())
