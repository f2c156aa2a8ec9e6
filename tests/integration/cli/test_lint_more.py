"""``gpurules lint``: fixes, suppressions, the baseline, reports and configuration."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TEXT = """\
version: 1
name: x
rules:
  - name: a
    condition: 5000 < transfer_size
    action: pause_transfer
  - name: b
    condition: file_type == 'modle'
    action: pause_transfer
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "x.rules.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(done: Any) -> list[str]:
    return [line.split(": ")[1].split()[0] for line in done.out.splitlines()]


def lint(gpurules: Any, *arguments: str) -> Any:
    return gpurules("lint", "--output-format", "concise", *arguments)


def test_fix_fixes_the_file_and_reports_the_rest(gpurules: Any, here: Path) -> None:
    done = lint(gpurules, "--fix", "--extend-select", "GPR702")
    assert codes(done) == ["GPR107"]
    assert "2 fixes made" in done.err
    assert (here / "x.rules.yaml").read_text() == TEXT.replace("5000 < transfer_size", "transfer_size > 5000B")
    assert sorted(p.name for p in here.iterdir()) == [".git", "x.rules.yaml"]


def test_a_byte_order_mark_and_line_ends_survive_a_fix(gpurules: Any, here: Path) -> None:
    path = here / "x.rules.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    lint(gpurules, "--fix")
    fixed = TEXT.replace("5000 <", "5000B <").replace("\n", "\r\n")
    assert path.read_bytes() == b"\xef\xbb\xbf" + fixed.encode()


def test_diff_shows_what_fix_would_do_and_changes_nothing(gpurules: Any, here: Path) -> None:
    done = lint(gpurules, "--diff")
    assert done.code == 1
    assert "-    condition: 5000 < transfer_size\n+    condition: 5000B < transfer_size\n" in done.out
    assert (here / "x.rules.yaml").read_text() == TEXT
    assert lint(gpurules, "--diff", "--ignore", "GPR105").code == 0


def test_unsafe_fixes_are_asked_for(gpurules: Any, here: Path) -> None:
    text = TEXT.replace("5000 < transfer_size", "gpu_memory > 0.8")
    (here / "x.rules.yaml").write_text(text)
    lint(gpurules, "--fix")
    assert (here / "x.rules.yaml").read_text() == text
    lint(gpurules, "--fix", "--unsafe-fixes")
    assert "gpu_memory > 80%" in (here / "x.rules.yaml").read_text()


def test_several_reports_come_from_one_run(gpurules: Any, here: Path) -> None:
    done = lint(gpurules, "--report", "sarif=x.sarif", "--report", "junit=x.xml")
    assert len(done.out.splitlines()) == 2
    results = json.loads((here / "x.sarif").read_text())["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["GPR105", "GPR107"]
    assert all(result["partialFingerprints"] for result in results)
    assert (here / "x.xml").read_text().startswith("<?xml")


def test_a_report_that_cannot_be_is_2(gpurules: Any) -> None:
    assert lint(gpurules, "--report", "sarfi=x").code == 2
    assert lint(gpurules, "--report", "sarif").code == 2


def test_a_baseline_only_shrinks(gpurules: Any, here: Path) -> None:
    assert lint(gpurules, "--baseline", "b.json").code == 2
    assert codes(lint(gpurules, "--baseline", "b.json", "--update-baseline")) == []
    assert codes(lint(gpurules, "--baseline", "b.json", "--fail-on", "warning")) == []
    more = TEXT.replace("modle", "model") + "  - {name: c, condition: file_type == 'q', action: pause_transfer}\n"
    (here / "x.rules.yaml").write_text(more)
    assert codes(lint(gpurules, "--baseline", "b.json")) == ["GPR905", "GPR107"]
    assert codes(lint(gpurules, "--baseline", "b.json", "--update-baseline")) == ["GPR107"]
    assert codes(lint(gpurules, "--baseline", "b.json", "--update-baseline", "--allow-growth")) == []
    assert codes(lint(gpurules, "--baseline", "b.json")) == []


def test_what_is_no_baseline_is_2(gpurules: Any, here: Path) -> None:
    (here / "b.json").write_text("[]")
    assert lint(gpurules, "--baseline", "b.json").code == 2


def test_the_nearest_configuration_sets_defaults(gpurules: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "gpurules.toml").write_text('ignore = ["GPR105"]\nfail-on = "warning"\n')
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    done = lint(gpurules, "..")
    assert (done.code, codes(done)) == (1, ["GPR107"])
    assert (lint(gpurules, "..", "--fail-on", "error").code) == 0
    assert codes(lint(gpurules, "..", "--isolated")) == ["GPR105", "GPR107"]
    monkeypatch.setenv("GPURULES_IGNORE", "GPR107")
    assert codes(lint(gpurules, "..")) == ["GPR105"]


def test_a_table_of_pyproject_counts_too(gpurules: Any, here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.other]\na = 1\n[tool.gpurules]\nselect = "GPR107"\n')
    assert codes(lint(gpurules)) == ["GPR107"]


def test_the_search_ends_at_the_root_of_the_repository(gpurules: Any, here: Path, monkeypatch: Any) -> None:
    (here / "gpurules.toml").write_text('ignore = ["GPR105"]\n')
    inner = here / "inner"
    (inner / ".git").mkdir(parents=True)
    (inner / "x.rules.yaml").write_text(TEXT)
    monkeypatch.chdir(inner)
    assert codes(lint(gpurules)) == ["GPR105", "GPR107"]


def test_files_can_have_codes_of_their_own(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text('exclude = ["old*"]\n[per-file-ignores]\n"x.*" = ["GPR107"]\n')
    (here / "old.rules.yaml").write_text(TEXT)
    (here / "y.rules.yaml").write_text(TEXT)
    assert codes(lint(gpurules)) == ["GPR105", "GPR105", "GPR107"]
    assert codes(lint(gpurules, "old.rules.yaml")) == ["GPR105", "GPR107"]


def test_an_unknown_key_is_a_finding_with_the_nearest(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text('# mine\nslect = ["GPR7"]\nfail-on = 3\n')
    done = lint(gpurules)
    assert done.code == 1
    assert "gpurules.toml:2:1: GPR906 error: unknown key 'slect' (did you mean 'select'?)" in done.out
    assert "gpurules.toml:3:1: GPR906 error: 'fail-on' does not accept 3" in done.out


@pytest.mark.parametrize("text", ["= 3", "\xff", 'ignore = ["GPR1O5"]'])
def test_a_configuration_that_cannot_be_used_is_2(gpurules: Any, here: Path, text: str) -> None:
    (here / "gpurules.toml").write_bytes(text.encode("latin-1"))
    assert lint(gpurules).code == 2


def test_config_and_isolated_exclude_each_other(gpurules: Any, here: Path) -> None:
    (here / "c.toml").write_text("")
    assert lint(gpurules, "--config", "c.toml", "--isolated").code == 2
    assert lint(gpurules, "--isolated", "--config", "c.toml").code == 2
    assert lint(gpurules, "--config", "none.toml").code == 2


def test_config_shows_where_each_value_comes_from(gpurules: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "gpurules.toml").write_text('ignore = ["GPR105"]\nexclude = ["old/*"]\n')
    monkeypatch.setenv("GPURULES_FAIL_ON", "info")
    done = gpurules("config", "--format", "json")
    shown = json.loads(done.out)
    assert shown["ignore"] == {"value": ["GPR105"], "origin": "gpurules.toml"}
    assert shown["fail-on"] == {"value": "info", "origin": "GPURULES_FAIL_ON"}
    assert shown["output-format"] == {"value": "full", "origin": "default"}
    assert shown["exclude"] == {"value": ["old/*"], "origin": "gpurules.toml"}
    assert "gpurules.toml" in gpurules("config", "--show-origin").out


def test_how_much_work_the_analysis_may_be_stands_in_the_configuration(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text("analysis-steps = 0\n")
    (here / "x.rules.yaml").write_text(TEXT.replace("5000 < transfer_size", "80% < gpu_memory AND gpu_memory < 90%"))
    assert "1 rule not fully analyzed" in lint(gpurules).err
    assert "not fully analyzed" not in lint(gpurules, "--analysis-steps", "100_000").err
    shown = json.loads(gpurules("config", "--format", "json").out)
    assert shown["analysis-steps"] == {"value": 0, "origin": "gpurules.toml"}
    (here / "gpurules.toml").write_text("analysis-steps = -1\n")
    (problem,) = [line for line in lint(gpurules).out.splitlines() if "GPR906" in line]
    assert "'analysis-steps' does not accept -1" in problem


def test_style_is_reported_where_it_is_selected(gpurules: Any, here: Path) -> None:
    (here / "x.rules.yaml").write_text(TEXT.replace("name: a", "name: A B"))
    assert "GPR701" not in codes(lint(gpurules))
    assert "GPR701" in codes(lint(gpurules, "--extend-select", "GPR7"))
    (here / "gpurules.toml").write_text('extend-select = ["GPR7"]\n')
    assert "GPR701" in codes(lint(gpurules))


def test_a_finding_can_be_silenced_in_the_file(gpurules: Any, here: Path) -> None:
    silent = TEXT.replace("transfer_size\n", 'transfer_size  # gpurules: ignore[GPR105] reason="x" until=2001-01-01\n')
    (here / "x.rules.yaml").write_text(silent)
    assert codes(lint(gpurules)) == ["GPR105", "GPR902", "GPR107"]
    (here / "x.rules.yaml").write_text(silent.replace("2001", "2999"))
    assert codes(lint(gpurules)) == ["GPR107"]


def test_only_what_differs_from_a_commit_is_looked_at(gpurules: Any, here: Path) -> None:
    (here / ".git").rmdir()
    (here / "y.rules.yaml").write_text(TEXT)

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=here, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    done = lint(gpurules, "--since", "HEAD")
    assert (done.code, done.out) == (0, "")
    (here / "y.rules.yaml").write_text(TEXT + "\n")
    (here / "z.rules.yaml").write_text(TEXT)
    assert {line.split(":")[0] for line in lint(gpurules, "--since", "main").out.splitlines()} == {
        "y.rules.yaml",
        "z.rules.yaml",
    }
    assert lint(gpurules, "--since", "nowhere").code == 2
    assert lint(gpurules, "--since", "--output=x").code == 2
    assert not (here / "x").exists()


BASE = "version: 1\nname: b\ndefine: {hot: gpu_temperature > 85}\nrules: []\n"
CHILD = "version: 1\nname: c\nextends: [%s]\nrules:\n  - {name: r, condition: hot, action: pause_transfer}\n"


def test_what_extends_a_changed_base_is_looked_at_however_far(gpurules: Any, here: Path) -> None:
    (here / ".git").rmdir()
    (here / "base.rules.yaml").write_text(BASE)
    (here / "middle.rules.yaml").write_text("version: 1\nname: m\nextends: [base.rules.yaml]\nrules: []\n")
    (here / "child.rules.yaml").write_text(CHILD % "middle.rules.yaml")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *arguments], cwd=here, check=True, capture_output=True)
    assert lint(gpurules, "--since", "HEAD").code == 0
    (here / "base.rules.yaml").write_text(BASE.replace("hot", "is_hot"))
    for asked in (["--since", "HEAD"], ["--dependents", "base.rules.yaml"]):
        done = lint(gpurules, *asked)
        assert done.code == 1
        assert "child.rules.yaml:5:26: GPR101" in done.out
        assert "3 files" in done.err
    (here / "base.rules.yaml").unlink()
    assert "middle.rules.yaml:3:11: GPR408" in lint(gpurules, "--since", "HEAD").out


def test_every_command_that_reads_a_configuration_says_what_is_wrong_with_it(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text("slect = 3\n")
    (here / "x.test.yaml").write_text("kind: gpurules/test\nrulesets: [x.rules.yaml]\n")
    for subcommand in ("fmt", "test", "config"):
        done = gpurules(subcommand)
        assert done.code == 1
        assert "GPR906" in done.err


def test_watching_lints_again_when_a_file_changes_comes_or_goes(here: Path) -> None:
    command = [sys.executable, "-u", "-m", "gpurules", "lint", "--watch", "--output-format", "concise"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None and program.stderr is not None

        def round_() -> tuple[str, str]:
            """Return the summary of the next round, and what it says then."""
            found = program.stderr.readline(), program.stderr.readline()
            assert "watching" in found[1], found
            return found

        def put(name: str, text: str) -> None:
            """Write a file whole, as editors do: half of it would be a round of its own."""
            (here / "half").write_text(text)
            (here / "half").replace(here / name)

        try:
            assert round_()[0] == "1 file: 2 warnings\n"
            put("x.rules.yaml", TEXT.replace("modle", "model"))
            assert round_()[0] == "1 file: 1 warning\n"
            put("y.rules.yaml", "version: 1\nname: y\nrules: [\n")
            assert round_()[0].startswith("2 files: 1 error")
            (here / "y.rules.yaml").unlink()
            (here / "x.rules.yaml").unlink()
            summary = round_()[0]
            assert summary in ("0 files: no findings\n", "1 file: 1 warning\n")  # both have gone at once, or in turn
            program.send_signal(signal.SIGINT)
            assert program.wait(timeout=60) == 130
        finally:
            program.kill()


def test_watching_changes_nothing(gpurules: Any) -> None:
    assert lint(gpurules, "--watch", "--fix").code == 2
    assert lint(gpurules, "--watch", "-").code == 2


def test_a_run_over_some_files_leaves_the_entries_of_others_alone(gpurules: Any, here: Path) -> None:
    (here / "y.rules.yaml").write_text(TEXT)
    lint(gpurules, "--baseline", "b.json", "--update-baseline")
    before = (here / "b.json").read_text()
    assert codes(lint(gpurules, "--baseline", "b.json", "x.rules.yaml")) == []
    assert codes(lint(gpurules, "--baseline", "b.json", "--select", "GPR107,GPR905")) == []
    lint(gpurules, "--baseline", "b.json", "--update-baseline", "x.rules.yaml")
    assert (here / "b.json").read_text() == before
    (here / "y.rules.yaml").unlink()
    assert codes(lint(gpurules, "--baseline", "b.json", "x.rules.yaml")) == ["GPR905", "GPR905"]


def test_diff_and_update_baseline_exclude_each_other(gpurules: Any) -> None:
    assert lint(gpurules, "--diff", "--baseline", "b.json", "--update-baseline").code == 2


def test_in_a_github_workflow_findings_stand_at_their_lines(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = gpurules("lint")
    assert all(line.startswith("::warning file=x.rules.yaml,line=") for line in done.out.splitlines())
    assert gpurules("lint", "--output-format", "full").out.startswith("GPR105 ")
    monkeypatch.setenv("GPURULES_OUTPUT_FORMAT", "concise")
    assert gpurules("lint").out.startswith("x.rules.yaml:")


def test_services_get_paths_from_the_root_of_the_repository(
    gpurules: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "deep" / "er").mkdir(parents=True)
    (here / "deep" / "er" / "y.rules.yaml").write_text(TEXT)
    monkeypatch.chdir(here / "deep")
    asked = ["lint", "..", "--select", "GPR107", "--report", "gitlab=g.json", "--report", "sarif=s.json"]
    assert [line.split(":")[0] for line in gpurules(*asked, "--output-format", "concise").out.splitlines()] == [
        "../x.rules.yaml",
        "er/y.rules.yaml",
    ]
    expected = ["deep/er/y.rules.yaml", "x.rules.yaml"]
    assert sorted(issue["location"]["path"] for issue in json.loads(Path("g.json").read_text())) == expected
    results = json.loads(Path("s.json").read_text())["runs"][0]["results"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]
    assert sorted(places) == expected
    out = gpurules("lint", "..", "--select", "GPR107", "--output-format", "github").out
    assert [f"file={path},line" in out for path in expected] == [True, True]


def test_the_address_of_the_docs_is_set_by_an_option_or_the_configuration(gpurules: Any, here: Path) -> None:
    (here / "gpurules.toml").write_text('docs-url = "https://docs.example.org/a"\n')

    def links(*options: str) -> set[str]:
        out = gpurules("lint", "--select", "GPR107", "--output-format", "sarif", *options).out
        return {rule["helpUri"] for rule in json.loads(out)["runs"][0]["tool"]["driver"]["rules"]}

    assert links() == {"https://docs.example.org/a/GPR107.html"}
    assert links("--docs-url", "https://docs.example.org/b/") == {"https://docs.example.org/b/GPR107.html"}


def test_a_baseline_holds_in_whatever_folder_the_linter_is_run(
    gpurules: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "gpurules.toml").write_text('baseline = "b.json"\n')
    (here / "rules").mkdir()
    (here / "x.rules.yaml").rename(here / "rules" / "x.yaml")
    assert codes(lint(gpurules, "--update-baseline")) == []
    assert '"path": "rules/x.yaml"' in (here / "b.json").read_text()
    monkeypatch.chdir(here / "rules")
    assert codes(lint(gpurules)) == codes(lint(gpurules, "..")) == codes(lint(gpurules, str(here))) == []
    before = (here / "b.json").read_text()
    assert codes(lint(gpurules, "--update-baseline")) == []
    assert (here / "b.json").read_text() == before
    (here / "rules" / "x.yaml").write_text(TEXT.replace("modle", "model"))
    assert codes(lint(gpurules)) == ["GPR905"]


NOISY = """\
version: 1
name: x
rules:
  # gpurules: ignore[GPR601] reason="burn-in rack"
  - {name: a, condition: gpu_temperature > 85, action: webhook, parameters: {url: 'http://x'}}
  - {name: b, condition: gpu_power > 300W, action: webhook, parameters: {url: 'http://x'}, priority: 1}
"""


def test_where_a_file_has_errors_nothing_is_reported_as_unused_or_stale(gpurules: Any, here: Path) -> None:
    path = here / "x.rules.yaml"
    path.write_text(NOISY)
    assert codes(lint(gpurules, "--baseline", "b.json", "--update-baseline")) == []
    assert [entry["code"] for entry in json.loads((here / "b.json").read_text())["findings"]] == ["GPR601"]
    broken = NOISY.replace("gpu_power", "gpu_pwoer")
    path.write_text(broken)
    for more in ((), ("--fix",), ("--update-baseline",)):
        assert codes(lint(gpurules, "--baseline", "b.json", *more)) == ["GPR101"]
    assert path.read_text() == broken
    path.write_text(NOISY)
    assert codes(lint(gpurules, "--baseline", "b.json")) == []


def test_a_fix_of_stdin_goes_to_stdout_and_what_is_left_to_stderr(
    gpurules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + TEXT.encode())))
    done = gpurules("lint", "-", "--fix", "--extend-select", "GPR702", "--stdin-filename", "editor.yaml")
    assert done.out == "\ufeff" + TEXT.replace("5000 < transfer_size", "transfer_size > 5000B")
    assert "GPR107 unknown-enum-value" in done.err
    assert " 8 |     condition: file_type == 'modle'\n" in done.err
    assert "2 fixes made\n" in done.err
