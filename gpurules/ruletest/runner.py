"""Runs the tests of a file, and holds what was decided against what was expected."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpurules.diagnostics import DiagnosedError, Diagnostic, diagnostic_at
from gpurules.errors import GpurulesError
from gpurules.input_files import open_input
from gpurules.registry import did_you_mean
from gpurules.rules import Ruleset
from gpurules.rules.files import read_file, test_bounds
from gpurules.rules.yaml import with_part_correction
from gpurules.ruletest.case import Case, Property, ReplayCase, TestFile
from gpurules.ruletest.coverage.coverage import Coverage, unmet
from gpurules.ruletest.coverage.vacuity import vacuous_tests
from gpurules.ruletest.execution.assertions import CaseResult, Failure, check_case
from gpurules.ruletest.execution.subject import load_rulesets
from gpurules.ruletest.mutation.mutation_testing import MutationReport
from gpurules.ruletest.reading.fact_types import findings
from gpurules.ruletest.reading.reader import read_tests

if TYPE_CHECKING:
    from gpurules.ruletest.execution.replay import OpenHistory


@dataclass(slots=True)
class FileResult:
    """The results of the tests of one file; ``unmet`` are requirements on coverage that are not.

    ``warnings`` are of tests that pass and say nothing; ``files`` are those that the ruleset was merged from.
    Missing: ``mutation`` is None where no mutants were tried.
    """

    path: str
    results: list[CaseResult] = field(default_factory=list)
    diagnostics: tuple[Diagnostic, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    unmet: list[str] = field(default_factory=list)
    require: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = ()
    mutation: MutationReport | None = None

    @property
    def failed(self) -> list[CaseResult]:
        """The tests that failed."""
        return [result for result in self.results if result.failures]

    @property
    def is_good(self) -> bool:
        """Whether every test passed and nothing else is wrong."""
        return not (self.failed or self.diagnostics or self.unmet)


def run_file(path: str, wanted: re.Pattern[str] | None = None, open_history: "OpenHistory | None" = None) -> FileResult:
    """Return the results of the tests of the file at *path* whose name matches *wanted*, or of all.

    *open_history* opens what ``replay`` names; None: files of recordings alone.

    Raises:
        OSError: it cannot be read.
    """
    return run_text(read_file(path), path, wanted, open_history)


def run_text(
    data: bytes | str,
    path: str,
    wanted: re.Pattern[str] | None = None,
    open_history: "OpenHistory | None" = None,
) -> FileResult:
    """Return the results of the tests that *data* describes, as if in a file at *path*, as ``run_file`` does."""
    tests, ruleset, problems = examine(data, path)
    if tests is None or ruleset is None or problems:
        return FileResult(path, diagnostics=problems)
    result = FileResult(path, require=tests.require, warnings=tuple(vacuous_tests(tests)), files=ruleset.files)
    result.coverage.expect(ruleset)
    for name, run in _runs(tests, ruleset, result.coverage, open_history):
        if wanted is None or wanted.search(name):
            began = time.perf_counter()
            done = run()
            took = time.perf_counter() - began
            result.results.append(CaseResult(done.name, done.location, done.failures, took, done.note))
    if wanted is None:
        result.unmet = list(_unmet(tests.require, result.coverage))
    return result


def fails(tests: TestFile, ruleset: Ruleset, rule: str | None, open_history: "OpenHistory | None" = None) -> bool:
    """Return whether some test of *tests* fails on *ruleset*; those that name *rule* are tried first."""

    def is_other(case: Case) -> bool:
        return rule is not None and all(expectation.rule != rule for expectation in case.expect)

    ordered = replace(tests, cases=tuple(sorted(tests.cases, key=is_other)))
    return any(run().failures for _, run in _runs(ordered, ruleset, Coverage(), open_history, checks_facts=False))


def examine(data: bytes | str, path: str) -> tuple[TestFile | None, Ruleset | None, tuple[Diagnostic, ...]]:
    """Return the tests of a file, the rules that they are about, and what is wrong before any of them is run.

    Missing: the tests, or the rules, are None where they have errors.
    """
    tests, problems = read_tests(data, path)
    if tests is None:
        return None, None, problems
    try:
        ruleset = load_rulesets(tests)
    except DiagnosedError as error:
        return tests, None, error.diagnostics
    return tests, ruleset, (*_missing_rules(tests, ruleset), *findings(tests.defaults, ruleset.fields, path))


def _missing_rules(tests: TestFile, ruleset: Ruleset) -> Iterator[Diagnostic]:
    names = [rule.name for rule in ruleset.rules]
    for name, location in tests.named:
        if name not in names:
            hint = did_you_mean(name, names) or f"it has {', '.join(names[:12])}"
            problem = diagnostic_at("GPR808", f"the ruleset has no rule {name!r}", tests.path, location, hint)
            yield with_part_correction(problem, name, names)


def _runs(
    tests: TestFile,
    ruleset: Ruleset,
    coverage: Coverage,
    open_history: "OpenHistory | None",
    *,
    checks_facts: bool = True,
) -> Iterator[tuple[str, Callable[[], CaseResult]]]:
    for case in tests.cases:
        yield case.name, partial(check_case, case, ruleset, coverage, checks_facts)
    for asked in tests.properties:
        yield asked.name, partial(_property, asked, ruleset)
    for replay in tests.replay:
        yield replay.name, partial(_replay, replay, ruleset, tests.path, open_history)


def _property(asked: Property, ruleset: Ruleset) -> CaseResult:
    from gpurules.ruletest.properties.properties import decide, pattern_of  # with the prover

    found = decide(asked, ruleset)
    if found.problem is not None:
        return CaseResult(asked.name, asked.location, (Failure(asked.location, "a proof", found.problem),))
    if found.counterexample is not None:
        return CaseResult(
            asked.name, asked.location, (Failure(asked.location, pattern_of(asked), found.counterexample),)
        )
    searched = f"{found.assignments:,} assignments searched"
    note = "proved" if found.unproved is None else f"not proved: {found.unproved}; {searched}"
    return CaseResult(asked.name, asked.location, (), note=note)


def _replay(case: ReplayCase, ruleset: Ruleset, path: str, open_history: "OpenHistory | None") -> CaseResult:
    from gpurules.ruletest.execution.replay import replay_recording  # with the engine, and all sources
    from gpurules.telemetry.playback import split_place

    history = str(Path(path).parent / case.history)
    place, bounds = split_place(history)[0], test_bounds(path)
    try:
        if (refusal := bounds.refusal(place)) is not None:
            raise GpurulesError(f"{place}: {refusal}; {bounds.remedy}")
        if not Path(place).is_dir():
            open_input(place).close()  # no one writes to a pipe that a file of tests names
        seen = replay_recording(history, case.rule, ruleset, open_history)
    except (GpurulesError, OSError, ValueError) as error:
        reason = f"{history}: {(error.strerror or str(error)).lower()}" if isinstance(error, OSError) else str(error)
        return CaseResult(case.name, case.location, (Failure(case.location, "a recording", reason),))
    failures = []
    if seen.unknown:
        got = f"unknown in {seen.snapshots:,} snapshots: {seen.unknown}"
        failures.append(Failure(case.location, f"a history over which {case.rule} is known", got))
    if case.matches is not None and not case.matches[0] <= seen.matches <= case.matches[1]:
        expected = f"{case.matches[0]:g} to {case.matches[1]:g} matches"
        failures.append(Failure(case.location, expected, f"{seen.matches} in {seen.snapshots:,} snapshots"))
    if case.max_flaps_per_hour is not None and seen.flaps_per_hour > case.max_flaps_per_hour:
        expected = f"at most {case.max_flaps_per_hour:g} flaps per hour"
        failures.append(Failure(case.location, expected, f"{seen.flaps_per_hour:.3g}"))
    return CaseResult(case.name, case.location, tuple(failures), note=seen.note)


def _unmet(require: Mapping[str, float], coverage: Coverage) -> Iterator[str]:
    measured = coverage.measures
    for name, least in require.items():
        if name in measured and measured[name] < least - 1e-9:
            yield unmet(name, measured[name], least)


def count_mutants(result: FileResult, found: MutationReport, others: Sequence[MutationReport] = ()) -> None:
    """Let *result* say what its tests noticed of mutants, and whether that is as much as its file requires.

    What the tests of *others* noticed of the same mutants counts for that too.
    """
    result.mutation = found
    least, score = result.require.get("mutation_score"), found.beside(others).score
    if least is not None and score < least - 1e-9:
        result.unmet.append(unmet("mutation_score", score, least))
