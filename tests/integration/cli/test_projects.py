"""What the linter finds in projects, of several files: tests of rules, a configuration, a baseline."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpurules.diagnostics import CATALOGUE
from tests.conftest import GOLDEN

FIXTURES = sorted(folder for folder in (GOLDEN / "checks").iterdir() if (folder / "bad").is_dir())
FIXED = [folder for folder in FIXTURES if CATALOGUE[folder.name].fix]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Copy a project to a folder of its own, and work in there."""

    def copied(source: Path) -> Path:
        shutil.copytree(source, tmp_path / "project")
        monkeypatch.chdir(tmp_path / "project")
        return tmp_path / "project"

    return copied


def codes(done: Any) -> list[str]:
    return [line.split(": ")[1].split()[0] for line in done.out.splitlines()]


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_bad_project_has_the_finding(
    gpurules: Any, folder: Path, project: Any, golden: Callable[[str, str], None]
) -> None:
    project(folder / "bad")
    done = gpurules("lint", "--output-format", "concise")
    assert set(codes(done)) == {folder.name}
    golden(f"checks/{folder.name}/expected.txt", done.out)


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_the_good_project_has_none(gpurules: Any, folder: Path, project: Any) -> None:
    project(folder / "good")
    assert gpurules("lint", "--fail-on", "info").out == ""


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_fixes_are_as_the_catalogue_says(gpurules: Any, folder: Path, project: Any) -> None:
    project(folder / "bad")
    found = json.loads(gpurules("lint", "--output-format", "json").out)["diagnostics"]
    offered = {finding["fix"]["applicability"] for finding in found if "fix" in finding}
    assert offered == ({CATALOGUE[folder.name].fix} if folder in FIXED else set())


@pytest.mark.parametrize("folder", FIXED, ids=lambda folder: folder.name)
def test_a_fix_is_shown_then_made_and_then_there_is_nothing_to_fix(gpurules: Any, folder: Path, project: Any) -> None:
    here = project(folder / "bad")
    before = {path.name: path.read_text() for path in here.iterdir()}
    asked = ["--unsafe-fixes"] if CATALOGUE[folder.name].fix == "unsafe" else []
    if asked:
        assert "0 fixes made" in gpurules("lint", "--fix").err
    shown = gpurules("lint", "--diff", *asked)
    assert shown.code == 1
    assert shown.out.startswith("--- ")
    assert {path.name: path.read_text() for path in here.iterdir()} == before
    assert "1 fix made" in gpurules("lint", "--fix", *asked).err
    after = {path.name: path.read_text() for path in here.iterdir()}
    assert len([name for name in before if after[name] != before[name]]) == 1
    assert gpurules("lint", "--diff", *asked).code == 0
