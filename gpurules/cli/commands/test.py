"""``gpurules test``."""

import re
from pathlib import Path
from typing import Any

import click

from gpurules.cli.inputs.files import test_files, without_excluded
from gpurules.cli.options import option, stdin_filename
from gpurules.cli.project.configuration import sound_configuration, with_configuration
from gpurules.cli.terminal.output import name_failed_plugins, say, write
from gpurules.cli.test.report import coverage_lines, failures, junit, mutation_lines, summary
from gpurules.cli.test.runner import Run, run_tests, update_expectations
from gpurules.output_files import write_file


@click.command("test")
@click.argument("paths", nargs=-1)
@option("--run", "wanted", metavar="REGEX", help="Run only tests whose name matches REGEX.")
@option("--coverage", is_flag=True, help="Show what the tests cover, and what they do not.")
@option("--require", type=click.FloatRange(0, 100), metavar="PERCENT", help="Fail below this rule coverage.")
@option(
    "--mutate", is_flag=True, help="Change the rules one thing at a time, and show the changes that no test detects."
)
@option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report to this file."
)
@option(
    "--update", is_flag=True, help="Replace failed expectations with what the rules do now; review the diff afterwards."
)
@option("--jobs", type=click.IntRange(0, 256), default=0, metavar="N", help="Worker processes (0 = automatic).")
@option("--verbose", "-v", is_flag=True, help="Also list the tests that passed.")
@stdin_filename
@option("--allow-empty", is_flag=True, help="Exit 0 when no test is found.")
@with_configuration
@click.pass_context
def command(
    context: click.Context, /, paths: tuple[str, ...], wanted: str | None, coverage: bool, require: float | None,
    junit_file: Path | None, verbose: bool, allow_empty: bool, config: str | None, isolated: bool, **more: Any,
) -> int:  # fmt: skip
    """Run the rule tests at PATHS: files, globs, directories with *.test.yaml files, or - (default: here)."""
    chosen = paths or (".",)
    if chosen == ("-",) and (more["mutate"] or more["update"]):
        raise click.UsageError("--mutate and --update need the tests in a file: stdin can be read only once")
    exclude = sound_configuration(context).exclude
    files = ["-"] if chosen == ("-",) else without_excluded(test_files(chosen), chosen, exclude)
    if not files and not allow_empty:
        raise click.UsageError("no tests found; name files, call them *.test.yaml, or pass --allow-empty")
    name_failed_plugins()
    run = Run(_pattern(wanted), require, more["mutate"], more["jobs"])
    results = run_tests(files, run)
    if more["update"]:
        results = update_expectations(results, run)
    for result in results:
        write("".join(failures(result, verbose)))
        if coverage and not result.diagnostics:
            write("".join(coverage_lines(result.path, result.coverage)))
    if run.mutate:
        write("".join(mutation_lines(results)))
    if junit_file is not None:
        write_file(junit_file, junit(results))
    say(summary(results))
    if run.wanted is not None and not any(result.results for result in results):
        raise click.UsageError(f"no test name matches {wanted!r}")
    return int(not all(result.is_good for result in results))


def _pattern(wanted: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(wanted) if wanted is not None else None
    except re.error as error:
        raise click.UsageError(f"--run {wanted!r} is not a regular expression: {error}") from None
