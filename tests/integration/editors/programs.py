"""Finds the editors' programs: on the path, or beside the interpreter."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import GOLDEN

ROOT = GOLDEN.parent.parent
NODE = Path(sys.prefix) / "node_modules/.bin"


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is not there."""
    beside = f"{Path(sys.executable).parent}:{NODE}"
    found = shutil.which(name) or shutil.which(name, path=beside)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def documented(language: str) -> str:
    """Return the first block of *language* in the page about editors."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    return page.partition(f"```{language}\n")[2].partition("```")[0]
