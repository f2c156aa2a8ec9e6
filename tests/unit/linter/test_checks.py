"""Every code has a bad fixture, in which it is found, and a good one; and what the catalogue says of fixes holds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpurules.actions import ACTIONS, Action
from gpurules.actions.action import Combines, Schema
from gpurules.actions.registration import ANY_PARAMETERS, FunctionDirective, FunctionEffect
from gpurules.diagnostics import CATALOGUE, DEFAULT_CODES, Diagnostic, Fix, Format, Severity, render
from gpurules.fields import FIELDS
from gpurules.linter import FROM_HISTORY, Policy, Subject, lints
from gpurules.linter.checks.deprecated_field import DeprecatedField
from gpurules.linter.findings.fixing import fix
from gpurules.model import GPU, Snapshot
from gpurules.registry import Registry
from gpurules.rules import examine
from gpurules.rules.building import ruleset_builder as building
from tests.conftest import GOLDEN

FOLDERS = sorted((GOLDEN / "checks").iterdir())
FIXTURES = [folder for folder in FOLDERS if (folder / "bad.yaml").exists()]
"""Those of one ruleset; projects of several files are looked at in ``tests/integration/cli/test_projects.py``."""


@pytest.fixture(autouse=True)
def a_field_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of those that ship is; a new one is there too."""
    old = replace(FIELDS["gpu_power"], name="gpu_watts", replaced_by="gpu_power", removed_on="2027-01-01")
    monkeypatch.setattr(building, "FIELDS", {**FIELDS, "gpu_watts": old})


def actions() -> Registry[Action]:
    """Actions as plug-ins bring them: one cannot be taken back, one declares nothing, one not how it combines."""
    minutes: Schema = {"type": "object", "properties": {"minutes": {"type": "number"}}}
    park = FunctionDirective("park", "", minutes, dict, tuple, "parked", combines=Combines.UNDECLARED)
    mail = FunctionEffect("mail", "Notify people.", ANY_PARAMETERS, lambda event: None)
    return ACTIONS.with_members([drain(**{"x-irreversible": True}, properties={}), mail, park])


def recorded() -> Iterator[Snapshot]:
    """An hour, a snapshot a minute: memory goes up and down between 10 and 90 %, and once is at 97 % for a while."""
    memory = [10, 90] * 15 + [97] * 5 + [10, 90] * 13
    for number, percent in enumerate(memory):
        yield Snapshot(timestamp=60.0 * number, gpus=(GPU(index=0, memory_used=percent, memory_total=100),))


def linted(text: str | bytes, code: str, path: str = "bad.yaml") -> list[Diagnostic]:
    recordings = ([*recorded()],) if code in FROM_HISTORY else ()
    return lints(text, path, actions(), Policy(DEFAULT_CODES | {code}, recordings=recordings))


def report(path: Path, code: str) -> str:
    found = linted(path.read_bytes(), code, path.name)
    return render(found, Format.CONCISE) + "".join(
        f"  {'safe' if d.safe else 'unsafe'}: {d.code} {e.location.line}:{e.location.column}"
        f"-{e.location.end_line}:{e.location.end_column} {e.replacement!r}\n"
        for d in found
        for e in d.edits
    )


def test_every_code_has_a_bad_and_a_good_fixture() -> None:
    assert [folder.name for folder in FOLDERS] == sorted(CATALOGUE)
    assert all((folder / "good.yaml").exists() for folder in FIXTURES)
    assert all((folder / "bad").is_dir() and (folder / "good").is_dir() for folder in FOLDERS if folder not in FIXTURES)


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_bad_fixture_has_the_finding(
    folder: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    text = report(folder / "bad.yaml", folder.name)
    assert f": {folder.name} " in text
    golden(f"checks/{folder.name}/expected.txt", text)


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_good_fixture_has_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert report(folder / "good.yaml", folder.name) == ""


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_fixes_are_as_the_catalogue_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = linted((folder / "bad.yaml").read_bytes(), folder.name)
    offered = {Fix.SAFE if d.safe else Fix.UNSAFE for d in found if d.edits and d.code == folder.name}
    match CATALOGUE[folder.name].fix:
        case Fix.SAFE:
            assert offered
        case Fix.UNSAFE:
            assert offered == {Fix.UNSAFE}
        case None:
            assert not offered


@pytest.mark.parametrize(
    "folder", [folder for folder in FIXTURES if CATALOGUE[folder.name].fix], ids=lambda folder: folder.name
)
def test_what_has_a_fix_is_gone_once_it_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code, text = folder.name, (folder / "bad.yaml").read_text(encoding="utf-8")
    before = linted(text, code)
    for unsafe in (False, True):
        done = fix(text, "bad.yaml", lambda again: linted(again, code), unsafe)
        assert not [d for d in done.left if d.code == code and d.edits and (d.safe or unsafe)]
        assert errors(done.left) <= errors(before)
        assert done.applied[code] == 0 or done.text != text
    assert done.applied[code] > 0


def errors(found: Iterable[Diagnostic]) -> set[str]:
    return {d.code for d in found if d.severity is Severity.ERROR}


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
    old = replace(FIELDS["gpu_power"], replaced_by="gpu_power_now", removed_on="2027-01-01")
    monkeypatch.setattr(building, "FIELDS", {**FIELDS, "gpu_power": old})
    text = "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_power > 95W, action: pause_transfer}\n"
    loaded = examine(text, None)
    (found,) = DeprecatedField().run(Subject(loaded.ruleset, loaded.placed, text))
    assert (found.line, found.column, found.end_column) == (4, 26, 35)
    assert found.message == "gpu_power has been replaced and is removed on 2027-01-01"
    assert found.edits[0].replacement == "gpu_power_now"
