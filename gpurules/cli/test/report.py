"""Renders the results of rule tests, as text or as JUnit."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from gpurules.cli.explain.explanations import with_nearest
from gpurules.cli.inputs.files import display_path, text_to_show
from gpurules.cli.inputs.rulesets import PREFIX
from gpurules.cli.terminal.output import Style, has_color, paint, pluralize
from gpurules.diagnostics import Format, render
from gpurules.diagnostics.excerpt import visible
from gpurules.ruletest import CaseResult, Coverage, Failure, FileResult, MutationReport, combine_reports

_MARGIN = " " * 6


def failures(result: FileResult, verbose: bool) -> Iterator[str]:
    """Yield the failures of the tests of one file; with *verbose* also the names of those that passed."""
    if result.diagnostics or result.warnings:
        yield render((*result.diagnostics, *result.warnings), Format.FULL, text_to_show, has_color(sys.stdout))
    for done in result.results:
        if done.failures:
            yield _failed(result.path, done)
        elif verbose or done.note.startswith("not proved"):
            note = f"  ({done.note})" if done.note else ""
            yield f"{paint('ok', Style.GOOD)}    {visible(result.path)}: {visible(done.name)}{visible(note)}\n"
    for unmet in result.unmet:
        yield f"{paint('FAIL', Style.BAD)}  {visible(result.path)}: {visible(unmet)}\n"


def _failed(path: str, done: CaseResult) -> str:
    path = visible(path)
    lines = [f"{paint('FAIL', Style.BAD)}  {path}: {visible(done.name)}"]
    display_path = set()
    for failure in done.failures:
        lines += [
            f"  --> {path}:{failure.location.line}:{failure.location.column}",
            f"      expected  {visible(failure.expected)}",
            f"      got       {visible(failure.got)}",
        ]
        if failure.explained is not None and failure.explained.rule not in display_path:
            display_path.add(failure.explained.rule)
            lines += ["", *_indented(with_nearest(failure.explained, failure.nearest, len(_MARGIN)))]
        lines.append("")
    return "\n".join(lines) + "\n"


def _indented(text: str) -> list[str]:
    return [f"{_MARGIN}{line}".rstrip() for line in text.rstrip().split("\n")]


def summary(results: Sequence[FileResult]) -> str:
    """Return how many tests passed and failed, in words."""
    tests = [done for result in results for done in result.results]
    failed = sum(len(result.failed) for result in results)
    broken = sum(bool(result.diagnostics) for result in results)
    unmet = sum(len(result.unmet) for result in results)
    words = [f"{pluralize(len(tests), 'test')} in {pluralize(len(results), 'file')}", f"{failed} failed"]
    words += [f"{pluralize(broken, 'file')} could not be run"] if broken else []
    words += [f"{pluralize(unmet, 'requirement')} not met"] if unmet else []
    return ": ".join([words[0], ", ".join(words[1:])])


def coverage_lines(path: str, coverage: Coverage) -> Iterator[str]:
    """Yield the coverage of the tests of one file, and what they do not cover."""
    named = ", ".join(f"{name.replace('_', ' ')} {value:.0f} %" for name, value in coverage.measures.items())
    yield f"{visible(path)}: {named}\n"
    yield from (f"  {visible(gap)}\n" for gap in coverage.gaps())


def mutation_lines(results: Sequence[FileResult]) -> Iterator[str]:
    """Yield the number of mutants killed by the tests of each file and in total, and every mutant that survived."""
    tried: list[MutationReport] = []
    for result in results:
        if result.mutation is None:
            yield f"{result.path}: no mutants are tried until its tests pass\n"
        else:
            tried.append(result.mutation)
            yield _noticed(result.path, result.mutation)
    together = combine_reports(tried)
    if len(tried) > 1:
        yield _noticed("all files together", together)
    for mutant in together.missed:
        place = f"{_path(mutant.path)}:{mutant.location.line}:{mutant.location.column}"
        change = f"{_short(mutant.before)} → {_short(mutant.after)}"
        whose = f" of {mutant.rule}" if mutant.rule else ""
        yield visible(f"  {place}: no test detects the {mutant.mutation}{whose}: {change}") + "\n"


def _noticed(whose: str, found: MutationReport) -> str:
    return f"{whose}: {found.noticed:,} of {pluralize(found.total, 'mutant')} detected ({found.score:.0f} %)\n"


def _path(path: str) -> str:
    return path if path.startswith(PREFIX) else display_path(path)


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 50 else f"{one_line[:24]} … {one_line[-23:]}"


def junit(results: Iterable[FileResult]) -> str:
    """Return a JUnit report: a suite for each file, a case for each test."""
    suites = [_suite(result) for result in results]
    body = "".join(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="gpurules test">\n{body}</testsuites>\n'


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'


def _suite(result: FileResult) -> str:
    path = _quoted(visible(result.path))
    cases = [_case(result.path, done) for done in result.results]
    problems = [f"{d.line}:{d.column}: {d.code} {d.message}" for d in result.diagnostics] + result.unmet
    cases += [
        f"    <testcase name={_quoted(visible(text))} classname={path}>\n"
        f'      <error type="problem" message={_quoted(visible(text))}/>\n    </testcase>\n'
        for text in problems
    ]
    seconds = sum(done.seconds for done in result.results)
    counts = f'tests="{len(cases)}" failures="{len(result.failed)}" errors="{len(problems)}" skipped="0"'
    counts += f' time="{seconds:.4f}"'
    return f"  <testsuite name={path} {counts}>\n{''.join(cases)}  </testsuite>\n"


def _case(path: str, done: CaseResult) -> str:
    head = f"    <testcase name={_quoted(visible(done.name))} classname={_quoted(visible(path))}"
    place = f'file={_quoted(visible(path))} line="{done.location.line}" time="{done.seconds:.4f}"'
    if not done.failures:
        return f"{head} {place}/>\n"
    first = _message(done.failures[0])
    more = f" (and {len(done.failures) - 1} more)" if len(done.failures) > 1 else ""
    body = "\n\n".join(map(_failure, done.failures))
    failure = (
        f'<failure type="expectation" message={_quoted(visible(first + more))}>{escape(body, quote=False)}</failure>'
    )
    return f"{head} {place}>\n      {failure}\n    </testcase>\n"


def _message(failure: Failure) -> str:
    return f"line {failure.location.line}: expected {failure.expected}, got {failure.got}"


def _failure(failure: Failure) -> str:
    why = failure.explained.reason if failure.explained else None
    return "\n".join(visible(text) for text in (_message(failure), why, failure.nearest) if text)
