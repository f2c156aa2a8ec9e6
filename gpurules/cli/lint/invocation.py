"""Runs ``gpurules lint`` with parsed options: once, or again after each change to the sources."""

from dataclasses import replace
from typing import Any, NoReturn

import click

from gpurules.cli.lint.baseline import Looked, against_baseline
from gpurules.cli.lint.emitted_tests import emit_tests
from gpurules.cli.lint.file_watch import watch
from gpurules.cli.lint.fixes import Beside, apply_fixes, apply_fixes_beside
from gpurules.cli.lint.linter_run import (
    LintRequest,
    Sources,
    changed_since,
    parse_report,
    run_linter,
    sources_of,
    usual_format,
    with_dependents,
    write_report,
)
from gpurules.cli.options import RECORDING_NAMES, given_options
from gpurules.cli.project.code_selection import FAIL_ON
from gpurules.cli.project.configuration import Configuration
from gpurules.cli.terminal.output import fail, name_failed_plugins, pluralize, say
from gpurules.cli.terminal.progress import report_unread
from gpurules.cli.test.project_tests import ProjectTests
from gpurules.diagnostics import Diagnostic
from gpurules.diagnostics.render import summary


def lint_paths(paths: tuple[str, ...], options: dict[str, Any], settings: Configuration) -> int:
    """Lint *paths* as the *options* of the command say, and return the exit code.

    Missing: ``output_format`` None: the default format of this environment.
    """
    if options["output_format"] is None:
        options["output_format"] = usual_format()
    is_watching = options.pop("is_watching")
    recorded = {name: options.pop(name) for name in RECORDING_NAMES}
    request = LintRequest(**options, recorded=given_options(recorded))
    for report in request.report:
        parse_report(report)
    name_failed_plugins()
    if is_watching:
        _watch(paths, request, settings)
    return _linted_once(paths, request, settings)


def _watch(paths: tuple[str, ...], request: LintRequest, settings: Configuration) -> NoReturn:
    if "-" in paths or request.fix or request.diff or request.update_baseline:
        raise click.UsageError(
            "--watch only reads files: it cannot be combined with -, --fix, --diff or --update-baseline"
        )

    def once() -> None:
        try:
            _linted_once(paths, replace(request, allow_empty=True), settings)
        except click.ClickException as error:
            fail(error.format_message())

    def files() -> list[str]:
        try:
            return [*sources_of(paths or (".",), "", settings)]
        except click.ClickException:  # a named file is gone, and may come back
            return []

    watch(once, files)


def _linted_once(paths: tuple[str, ...], request: LintRequest, settings: Configuration) -> int:
    policy = request.policy(settings)
    sources = sources_of(paths or (".",), request.stdin_filename, settings)
    if request.since is not None:
        sources = changed_since(request.since, sources)
    elif request.dependents:
        sources = with_dependents(sources, settings)
    elif not sources and not request.allow_empty:
        raise click.UsageError("no rulesets found; name files, call them *.rules.yaml, or pass --allow-empty")
    tests, looked = ProjectTests(settings, policy.codes), Looked(sources, policy)
    if request.fix or request.diff:
        found, changes, sources = _fixed(request, settings, tests, looked)
        say(f"{pluralize(changes, 'fix').replace('fixs', 'fixes')} {'to make' if request.diff else 'made'}")
        if request.diff:
            return int(changes > 0)
    else:
        found = run_linter(sources, policy, tests)
        found = [*settings.problems, *against_baseline(found, request, looked)]
    write_report(found, request, sources)
    for recording in policy.recordings:
        report_unread(recording)
    if request.emit_test is not None:
        written = emit_tests(found, request.emit_test)
        say(
            f"{request.emit_test}: {pluralize(written, 'test')} written"
            if written
            else "no finding has a witness to write as a test"
        )
    say(f"{pluralize(len(sources), 'file')}: {summary(found)}")
    if policy.unanalyzed:
        say(_unanalyzed(policy.unanalyzed, policy.work, request.verbose))
    return int(any(d.severity in FAIL_ON[request.fail_on] for d in found))


def _fixed(
    request: LintRequest, settings: Configuration, tests: ProjectTests, looked: Looked
) -> tuple[list[Diagnostic], int, Sources]:
    """Return the findings that fixes leave, the number of fixes, and the fixed sources."""
    if request.diff and request.update_baseline:
        raise click.UsageError("--diff changes nothing: it cannot be combined with --update-baseline")
    every, applied, sources = apply_fixes(looked.sources, looked.policy, request, tests)
    found = [*settings.problems, *against_baseline(every, request, looked)]
    left, more = apply_fixes_beside(found, Beside(request, settings, tests, looked, every))
    return left, (applied + more).total(), sources


def _unanalyzed(reasons: list[str], work: int, verbose: bool) -> str:
    """Return which rules were not fully analyzed."""
    different = dict.fromkeys(reasons)
    summary_line = f"{pluralize(len(different), 'rule')} not fully analyzed"
    if any("budget" in reason for reason in different):
        summary_line += (
            "; the step budget was exhausted: raise --analysis-steps (or analysis-steps in gpurules.toml) above "
        )
        summary_line += f"{work:,}"
    if not verbose:
        return f"{summary_line} (-v lists them)"
    return "\n".join([f"{summary_line}:", *(f"  {line}" for line in different)])
