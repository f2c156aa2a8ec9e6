"""``gpurules lint``."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from gpurules.cli.lint.baseline import Looked, against_baseline
from gpurules.cli.lint.emitted_tests import emit_tests
from gpurules.cli.lint.file_watch import watch
from gpurules.cli.lint.fixes import Beside, fixed, fixed_beside
from gpurules.cli.lint.linter_run import (
    Request,
    Sources,
    changed_since,
    linted,
    parsed_report,
    reported,
    sources_of,
    usual_format,
    with_dependents,
)
from gpurules.cli.options import (
    RECORDING_NAMES,
    given_options,
    option,
    output_file,
    output_format,
    recording_options,
)
from gpurules.cli.output import counted, fail, name_failed_plugins, say
from gpurules.cli.progress import report_unread
from gpurules.cli.project.code_selection import FAIL_ON
from gpurules.cli.project.configuration import Configuration, configuration, configured
from gpurules.cli.test.project_tests import ProjectTests
from gpurules.diagnostics import Diagnostic, Format
from gpurules.diagnostics.render import summary
from gpurules.linter import WORK


@click.command("lint")
@click.argument("paths", nargs=-1)
@output_format(*(f.value for f in Format), name="output_format", show_default="full; in a GitHub workflow github")
@output_file
@option("--report", multiple=True, metavar="FORMAT=PATH", help="Write a further report; may be given several times.")
@option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@option("--select", multiple=True, metavar="CODES", help="Report only these: codes, prefixes such as GPR1, or names.")
@option("--extend-select", multiple=True, metavar="CODES", help="Report these too, such as GPR7 (style).")
@option("--ignore", multiple=True, metavar="CODES", help="Do not report these.")
@option("--fix", is_flag=True, help="Apply fixes that do not change behavior.")
@option("--unsafe-fixes", is_flag=True, help="Also apply fixes that may change behavior; with --fix or --diff.")
@option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@option("--since", metavar="REF",
        help="Check only files that differ from this commit or branch of git, and those that extend them.")  # fmt: skip
@option("--dependents", is_flag=True, help="Look also at the rulesets from here on down that extend one of PATHS.")
@option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Do not report what this file lists.")
@option("--update-baseline", is_flag=True, help="Drop resolved findings from the baseline; create it if missing.")
@option("--allow-growth", is_flag=True, help="Let --update-baseline add new findings too.")
@option("--emit-test", type=click.Path(dir_okay=False, path_type=Path),
        help="Write the moments that show findings as cases of this file, which gpurules test runs.")  # fmt: skip
@option("--history", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
        help="Also report rules that never match, always match or flap in this recording.")  # fmt: skip
@recording_options
@option("--watch", "is_watching", is_flag=True, help="Lint again whenever a file has changed, until Ctrl-C.")
@option("--statistics", "by_code", is_flag=True, help="Count findings by code instead of listing them.")
@option(
    "--analysis-steps",
    type=click.IntRange(min=0),
    default=WORK,
    show_default=True,
    help="Step budget of the semantic analysis, per file.",
)
@option("--docs-url", metavar="URL", default="",
        help="Address of the folder that has a page for each check, for links in SARIF reports.")  # fmt: skip
@option("-v", "--verbose", is_flag=True, help="Say which rules were not analysed in full, and why.")
@option("--allow-empty", is_flag=True, help="Exit 0 when no ruleset is found.")
@option("--stdin-filename", metavar="PATH", default="<stdin>", help="What stdin is called in reports.")
@configured
@click.pass_context
def command(context: click.Context, /, paths: tuple[str, ...], is_watching: bool, **options: Any) -> int:
    """Find every mistake in the rulesets at PATHS (files, directories, globs, - for stdin; default: here)."""
    if context.get_parameter_source("output_format") is ParameterSource.DEFAULT:
        options["output_format"] = usual_format()
    recorded = {name: options.pop(name) for name in RECORDING_NAMES}
    request, settings = Request(**options, recorded=given_options(recorded)), configuration(context)
    for report in request.report:
        parsed_report(report)
    name_failed_plugins()
    if is_watching:
        _watch(paths, request, settings)
    return _linted_once(paths, request, settings)


def _watch(paths: tuple[str, ...], request: Request, settings: Configuration) -> NoReturn:
    if "-" in paths or request.fix or request.diff or request.update_baseline:
        raise click.UsageError("--watch looks at files and changes none: give no -, --fix, --diff, --update-baseline")

    def once() -> None:
        try:
            _linted_once(paths, replace(request, allow_empty=True), settings)
        except click.ClickException as error:
            fail(error.format_message())

    def files() -> list[str]:
        try:
            return [*sources_of(paths or (".",), "", settings)]
        except click.ClickException:  # what was named is gone, and may come back
            return []

    watch(once, files)


def _linted_once(paths: tuple[str, ...], request: Request, settings: Configuration) -> int:
    policy = request.policy(settings)
    sources = sources_of(paths or (".",), request.stdin_filename, settings)
    if request.since is not None:
        sources = changed_since(request.since, sources)
    elif request.dependents:
        sources = with_dependents(sources, settings)
    elif not sources and not request.allow_empty:
        raise click.UsageError("no ruleset is there; name files, call them *.rules.yaml, or give --allow-empty")
    tests, looked = ProjectTests(settings, policy.codes), Looked(sources, policy)
    if request.fix or request.diff:
        found, changes, sources = _fixed(request, settings, tests, looked)
        say(f"{counted(changes, 'fix').replace('fixs', 'fixes')} {'to make' if request.diff else 'made'}")
        if request.diff:
            return int(changes > 0)
    else:
        found = linted(sources, policy, tests)
        found = [*settings.problems, *against_baseline(found, request, looked)]
    reported(found, request, sources)
    for recording in policy.recordings:
        report_unread(recording)
    if request.emit_test is not None:
        written = emit_tests(found, request.emit_test)
        say(f"{request.emit_test}: {counted(written, 'test')} written" if written else "no finding has a test to write")
    say(f"{counted(len(sources), 'file')}: {summary(found)}")
    if policy.unanalysed:
        say(_unanalysed(policy.unanalysed, policy.work, request.verbose))
    return int(any(d.severity in FAIL_ON[request.fail_on] for d in found))


def _fixed(
    request: Request, settings: Configuration, tests: ProjectTests, looked: Looked
) -> tuple[list[Diagnostic], int, Sources]:
    """Return what fixes leave of the findings, how many there are, and the sources as they are then."""
    if request.diff and request.update_baseline:
        raise click.UsageError("--diff changes nothing: give no --update-baseline")
    every, applied, sources = fixed(looked.sources, looked.policy, request, tests)
    found = [*settings.problems, *against_baseline(every, request, looked)]
    left, more = fixed_beside(found, Beside(request, settings, tests, looked, every))
    return left, (applied + more).total(), sources


def _unanalysed(reasons: list[str], work: int, verbose: bool) -> str:
    """Return which rules were not analysed in full; what they mean is not guessed."""
    different = dict.fromkeys(reasons)
    told = f"{counted(len(different), 'rule')} not analysed in full"
    if any("work cap" in reason for reason in different):
        told += f"; the work cap was hit: raise --analysis-steps (or analysis-steps in gpurules.toml) above {work:,}"
    if not verbose:
        return f"{told} (-v says which)"
    return "\n".join([f"{told}:", *(f"  {line}" for line in different)])
