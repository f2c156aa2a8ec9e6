"""No command shows lines of a file that is not a ruleset, whatever names it."""

from pathlib import Path
from typing import Any

import pytest

RULES = "version: 1\nname: x\nrules: [{name: a, condition: gpu_memory > 80, action: log}]\n"
SECRET = "password: hunter2\ntoken: [\n"
TEST = "kind: gpurules/test\nversion: 1\nrulesets: [{ruleset}]\n{cases}"
CASE = "cases: [{name: a, expect: [{rule: a, outcome: no-match}]}]\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a ruleset, and a secret inside and outside of it."""
    project = tmp_path / "project"
    (project / "rules").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "rules" / "sound.rules.yaml").write_text(RULES)
    for place in (tmp_path / "secret.yaml", project / "secret.yaml"):
        place.write_text(SECRET)
    monkeypatch.chdir(project)
    return project


@pytest.mark.parametrize("secret", ["../secret.yaml", "../../secret.yaml", "/proc/self/environ"])
@pytest.mark.parametrize(
    "arguments",
    [("lint",), ("lint", "--output-format", "json"), ("explain",), ("eval", "-r"), ("diff", "gpurules:default")],
)
def test_a_ruleset_that_extends_a_secret_shows_nothing_of_it(
    gpurules: Any, site: Path, monkeypatch: pytest.MonkeyPatch, secret: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", "hunter2")
    path = site / "rules" / "evil.rules.yaml"
    path.write_text(RULES.replace("rules:", f"extends: ['{secret}']\nrules:"))
    done = gpurules(*arguments, path)
    printed_text = done.out + done.err
    assert done.code in (1, 2)
    assert "GPR408" in printed_text
    assert "hunter2" not in printed_text and "password" not in printed_text


@pytest.mark.parametrize("secret", ["../secret.yaml", "../../secret.yaml", "/proc/self/environ"])
def test_a_test_of_a_secret_shows_nothing_of_it(
    gpurules: Any, site: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", "hunter2")
    (site / "rules" / "a.test.yaml").write_text(TEST.format(ruleset=secret, cases=CASE))
    replay = f"replay: [{{name: b, history: '{secret}', expect: {{rule: a}}}}]\n"
    (site / "rules" / "b.test.yaml").write_text(TEST.format(ruleset="sound.rules.yaml", cases=replay))
    (site / "rules" / "c.test.yaml").write_text(TEST.format(ruleset=f"sound.rules.yaml, '{secret}'", cases=CASE))
    for name in "abc":
        done = gpurules("test", f"rules/{name}.test.yaml")
        printed_text = done.out + done.err
        assert done.code == 1, name
        is_shown = name == "b" and secret == "../secret.yaml"  # a recording of the project is quoted where it is none
        assert is_shown or "hunter2" not in printed_text, name
        assert name == "b" or "GPR408" in printed_text


@pytest.mark.parametrize("secret", ["../../secret.yaml", "/proc/self/environ"])
def test_a_link_in_a_folder_of_rules_that_leads_out_of_the_project_shows_nothing(
    gpurules: Any, site: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", "hunter2")
    (site / "rules" / "evil.rules.yaml").symlink_to(secret)
    for form in ("full", "concise", "json", "github"):
        done = gpurules("lint", "--output-format", form, ".")
        assert done.code == 1
        assert "evil.rules.yaml" in done.out
        assert "hunter2" not in done.out + done.err


def test_a_ruleset_that_is_linked_from_elsewhere_is_shown(gpurules: Any, site: Path) -> None:
    (site.parent / "shared.rules.yaml").write_text(RULES.replace("gpu_memory", "gpu_memry"))
    (site / "rules" / "linked.rules.yaml").symlink_to("../../shared.rules.yaml")
    assert "gpu_memry > 80" in gpurules("lint", ".").out


def test_the_configuration_of_a_project_allows_a_folder(gpurules: Any, site: Path) -> None:
    (site.parent / "shared.rules.yaml").write_text(RULES)
    (site / "rules" / "own.rules.yaml").write_text(
        "version: 1\nname: y\nextends: [../../shared.rules.yaml]\nrules: []\n"
    )
    assert gpurules("lint", "rules/own.rules.yaml").code == 1
    (site / "gpurules.toml").write_text("allow-extends = ['..']\n")
    done = gpurules("lint", "rules/own.rules.yaml")
    assert done.code == 0, done.out + done.err
