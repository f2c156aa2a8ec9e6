"""A lint check is one file, registered once, with all its parts: a check that lacks one never runs without a word."""

import importlib
import inspect
from pathlib import Path

import pytest

from gpurules.diagnostics import CATALOGUE, Code
from gpurules.linter import checks

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.stem for path in Path(checks.__file__).parent.glob("*.py") if path.stem != "__init__")


def lacking(name: str) -> list[str]:
    """Return what the check in the file *name* lacks."""
    module = importlib.import_module(f"gpurules.linter.checks.{name}")
    about = getattr(module, "ABOUT", None)
    if not isinstance(about, Code):
        return ["ABOUT, a Code"]
    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    own = [one for one in classes if getattr(one, "about", None) is about and callable(getattr(one, "run", None))]
    missing = [] if len(own) == 1 else ["one class with about = ABOUT and run()"]
    if about.name.replace("-", "_") != name:
        missing.append(f"a file called after its name: {about.name.replace('-', '_')}.py")
    if not any(type(check) in own for check in checks.CHECKS):
        missing.append("its place in CHECKS of linter/checks/__init__.py")
    if CATALOGUE.get(about.code) != about:
        missing.append("its entry in the catalogue: run `make docs`")
    for fixture in ("bad", "good"):
        folder = ROOT / "tests" / "golden" / "checks" / about.code
        if not (folder / f"{fixture}.yaml").exists() and not (folder / fixture).is_dir():
            missing.append(f"the fixture tests/golden/checks/{about.code}/{fixture}.yaml")
    missing += [part for part in ("summary", "avoid", "prefer", "why", "since") if not getattr(about, part)]
    return missing


@pytest.mark.parametrize("name", FILES)
def test_a_check_has_all_its_parts(name: str) -> None:
    assert lacking(name) == []


def test_what_is_lacking_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", checks.CHECKS[1:])
    name = checks.AmbiguousPrecedence.about.name.replace("-", "_")
    assert lacking(name) == ["its place in CHECKS of linter/checks/__init__.py"]


def test_no_code_is_claimed_twice() -> None:
    codes = [check.about.code for check in checks.CHECKS]
    assert len(codes) == len(set(codes))
