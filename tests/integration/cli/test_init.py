"""``gpurules init``, and the hooks for pre-commit."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpurules.cli.main import COMMANDS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_what_it_writes_is_clean_formatted_and_tested(gpurules: Any) -> None:
    assert gpurules("init").code == 0
    assert gpurules("lint").code == 0
    assert gpurules("lint", "--extend-select", "GPR7", "--fail-on", "info").out == ""
    assert gpurules("fmt", "--check").code == 0
    done = gpurules("test", "--coverage")
    assert done.code == 0, done.out
    assert "rule coverage 100 %" in done.out


def test_what_is_there_stays(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text("# mine\n")
    done = gpurules("init", ".")
    assert "skipped gpurules.toml: already exists" in done.err
    assert (here / "gpurules.toml").read_text() == "# mine\n"
    assert gpurules("init").out == ""


def test_another_directory(gpurules: Any, here: Path) -> None:
    done = gpurules("init", "new")
    assert "new/rules/node.rules.yaml\n" in done.out
    assert (here / "new" / ".github" / "workflows" / "rules.yml").exists()


def test_a_file_in_the_way_is_2(gpurules: Any, here: Path) -> None:
    (here / "rules").write_text("")
    assert gpurules("init").code == 2


def hooks(root: Path) -> list[dict[str, Any]]:
    loaded = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(loaded, list)
    return loaded


def test_hooks_run_commands_that_there_are(root: Path) -> None:
    assert [hook["id"] for hook in hooks(root)] == ["gpurules-lint", "gpurules-fmt", "gpurules-test"]
    assert all(hook["entry"].split()[1] in COMMANDS for hook in hooks(root))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.rules.yaml", {"gpurules-lint", "gpurules-fmt", "gpurules-test"}),
        ("x/rules/a.yml", {"gpurules-lint", "gpurules-fmt", "gpurules-test"}),
        ("tests/a.test.yaml", {"gpurules-fmt", "gpurules-test"}),
        ("rules/a.test.yaml", {"gpurules-fmt", "gpurules-test"}),
        ("a.yaml", set()),
    ],
)
def test_hooks_take_the_files_that_the_commands_take(root: Path, path: str, expected: set[str]) -> None:
    taken = {
        hook["id"]
        for hook in hooks(root)
        if re.search(hook["files"], path) and not re.search(hook.get("exclude", "^$"), path)
    }
    assert taken == expected
