"""Every check finds what its bad fixture has, and nothing in its good one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpurules.actions import ACTIONS
from gpurules.actions.registration import FunctionEffect
from gpurules.diagnostics import DEFAULT_CODES, Format, render
from gpurules.fields import FIELDS
from gpurules.linter import CHECKS, Policy, Subject, lints
from gpurules.linter.checks.deprecated_field import DeprecatedField
from gpurules.rules import examine
from tests.conftest import GOLDEN

FIXTURES = sorted(path for path in (GOLDEN / "checks").iterdir())
WITHOUT_FIXTURE = {"GPR113", "GPR209", "GPR210", "GPR308", "GPR507", "GPR508", "GPR607"}
"""Codes for which no built-in field or action, or no ruleset alone, gives cause; they have tests of their own."""


def report(path: Path, code: str) -> str:
    policy = Policy(DEFAULT_CODES | {code})
    found = lints(path.read_bytes(), path.name, None, policy)
    return render(found, Format.CONCISE) + "".join(
        f"  {'safe' if d.safe else 'unsafe'}: {d.code} {e.location.line}:{e.location.column}"
        f"-{e.location.end_line}:{e.location.end_column} {e.replacement!r}\n"
        for d in found
        for e in d.edits
    )


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_bad_fixture_has_the_finding(folder: Path, golden: Callable[[str, str], None]) -> None:
    text = report(folder / "bad.yaml", folder.name)
    assert f": {folder.name} " in text
    golden(f"checks/{folder.name}/expected.txt", text)


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_good_fixture_has_none(folder: Path) -> None:
    assert report(folder / "good.yaml", folder.name) == ""


def test_every_check_has_fixtures() -> None:
    assert {check.code for check in CHECKS} - {folder.name for folder in FIXTURES} == WITHOUT_FIXTURE


RULE = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 95, action: drain%s}\n"


def drain(**schema: object) -> FunctionEffect:
    return FunctionEffect("drain", "Drain the node.", {"type": "object", **schema}, lambda event: None)


@pytest.mark.parametrize(
    ("more", "expected"), [("", {"GPR507", "GPR601"}), (", for: 30s", set()), (", cooldown: 1m", set())]
)
def test_an_irreversible_action_wants_a_guard(more: str, expected: set[str]) -> None:
    actions = ACTIONS.with_members([drain(**{"x-irreversible": True}, properties={})])
    assert {d.code for d in lints(RULE % more, None, actions)} == expected


def test_an_action_without_schema_is_named() -> None:
    actions = ACTIONS.with_members([drain()])
    assert "GPR508" in {d.code for d in lints(RULE % ", cooldown: 1m", None, actions)}


def test_a_field_that_is_replaced_is_named_with_its_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from gpurules.rules import building

    old = replace(FIELDS["gpu_power"], replaced_by="gpu_power_now", removed_on="2027-01-01")
    monkeypatch.setattr(building, "FIELDS", {**FIELDS, "gpu_power": old})
    text = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_power > 95W, action: pause_transfer}\n"
    loaded = examine(text, None)
    (found,) = DeprecatedField().run(Subject(loaded.ruleset, loaded.placed, text))
    assert (found.line, found.column, found.end_column) == (4, 26, 35)
    assert found.message == "gpu_power has been replaced and is removed on 2027-01-01"
    assert found.edits[0].replacement == "gpu_power_now"
