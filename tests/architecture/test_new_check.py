"""``make new-check`` writes a check that is complete and works, in two files beside its fixtures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.new_check import problem_with, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_new_check_is_complete_once_make_docs_has_run(tmp_path: Path) -> None:
    for name in ("gpurules", "grammars", "rulesets", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "golden" / "checks", tmp_path / "tests" / "golden" / "checks")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    written = write(tmp_path, "GPR799", "called-bad")
    code = [path for path in written if path.suffix == ".py"]
    assert [path.name for path in code] == ["called_bad.py", "__init__.py"]

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-P", "-m", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    made = ran("gpurules.cli.reference")
    assert made.returncode == 0, made.stderr
    assert "a rule is called bad" in (tmp_path / "docs" / "checks" / "GPR799.md").read_text().lower()
    fixture = "tests/golden/checks/GPR799/bad.yaml"
    done = ran("gpurules", "lint", fixture, "--extend-select", "GPR799", "--output-format", "concise", "--isolated")
    assert (done.returncode, done.stdout) == (0, f"{fixture}:4:12: GPR799 warning: the rule is called bad "
            "(say what it is for)\n")  # fmt: skip
    assert ran("gpurules", "rule", "called-bad").returncode == 0


@pytest.mark.parametrize(
    ("code", "name", "part"),
    [
        ("GPR101", "my-check", "not a code of a check"),
        ("GPR7", "my-check", "not a code of a check"),
        ("GPR799", "MyCheck", "not a name"),
        ("GPR799", "key-order", "GPR705 has that code or name"),
        ("GPR705", "my-check", "GPR705 has that code or name"),
    ],
)
def test_a_code_or_name_that_cannot_be_is_refused(code: str, name: str, part: str) -> None:
    assert part in (problem_with(code, name) or "")
