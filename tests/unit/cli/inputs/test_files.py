from pathlib import Path

import click
import pytest

from gpurules.cli.inputs.files import ruleset_files


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "node.rules.yaml",
        "other.yaml",
        "rules/hot.yaml",
        "rules/hot.test.yaml",
        "rules/deep/full.yml",
        "rules/notes.txt",
        "site/rulesets/a.json",
        ".hidden/x.rules.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("version: 1\n")


def test_a_directory_gives_what_is_called_or_filed_as_rules() -> None:
    assert ruleset_files(["."]) == ["node.rules.yaml", "rules/hot.yaml", "rules/deep/full.yml", "site/rulesets/a.json"]


def test_a_directory_called_rules_gives_what_is_in_it() -> None:
    assert ruleset_files(["rules"]) == ["rules/hot.yaml", "rules/deep/full.yml"]


def test_a_file_that_is_named_counts_whatever_it_is_called() -> None:
    assert ruleset_files(["other.yaml", "rules/notes.txt"]) == ["other.yaml", "rules/notes.txt"]


def test_a_glob_is_understood_where_the_shell_left_it() -> None:
    assert ruleset_files(["**/*.yml"]) == ["rules/deep/full.yml"]


def test_a_file_meant_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "link.rules.yaml").symlink_to(tmp_path / "node.rules.yaml")
    assert ruleset_files(["node.rules.yaml", "./node.rules.yaml", str(tmp_path / "link.rules.yaml")]) == [
        "node.rules.yaml"
    ]


@pytest.mark.parametrize("argument", ["none.yaml", "*.toml", "none/"])
def test_an_argument_that_means_nothing_is_wrong_usage(argument: str) -> None:
    with pytest.raises(click.UsageError):
        ruleset_files([argument])


def test_a_path_above_is_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "rules")
    assert ruleset_files([str(tmp_path / "other.yaml")]) == [str(tmp_path / "other.yaml")]


def test_a_directory_without_rulesets_gives_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ruleset_files(["empty"]) == []
