"""Which parts of a project's rulesets its tests do not cover, for the linter."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gpurules.cli.inputs.files import display_path, without_excluded
from gpurules.cli.project.configuration import Configuration
from gpurules.diagnostics import Diagnostic
from gpurules.diagnostics.catalogue import ABOUT_TESTS
from gpurules.rules import examine_file
from gpurules.rules.files import files_below, is_test

if TYPE_CHECKING:
    from gpurules.ruletest import FileResult


def tests_folder(configuration: Configuration) -> Path:
    """Return the folder with the tests of a project: that of its configuration, its repository, or this one."""
    if configuration.path is not None:
        return Path(configuration.path).parent
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


class ProjectTests:
    """The tests of the linted project; they are run on first use."""

    def __init__(self, configuration: Configuration, codes: frozenset[str]) -> None:
        self._configuration = configuration
        self._codes = codes

    @property
    def folder(self) -> Path:
        """The folder that is searched for tests: that of the configuration, the repository, or this one."""
        return tests_folder(self._configuration)

    def left_out(self, path: str) -> Sequence[Diagnostic] | None:
        """Return what no test covers of the ruleset at *path*; None if that is not requested, or there is no test."""
        from gpurules.linter import FROM_TESTS  # imports all checks, which other commands do not need

        if not self._codes & FROM_TESTS:
            return None
        from gpurules.ruletest import untested_rules  # imports the engine, which linting alone does not need

        return untested_rules(examine_file(path), self._results)

    def findings(self) -> list[Diagnostic]:
        """Return the findings about the tests themselves."""
        if not self._codes & ABOUT_TESTS:
            return []
        return self._asked(d for r in self._results for d in (*r.diagnostics, *r.warnings))

    def wrong_in(self, text: str, path: str) -> list[Diagnostic]:
        """Return those findings of :meth:`findings` that the tests at *path* would have with the content *text*."""
        from gpurules.ruletest import examine, vacuous_tests

        tests, _, problems = examine(text, path)
        return self._asked([*problems, *(vacuous_tests(tests) if tests else ())])

    def _asked(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        from gpurules.linter import with_fingerprints

        return with_fingerprints([d for d in found if d.code in self._codes & ABOUT_TESTS], ())

    @cached_property
    def _results(self) -> "list[FileResult]":
        from gpurules.cli.test.runner import Run, run_tests

        files = without_excluded(files_below(str(self.folder), is_test, display_path), (), self._configuration.exclude)
        return run_tests([display_path(path) for path in files], Run(takes_mutants=False))
