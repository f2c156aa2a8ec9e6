"""Findings as rule tests: their witnesses, in a file that ``gpurules test`` runs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from gpurules.cli.inputs.files import named_in_tests, read_at_most
from gpurules.diagnostics import Diagnostic
from gpurules.output_files import write_file
from gpurules.strict_json import dumps

KIND = "gpurules/test"
"""What a file of rule tests says that it is."""


def emit_tests(found: Sequence[Diagnostic], target: Path) -> int:
    """Write the witnesses of findings as cases of a test file; return the number of cases.

    Raises:
        click.UsageError: they are about several rulesets, or the target exists and is not a rule test.
    """
    shown = [finding for finding in found if finding.example is not None and finding.path]
    paths = sorted({finding.path for finding in shown if finding.path})
    if len(paths) > 1:
        raise click.UsageError(
            f"--emit-test writes tests for one ruleset, but several have witnesses: {', '.join(paths)}"
        )
    if target.exists() and not read_at_most(target).startswith(f"kind: {KIND}".encode()):
        raise click.UsageError(f"--emit-test {target}: the file exists, and is not a rule test")
    if shown:
        write_file(target, "".join(_lines(shown, named_in_tests(paths[0], target.parent))))
    return len(shown)


def _lines(found: Sequence[Diagnostic], ruleset: str) -> Iterator[str]:
    yield f"kind: {KIND}\nversion: 1\nrulesets: [{_said(ruleset)}]\ncases:\n"
    names: dict[str, int] = {}
    for finding in found:
        assert finding.example is not None
        rules = " and ".join(rule for rule, _ in finding.example.outcomes)
        name = f"{finding.code} {finding.name}: {rules}"
        names[name] = names.get(name, 0) + 1
        title = name if names[name] == 1 else f"{name} ({names[name]})"
        yield f"  - name: {_said(title)}\n    given: {_said(finding.example.given)}\n    expect:\n"
        for rule, outcome in finding.example.outcomes:
            yield f"      - {{rule: {_said(rule)}, outcome: {outcome}}}\n"


def _said(value: object) -> str:
    """Return *value* as JSON, which is YAML too."""
    return dumps(value)
