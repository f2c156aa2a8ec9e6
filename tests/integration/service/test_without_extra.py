"""Without the extra ``serve`` the command says how to get it, and everything else works."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.service.agents import RULES, SOURCE

BLOCKED = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from gpurules.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
"""Runs a command where modules, as far as imports can see, are not installed."""


def run_without(modules: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", BLOCKED, modules, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(RULES)
    return path


@pytest.mark.parametrize("missing", ["uvicorn", "starlette", "msgspec", "uvicorn,starlette,msgspec,httptools,uvloop"])
def test_serve_names_the_extra_that_it_needs(missing: str, rules: Path, tmp_path: Path) -> None:
    done = run_without(missing, "serve", str(rules), "--source", SOURCE, "--bind", f"unix:{tmp_path / 'a.sock'}")
    assert done.returncode == 2
    assert "pip install 'gpurules[serve]'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "a.sock").exists()


def test_the_client_and_its_commands_need_no_extra(tmp_path: Path) -> None:
    missing = "uvicorn,starlette,msgspec,httptools,uvloop"
    done = run_without(missing, "status", "--connect", f"unix:{tmp_path / 'none.sock'}")
    assert done.returncode != 0 and "does not answer" in done.stderr and "pip install" not in done.stderr
