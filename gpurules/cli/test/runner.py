"""Runs rule tests over many files: in parallel, with mutants, or rewriting expectations."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpurules.cli.inputs.files import read_at_most, read_stdin
from gpurules.cli.options import stdin_name
from gpurules.cli.terminal.output import pluralize, say
from gpurules.cli.terminal.progress import with_progress
from gpurules.cli.test.parallel import MIN_PARALLEL_TASKS, processors, spread
from gpurules.diagnostics import Location, diagnostic_at
from gpurules.output_files import replace_file
from gpurules.ruletest import (
    FileResult,
    MutationReport,
    Rewrite,
    count_mutants,
    fails,
    run_file,
    run_mutants,
    run_text,
    unmet,
)

if TYPE_CHECKING:
    from gpurules.ruletest.execution.replay import PlayedHistory

LONG_SECONDS = 0.05
"""Tests that take longer than this, and are run again for each mutant, are spread over further processes."""


@dataclass(frozen=True, slots=True)
class Run:
    """The options of ``gpurules test``.

    ``takes_mutants``: a file that requires a mutation score has its mutants tried without ``--mutants``.
    Units: ``require`` in percent; ``jobs`` 0: chosen automatically.
    """

    wanted: re.Pattern[str] | None = None
    require: float | None = None
    mutate: bool = False
    jobs: int = 0
    takes_mutants: bool = True

    def processes(self, tasks: int, is_long: bool) -> int:
        """Return the number of processes for *tasks*."""
        if self.jobs:
            return self.jobs
        return processors() if is_long or tasks >= MIN_PARALLEL_TASKS else 1


def _history_at(argument: str) -> "PlayedHistory":
    from gpurules.cli.inputs.telemetry import history_at  # imports all sources, which only tests over recordings need

    return history_at(argument)


def _run(task: tuple[str, re.Pattern[str] | None]) -> FileResult:
    path, wanted = task
    try:
        return run_file(path, wanted, _history_at)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        return FileResult(path, diagnostics=(diagnostic_at("GPR001", message, path, Location(1, 1, 1, 1)),))


def _mutated(task: tuple[str, tuple[int, int]]) -> MutationReport:
    path, share = task
    return run_mutants(path, partial(fails, open_history=_history_at), share)


def run_tests(files: Sequence[str], run: Run) -> list[FileResult]:
    """Return the results of the tests of *files*, in order; ``-`` alone stands for stdin, without mutants."""
    if list(files) == ["-"]:
        results = [run_text(read_stdin(), stdin_name(), run.wanted, _history_at)]
        _hold_to(run, results)
        return results
    done = spread(_run, [(path, run.wanted) for path in files], run.processes(len(files), False))
    results = list(with_progress(done, "files", len(files)))
    _hold_to(run, results)
    _try_mutants([result for result in results if _is_to_mutate(result, run)], run)
    return results


def _hold_to(run: Run, results: Iterable[FileResult]) -> None:
    """Record where the coverage is below the requirement of *run*."""
    for result in results:
        share = result.coverage.rule_coverage
        if run.require is not None and not result.diagnostics and share < run.require:
            result.unmet.append(unmet("rule coverage", share, run.require))


def _is_to_mutate(result: FileResult, run: Run) -> bool:
    is_asked = run.mutate or (run.takes_mutants and run.wanted is None and "mutation_score" in result.require)
    return is_asked and not (result.failed or result.diagnostics)


def _try_mutants(results: Sequence[FileResult], run: Run) -> None:
    spent = sum(done.seconds for result in results for done in result.results)
    jobs = run.processes(len(results), spent > LONG_SECONDS)
    tasks = [(result.path, (k, jobs)) for result in results for k in range(jobs)]
    found = list(with_progress(spread(_mutated, tasks, jobs), "shares of mutants", len(tasks)))
    of_files = [MutationReport() for _ in results]
    for n, together in enumerate(of_files):
        for part in found[n * jobs : (n + 1) * jobs]:
            together.add(part)
    for result, together in zip(results, of_files, strict=True):
        count_mutants(result, together, of_files)


def update_expectations(results: Iterable[FileResult], run: Run) -> list[FileResult]:
    """Update the expectations in the test files to what the rules do now, and return the new results."""
    after: list[FileResult] = []
    count = 0
    for result in results:
        rewrites = {r.start: r for done in result.failed for failure in done.failures for r in failure.rewrites}
        if rewrites:
            _rewrite(Path(result.path), rewrites.values())
            count += len(rewrites)
        after += run_tests([result.path], run) if rewrites else [result]
    say(f"{pluralize(count, 'expectation')} rewritten")
    return after


def _rewrite(path: Path, rewrites: Iterable[Rewrite]) -> None:
    data = read_at_most(path)
    text = data.decode("utf-8-sig")
    for one in sorted(rewrites, key=lambda r: r.start, reverse=True):
        text = text[: one.start] + one.text + text[one.end :]
    replace_file(
        path.resolve(), (b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b"") + text.encode(), mode=None
    )
