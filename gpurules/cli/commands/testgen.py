"""``gpurules testgen``."""

import os
from pathlib import Path

import click

from gpurules.cli.inputs.files import named_in_tests, test_files, without_excluded
from gpurules.cli.inputs.rulesets import PREFIX, load_ruleset
from gpurules.cli.options import option
from gpurules.cli.project.configuration import sound_configuration, with_configuration
from gpurules.cli.terminal.output import name_failed_plugins, pluralize, save, say
from gpurules.cli.test.project_tests import tests_folder
from gpurules.cli.test.runner import Run, run_tests
from gpurules.rules import Ruleset
from gpurules.rules.files import files_below, is_test
from gpurules.ruletest import Coverage, seen_of
from gpurules.ruletest.generation.generator import generate_tests


@click.command("testgen")
@click.argument("ruleset")
@option("--tests", "paths", metavar="PATH", multiple=True,
        help="Existing tests: files or directories (default for a file: those of its project).")  # fmt: skip
@option("--all", "is_all", is_flag=True, help="Write everything, even if it is already tested.")
@option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
        help="Write the tests to this file (*.test.yaml) instead of stdout.")  # fmt: skip
@option("--force", is_flag=True, help="Overwrite FILE if it exists; its tests then do not count as existing.")
@with_configuration
@click.pass_context
def command(
    context: click.Context, /, ruleset: str, paths: tuple[str, ...], is_all: bool, output: Path | None, force: bool,
    config: str | None, isolated: bool,
) -> int:  # fmt: skip
    """Write tests for the behavior of RULESET (a file or gpurules:NAME) that no test covers.

    For each rule: a case in which it matches, one in which it does not, each limit at its value and next to it, and
    each fact missing. They expect what the rules currently do; review the expectations before you keep them.
    """
    _check(ruleset, paths, is_all, output, force)
    name_failed_plugins()
    loaded = load_ruleset(ruleset)
    files = [] if is_all else _files(context, ruleset, paths)
    others = [file for file in files if output is None or not _is_same(file, output)]
    found = generate_tests(loaded, _seen(loaded, others, bool(paths)))
    folder = output.parent if output is not None else Path()
    name = named_in_tests(ruleset, folder)
    if found.tests:
        found.confirm(name, str(output or folder / "generated.test.yaml"))
    for line in found.lacking:
        say(f"left out: {line}")
    if not found.tests:
        say("nothing left to write: the tests cover everything that can be generated")
        return 0
    save(found.text(name), output)
    say(f"{pluralize(found.tests, 'test')} written; {_risen(found.before, found.coverage.measures)}")
    return 0


def _check(ruleset: str, paths: tuple[str, ...], is_all: bool, output: Path | None, force: bool) -> None:
    """Reject options that contradict each other."""
    if ruleset == "-":
        raise click.UsageError("tests name the file of their ruleset, so it cannot be stdin")
    if paths and is_all:
        raise click.UsageError("--all ignores existing tests, so it cannot be combined with --tests")
    if output is None:
        return
    if not output.name.endswith((".test.yaml", ".test.yml")):
        raise click.UsageError(f"{output}: gpurules test looks for *.test.yaml; use such a name")
    if not output.parent.is_dir():
        raise click.UsageError(f"{output.parent}: no such directory")
    if output.exists() and not force:
        raise click.UsageError(f"{output} already exists; choose another name, or pass --force to overwrite it")


def _files(context: click.Context, ruleset: str, paths: tuple[str, ...]) -> list[str]:
    """Return the existing test files: those at *paths*, or those of the project of a ruleset file."""
    configuration = sound_configuration(context)
    if paths:
        files = without_excluded(test_files(paths), paths, configuration.exclude)
        if not files:
            raise click.UsageError(f"no tests found at {', '.join(paths)}; tests are named *.test.yaml")
        return files
    if ruleset.startswith(PREFIX):
        return []
    found = set(files_below(str(Path(ruleset).parent), is_test, str))
    found |= set(files_below(str(tests_folder(configuration)), is_test, str))
    return without_excluded(sorted({os.path.relpath(file) for file in found}), (), configuration.exclude)


def _seen(ruleset: Ruleset, files: list[str], is_asked: bool) -> Coverage:
    """Return what the tests in *files* cover of *ruleset*; with *is_asked*, files that cannot be run are reported."""
    results = run_tests(files, Run(takes_mutants=False))
    for result in results:
        if is_asked and result.diagnostics:
            say(f"{result.path}: cannot be run, and does not count; see gpurules test {result.path}")
    seen = seen_of(ruleset.path, results) if ruleset.path is not None else None
    return seen or Coverage()


def _is_same(file: str, output: Path) -> bool:
    return Path(file).resolve() == output.resolve()


def _risen(before: dict[str, float], after: dict[str, float]) -> str:
    """Return the increase of each measure of coverage, in words."""
    return ", ".join(f"{key.replace('_', ' ')} {before[key]:.0f} → {after[key]:.0f} %" for key in after)
