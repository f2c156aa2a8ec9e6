"""Applies or previews the fixes of findings, in rulesets and in the files beside them."""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gpurules.cli.inputs.files import read_at_most
from gpurules.cli.inputs.rulesets import PREFIX
from gpurules.cli.lint.baseline import Looked, stale_in
from gpurules.cli.lint.linter_run import LintRequest, Sources, run_linter
from gpurules.cli.project import configuration
from gpurules.cli.project.configuration import Configuration
from gpurules.cli.terminal.output import difference, write_data
from gpurules.cli.terminal.progress import with_progress
from gpurules.cli.test.project_tests import ProjectTests
from gpurules.diagnostics import Diagnostic
from gpurules.linter import Policy, fix, lints
from gpurules.output_files import replace_file
from gpurules.rules.files import is_test
from gpurules.rules.yaml import MAX_BYTES


def apply_fixes(
    sources: Sources, policy: Policy, request: LintRequest, tests: ProjectTests
) -> tuple[list[Diagnostic], Counter[str], Sources]:
    """Apply the available fixes, or with ``--diff`` show them; text from stdin is written to stdout with its fixes.

    Return the remaining findings, the fixes made, and the fixed sources.
    """
    left: list[Diagnostic] = []
    applied: Counter[str] = Counter()
    after = dict(sources)
    for path, given in with_progress(sources.items(), "files"):
        try:
            data = read_at_most(path) if given is None and not path.startswith(PREFIX) else given
            text = data.decode() if data is not None and len(data) <= MAX_BYTES else None
        except (OSError, ValueError):
            text = None
        if text is None:
            left += run_linter({path: given}, policy, tests)
            continue
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        before = text.removeprefix("\ufeff")
        left_out = tests.left_out(path) if given is None else None
        done = fix(before, path, partial(_again, path=path, policy=policy, left_out=left_out), request.unsafe_fixes)
        applied += done.applied
        if request.diff:
            write_data(difference(before, done.text, path))
        elif given is not None:
            write_data(mark + done.text)
            after[path] = done.text.encode("utf-8", "surrogatepass")
        elif done.applied:
            replace_file(Path(path).resolve(), (mark + done.text).encode("utf-8", "surrogatepass"), mode=None)
        left += done.left
    return list(dict.fromkeys([*left, *tests.findings()])), applied, after


def _again(text: str, path: str, policy: Policy, left_out: Sequence[Diagnostic] | None) -> list[Diagnostic]:
    return lints(text, path, None, policy, left_out)


@dataclass(frozen=True, slots=True)
class Beside:
    """Rechecks the files beside the rulesets: configuration, tests and baseline.

    ``found`` has all findings, including those in the baseline.
    """

    request: LintRequest
    settings: Configuration
    tests: ProjectTests
    looked: Looked
    found: Sequence[Diagnostic]

    def check(self, path: str) -> Callable[[str], Sequence[Diagnostic]] | None:
        """Return the check for a new text of the file *path*; None if it is not one of these files."""
        given = self.request.baseline
        if given is not None and path == given.as_posix():
            return lambda text: stale_in(text, given, self.found, self.looked)
        if path == self.settings.path:
            return lambda text: configuration.parse_configuration(text, Path(path)).problems
        return (lambda text: self.tests.wrong_in(text, path)) if is_test(Path(path), False) else None


def apply_fixes_beside(found: Sequence[Diagnostic], beside: Beside) -> tuple[list[Diagnostic], Counter[str]]:
    """Apply the available fixes to configuration, tests and baseline, or with ``--diff`` show them."""
    left, applied = list(found), Counter[str]()
    for path in dict.fromkeys(d.path for d in found if d.edits and d.path not in beside.looked.sources):
        check = beside.check(path) if path is not None else None
        if path is None or check is None:
            continue
        data = read_at_most(path)
        mark, before = data[: len(BOM_UTF8) * data.startswith(BOM_UTF8)], data.decode("utf-8-sig", "surrogateescape")
        done = fix(before, path, check, beside.request.unsafe_fixes)
        if not done.applied:
            continue
        applied += done.applied
        left = [*(d for d in left if d.path != path), *done.left]
        if beside.request.diff:
            write_data(difference(before, done.text, path))
        else:
            replace_file(Path(path).resolve(), mark + done.text.encode("utf-8", "surrogateescape"), mode=None)
    return left, applied
