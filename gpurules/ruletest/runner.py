"""Runs the tests of a file, and holds what was decided against what was expected."""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.actions.decision import Decision
from gpurules.diagnostics import DiagnosedError, Diagnostic, Location, diagnostic_at
from gpurules.errors import GpurulesError
from gpurules.model import QuantityError, parse_amount
from gpurules.registry import did_you_mean
from gpurules.rules import RuleExplanation, Ruleset, load, loads
from gpurules.rules.yaml_nodes import plain_value
from gpurules.ruletest.case import Case, Expectation, Property, ReplayCase, TestFile
from gpurules.ruletest.coverage import Coverage
from gpurules.ruletest.playing import Moment, moments
from gpurules.ruletest.properties import search
from gpurules.ruletest.reader import read_tests
from gpurules.ruletest.replaying import replayed


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met. Missing: ``explained`` is None where it is not about one rule."""

    location: Location
    expected: str
    got: str
    explained: RuleExplanation | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one test came to. Units: ``seconds`` that it took."""

    name: str
    location: Location
    failures: tuple[Failure, ...]
    seconds: float = 0.0
    note: str = ""


@dataclass(slots=True)
class FileResult:
    """What the tests of one file came to; ``unmet`` are requirements on coverage that are not."""

    path: str
    results: list[Result] = field(default_factory=list)
    diagnostics: tuple[Diagnostic, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    unmet: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Result]:
        """The tests that failed."""
        return [result for result in self.results if result.failures]

    @property
    def is_good(self) -> bool:
        """Whether every test passed and nothing else is wrong."""
        return not (self.failed or self.diagnostics or self.unmet)


def run_file(path: str, wanted: re.Pattern[str] | None = None) -> FileResult:
    """Return what the tests of the file at *path* came to: those whose name *wanted* is found in, or all.

    Raises:
        OSError: it can not be read.
    """
    tests, ruleset, problems = examine(Path(path).read_bytes(), path)
    if tests is None or ruleset is None or problems:
        return FileResult(path, diagnostics=problems)
    result = FileResult(path)
    result.coverage.expect(ruleset)
    for name, run in _runs(tests, ruleset, result.coverage):
        if wanted is None or wanted.search(name):
            began = time.perf_counter()
            done = run()
            took = time.perf_counter() - began
            result.results.append(Result(done.name, done.location, done.failures, took, done.note))
    if wanted is None:
        result.unmet = list(_unmet(tests.require, result.coverage))
    return result


def examine(data: bytes | str, path: str) -> tuple[TestFile | None, Ruleset | None, tuple[Diagnostic, ...]]:
    """Return the tests of a file, the rules that they are about, and what is wrong before any of them is run.

    Missing: the tests, or the rules, are None where they have errors.
    """
    tests, problems = read_tests(data, path)
    if tests is None:
        return None, None, problems
    try:
        ruleset = _ruleset(tests)
    except DiagnosedError as error:
        return tests, None, error.diagnostics
    return tests, ruleset, tuple(_missing_rules(tests, ruleset))


def _ruleset(tests: TestFile) -> Ruleset:
    if len(tests.rulesets) == 1:
        name = tests.rulesets[0]
        return load(name if name.startswith("gpurules:") else Path(tests.path).parent / name)
    listed = "".join(f"  - '{name.replace(chr(39), chr(39) * 2)}'\n" for name in tests.rulesets)
    return loads(f"version: 1\nname: all\nextends:\n{listed}", tests.path)


def _missing_rules(tests: TestFile, ruleset: Ruleset) -> Iterator[Diagnostic]:
    names = [rule.name for rule in ruleset.rules]
    asked = [(e.location, name) for c in tests.cases for e in c.expect for name in (e.rule, *(e.matched or ()))]
    asked += [(p.location, n) for p in tests.properties for n in (*p.all_match, *p.some_match, *p.none_match)]
    asked += [(r.location, r.rule) for r in tests.replay]
    for location, name in asked:
        if name is not None and name not in names:
            hint = did_you_mean(name, names) or f"it has {', '.join(names[:12])}"
            message = f"the ruleset has no rule {name!r}"
            yield diagnostic_at("GPR808", message, tests.path, location, hint)


def _runs(tests: TestFile, ruleset: Ruleset, coverage: Coverage) -> Iterator[tuple[str, Callable[[], Result]]]:
    for case in tests.cases:
        yield case.name, lambda case=case: _case(case, ruleset, coverage)  # type: ignore[misc]
    for asked in tests.properties:
        yield asked.name, lambda asked=asked: _property(asked, ruleset)  # type: ignore[misc]
    for replay in tests.replay:
        yield replay.name, lambda replay=replay: _replay(replay, ruleset, tests.path)  # type: ignore[misc]


def _case(case: Case, ruleset: Ruleset, coverage: Coverage) -> Result:
    try:
        played = list(moments(case, ruleset))
    except GpurulesError as error:
        return Result(case.name, case.location, (Failure(case.location, "facts that can be read", str(error)),))
    failures: list[Failure] = []
    for expectation in case.expect:
        moment = _at(played, expectation.at, case.interval)
        if moment is None:
            got = f"the series begins at 0 s and ends at {played[-1].at:g} s"
            failures.append(Failure(expectation.location, f"a moment at {expectation.at:g} s", got))
            continue
        failures += _held_against(expectation, moment, coverage)
    return Result(case.name, case.location, tuple(failures))


def _at(played: list[Moment], at: float | None, interval: float) -> Moment | None:
    """Return the last moment not after *at*; None: the last of all."""
    if at is None:
        return played[-1]
    past = [moment for moment in played if moment.at <= at + 1e-9]
    return past[-1] if past and at < played[-1].at + interval else None


def _held_against(expectation: Expectation, moment: Moment, coverage: Coverage) -> Iterator[Failure]:
    explained = moment.explanation
    if expectation.rule is not None:
        rule = explained.rule(expectation.rule)
        coverage.add(rule)
        yield from _rule_failures(expectation, rule)
    if expectation.matched is not None:
        for rule in explained.rules:
            coverage.add(rule)
        got = moment.decision.rules
        if got != expectation.matched:
            yield Failure(expectation.location, f"matched: {_names(expectation.matched)}", _names(got))
    for key, wanted in (expectation.decision or {}).items():
        got_value = _decided(moment.decision, key)
        if not _fits(wanted, got_value):
            known = explained.rule(expectation.rule) if expectation.rule else None
            yield Failure(expectation.location, f"decision.{key}: {wanted}", f"{got_value}", known)


def _rule_failures(expectation: Expectation, rule: RuleExplanation) -> Iterator[Failure]:
    got = rule.outcome + (f" because: {rule.because}" if rule.because else "")
    wanted = expectation.outcome
    if expectation.because is not None:
        wanted = f"{wanted or 'suppressed'} because: {expectation.because}"
        if wanted != got:
            yield Failure(expectation.location, wanted, got, rule)
    elif wanted is not None and wanted != rule.outcome:
        yield Failure(expectation.location, wanted, got, rule)
    if expectation.devices is not None and expectation.devices != tuple(map(str, rule.devices)):
        expected = f"devices: {_names(expectation.devices)}"
        yield Failure(expectation.location, expected, f"devices: {_names(map(str, rule.devices))}", rule)


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"


def _decided(decision: Decision, key: str) -> object:
    data = decision.to_dict()
    directives = data.get("directives")
    return data.get(key, directives.get(key) if isinstance(directives, Mapping) else None)


def _fits(wanted: object, got: object) -> bool:
    """Return whether *got* is what was written: mappings in part, numbers nearly, units understood."""
    if isinstance(wanted, Mapping):
        return isinstance(got, Mapping) and all(_fits(value, got.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got, list | tuple) and len(got) == len(wanted) and all(map(_fits, wanted, got))
    if isinstance(got, bool) or got is None:
        return (plain_value(str(wanted)) if wanted is not None else None) == got
    if isinstance(got, int | float):
        text = str(wanted)
        try:
            amount = parse_amount(text.removeprefix("-")).value
        except QuantityError:
            return False
        return math.isclose(-amount if text.startswith("-") else amount, got, rel_tol=1e-9, abs_tol=1e-9)
    return str(wanted) == str(got)


def _property(asked: Property, ruleset: Ruleset) -> Result:
    found = search(asked, ruleset)
    if found.problem is not None:
        return Result(asked.name, asked.location, (Failure(asked.location, "a proof", found.problem),))
    if found.counterexample is not None:
        expected = "never" if asked.never else "always"
        return Result(asked.name, asked.location, (Failure(asked.location, expected, found.counterexample),))
    return Result(asked.name, asked.location, (), note=f"{found.moments:,} moments")


def _replay(case: ReplayCase, ruleset: Ruleset, path: str) -> Result:
    try:
        seen = replayed(str(Path(path).parent / case.history), case.rule, ruleset)
    except GpurulesError as error:
        return Result(case.name, case.location, (Failure(case.location, "a recording", str(error)),))
    failures = []
    if case.matches is not None and not case.matches[0] <= seen.matches <= case.matches[1]:
        expected = f"{case.matches[0]:g} to {case.matches[1]:g} matches"
        failures.append(Failure(case.location, expected, f"{seen.matches} in {seen.snapshots:,} snapshots"))
    if case.max_flaps_per_hour is not None and seen.flaps_per_hour > case.max_flaps_per_hour:
        expected = f"at most {case.max_flaps_per_hour:g} flaps per hour"
        failures.append(Failure(case.location, expected, f"{seen.flaps_per_hour:.3g}"))
    return Result(case.name, case.location, tuple(failures), note=f"{seen.snapshots:,} snapshots")


def _unmet(require: Mapping[str, float], coverage: Coverage) -> Iterator[str]:
    measured = coverage.measures
    for name, least in require.items():
        if name not in measured:
            yield f"{name} is not measured by this version"
            continue
        asked = 100.0 if least == 1.0 and name in ("boundary", "unknown_paths") else least
        if measured[name] < asked - 1e-9:
            yield f"{name} is {measured[name]:.0f} %, and {asked:g} % are required"
