"""The files for CI that the documentation shows and ``gpurules init`` writes, and the hooks, run as CI runs them."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.architecture.docs import blocks

ROOT = Path(__file__).resolve().parents[3]
SHOWN = {
    block.line: yaml.safe_load(block.text) for block in blocks(ROOT / "docs" / "ci.md") if block.language == "yaml"
}
GITHUB = {
    "docs": next(one for one in SHOWN.values() if "jobs" in one),
    "init": yaml.safe_load((ROOT / "gpurules" / "cli" / "templates" / "github.yml").read_text()),
}
GITLAB = next(one["rules"] for one in SHOWN.values() if isinstance(one, dict) and "script" in one.get("rules", ()))
HOT = "  - {name: hot, condition: gpu_temprature > 90, action: pause_transfer}\n"


def steps(workflow: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the commands of a GitHub workflow."""
    for job in workflow["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


COMMANDS = sorted(
    {
        command
        for listed in (*map(steps, GITHUB.values()), GITLAB["script"])
        for command in listed
        if command.startswith("gpurules ")
    }
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpurules: Any) -> Path:
    """A fresh repository with what ``gpurules init`` writes."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    assert gpurules("init").code == 0
    return tmp_path


def git(*arguments: str) -> None:
    names = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], check=True, env={**os.environ, **names, **quiet}, capture_output=True)


def test_every_template_has_the_three_commands() -> None:
    for listed in (*map(steps, GITHUB.values()), GITLAB["script"]):
        assert [shlex.split(command)[1] for command in listed if command.startswith("gpurules ")] == [
            "fmt",
            "lint",
            "test",
        ]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_ci_is_0_where_nothing_is_wrong(gpurules: Any, command: str) -> None:
    done = gpurules(*shlex.split(command)[1:])
    assert done.code == 0, done.out + done.err


def unformatted(project: Path) -> None:
    path = project / "rules" / "node.rules.yaml"
    path.write_text(path.read_text().replace("condition: ", "condition:   ", 1))


def wrong(project: Path) -> None:
    path = project / "rules" / "node.rules.yaml"
    path.write_text(path.read_text() + HOT)


def failing(project: Path) -> None:
    path = project / "tests" / "node.test.yaml"
    path.write_text(path.read_text().replace("outcome: no-match", "outcome: match", 1))


@pytest.mark.parametrize(("harm", "subcommand"), [(unformatted, "fmt"), (wrong, "lint"), (failing, "test")])
def test_it_is_1_where_something_is(
    gpurules: Any, project: Path, harm: Callable[[Path], None], subcommand: str
) -> None:
    harm(project)
    for command in COMMANDS:
        if shlex.split(command)[1] == subcommand:
            assert gpurules(*shlex.split(command)[1:]).code == 1


def test_it_is_2_where_there_is_nothing_to_check(gpurules: Any, project: Path) -> None:
    for name in ("rules", "tests"):
        shutil.rmtree(project / name)
    for command in COMMANDS:
        assert gpurules(*shlex.split(command)[1:]).code == 2
        assert gpurules(*shlex.split(command)[1:], "--allow-empty").code == 0


def test_the_reports_that_ci_picks_up_are_written(gpurules: Any, project: Path) -> None:
    wrong(project)
    for command in COMMANDS:
        gpurules(*shlex.split(command)[1:])
    picked = [
        step["with"]["sarif_file"]
        for step in GITHUB["docs"]["jobs"]["rules"]["steps"]
        if "sarif" in str(step.get("uses"))
    ]
    reports = GITLAB["artifacts"]["reports"]
    (finding,) = json.loads((project / picked[0]).read_text())["runs"][0]["results"]
    assert finding["ruleId"] == "GPR101"
    (issue,) = json.loads((project / reports["codequality"]).read_text())
    assert issue["check_name"].startswith("GPR101")
    for name in reports["junit"]:
        assert ElementTree.parse(project / name).getroot().tag == "testsuites"


PRE_COMMIT = shutil.which("pre-commit", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def pre_commit(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert PRE_COMMIT is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(project / ".cache"), "PRE_COMMIT_COLOR": "never"}
    return subprocess.run([PRE_COMMIT, *arguments], cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(PRE_COMMIT is None, reason="pre-commit is not installed")
@pytest.mark.slow
def test_the_hooks_run_in_a_fresh_repository(project: Path) -> None:
    """They are ours as they stand, but for where the program comes from: the one that is installed, with no network."""
    assert pre_commit(project, "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")).returncode == 0
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    ours = {"repo": "local", "hooks": [{**hook, "language": "system"} for hook in hooks]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [ours]}))
    (project / ".gitignore").write_text(".cache\n")
    git("add", ".")
    done = pre_commit(project, "run", "--all-files")
    assert (done.returncode, done.stdout.count("Passed")) == (0, 3), done.stdout + done.stderr
    wrong(project)
    git("add", ".")
    done = pre_commit(project, "run")
    assert done.returncode == 1
    assert [line.split(".")[0] for line in done.stdout.splitlines() if line.endswith("Failed")] == [
        "gpurules lint",
        "gpurules test",
    ]
    assert "GPR101 unknown-field: no field, signal or define is named 'gpu_temprature'" in done.stdout


@pytest.mark.skipif(PRE_COMMIT is None, reason="pre-commit is not installed")
@pytest.mark.slow
def test_the_configuration_that_init_writes_runs_as_it_is(tmp_path: Path, gpurules: Any, monkeypatch: Any) -> None:
    """It needs no registry: its hooks run the program that wrote it."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert gpurules("init").code == 0
    (tmp_path / ".gitignore").write_text(".cache\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    done = pre_commit(tmp_path, "run", "--all-files")
    assert (done.returncode, done.stdout.count("Passed")) == (0, 3), done.stdout + done.stderr
    ruleset = tmp_path / "rules" / "node.rules.yaml"
    ruleset.write_text(ruleset.read_text().replace("gpu_", "gup_", 1))
    done = pre_commit(tmp_path, "run", "--all-files")
    assert done.returncode == 1 and "gpurules lint" in done.stdout and "GPR101" in done.stdout


@pytest.mark.skipif(PRE_COMMIT is None, reason="pre-commit is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("config", ["init", *(line for line, one in SHOWN.items() if "repos" in one)])
def test_the_configuration_for_pre_commit_is_valid(project: Path, config: str | int) -> None:
    path = project / ".pre-commit-config.yaml"
    if isinstance(config, int):
        for repo in SHOWN[config]["repos"]:
            repo["repo"] = "https://example.org/gpurules"  # what the page leaves to the reader
        path.write_text(yaml.safe_dump(SHOWN[config]))
    done = pre_commit(project, "validate-config", str(path))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
