"""``gpurules lint``."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

GOOD = """\
version: 1
name: good
rules:
  - {name: pause, condition: gpu_temperature > 90, action: pause_transfer}
"""
BAD = """\
version: 1
name: bad
rules:
  - name: pause
    condition: gpu_temprature > 90 AND file_type == 'modle'
    action: pause_transfer
    prioritty: 3
"""
DOUBTFUL = GOOD.replace("gpu_temperature > 90", "file_type == 'modle'")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("bad", BAD), ("doubtful", DOUBTFUL)):
        (tmp_path / f"{name}.rules.yaml").write_text(text)


def codes(out: str) -> list[str]:
    return [line.split(": ")[1].split()[0] for line in out.splitlines()]


def test_a_good_ruleset_is_0_and_says_nothing_on_stdout(gpurules: Any) -> None:
    done = gpurules("lint", "good.rules.yaml")
    assert (done.code, done.out, done.err) == (0, "", "1 file: no findings\n")


def test_every_mistake_is_found_in_one_run(gpurules: Any) -> None:
    done = gpurules("lint", "bad.rules.yaml", "--output-format", "concise")
    assert done.code == 1
    assert sorted(codes(done.out)) == ["GPR101", "GPR107", "GPR401"]
    assert "bad.rules.yaml:5:16: GPR101 " in done.out
    assert "bad.rules.yaml:7:5: GPR401 " in done.out


def test_the_full_format_shows_the_place(gpurules: Any) -> None:
    done = gpurules("lint", "bad.rules.yaml")
    assert "  --> bad.rules.yaml:5:16\n" in done.out
    assert (
        "\n 5 |     condition: gpu_temprature > 90 AND file_type == 'modle'\n   |                ^^^^^^^^^^^^^^\n"
        in done.out
    )
    assert "= more: gpurules rule GPR101" in done.out


def test_json_is_for_programs(gpurules: Any) -> None:
    report = json.loads(gpurules("lint", ".", "--output-format", "json").out)
    assert report["schema_version"] == 1
    assert report["summary"] == {"errors": 2, "warnings": 2, "infos": 0}
    assert [d["path"] for d in report["diagnostics"]] == ["bad.rules.yaml"] * 3 + ["doubtful.rules.yaml"]


@pytest.mark.parametrize("form", ["full", "concise", "json"])
def test_the_format_does_not_change_the_code(gpurules: Any, form: str) -> None:
    assert gpurules("lint", "bad.rules.yaml", "--output-format", form).code == 1
    assert gpurules("lint", "good.rules.yaml", "--output-format", form).code == 0


@pytest.mark.parametrize(("limit", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_a_warning_fails_where_it_is_asked_to(gpurules: Any, limit: str, code: int) -> None:
    assert gpurules("lint", "doubtful.rules.yaml", "--fail-on", limit).code == code


def test_errors_never_fail_with_never(gpurules: Any) -> None:
    assert gpurules("lint", "bad.rules.yaml", "--fail-on", "never").code == 0


def test_here_is_the_default(gpurules: Any) -> None:
    done = gpurules("lint")
    assert done.code == 1
    assert done.err == "3 files: 2 errors, 2 warnings\n"


def test_a_path_that_is_not_there_is_2_whatever_else_is_found(gpurules: Any) -> None:
    done = gpurules("lint", "bad.rules.yaml", "none.yaml")
    assert (done.code, done.out) == (2, "")
    assert "none.yaml" in done.err


def test_no_ruleset_is_2_unless_allowed(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert gpurules("lint", "empty").code == 2
    assert gpurules("lint", "empty", "--allow-empty").code == 0


def test_stdin_is_linted_under_its_name(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    done = gpurules("lint", "-", "--stdin-filename", "editor.yaml")
    assert done.code == 1
    assert "--> editor.yaml:5:16" in done.out
    assert "^^^^^^^^^^^^^^\n" in done.out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--select", "GPR1"), ["GPR101", "GPR107"]),
        (("--select", "GPR1", "--ignore", "GPR101"), ["GPR107"]),
        (("--ignore", "GPR1,unknown-key"), []),
        (("--select", "unknown-enum-value"), ["GPR107"]),
    ],
)
def test_codes_are_chosen_by_code_prefix_or_name(gpurules: Any, options: tuple[str, ...], expected: list[str]) -> None:
    done = gpurules("lint", "bad.rules.yaml", "--output-format", "concise", *options)
    assert codes(done.out) == expected
    assert done.code == int("GPR101" in expected)


def test_a_wrong_selector_is_2_and_the_nearest_is_offered(gpurules: Any) -> None:
    done = gpurules("lint", ".", "--select", "unknown-feild")
    assert done.code == 2
    assert "unknown-field" in done.err


def test_statistics_count_by_code(gpurules: Any) -> None:
    done = gpurules("lint", ".", "--statistics")
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()] == [
        ["count", "code", "name"],
        ["2", "GPR107", "unknown-enum-value"],
        ["1", "GPR101", "unknown-field"],
        ["1", "GPR401", "unknown-key"],
    ]


def test_the_report_can_go_to_a_file(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("lint", "bad.rules.yaml", "--output-file", "report.txt", "--output-format", "concise")
    assert (done.code, done.out) == (1, "")
    assert len((tmp_path / "report.txt").read_text().splitlines()) == 3


RULE = 'version: 1\nname: x\nrules:\n  - {name: a, action: pause_transfer, condition: "%s"}\n'
HOSTILE = {
    "not utf-8": b"\xff\xfe\x00",
    "half a character": "version: 1 # é".encode()[:-1],
    "tab": b"version: 1\n\trules: []\n",
    "empty": b"",
    "nul": b"\x00" * 100,
    "a scalar": b"42",
    "a list": b"- version: 1",
    "several documents": b"version: 1\n---\nversion: 1\n",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 5000 + b"]" * 5000,
    "recursive alias": b"version: 1\nname: x\nrules: &a [*a]\n",
    "alias bomb": b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
    "too large": b"# " + b"x" * (11 * 1024 * 1024),
    "parentheses": (RULE % ("(" * 100_000)).encode(),
    "parentheses, closed": (RULE % ("(" * 20_000 + "TRUE" + ")" * 20_000)).encode(),
    "long condition": (RULE % ("gpu_memory > 1 AND " * 4000 + "TRUE")).encode(),
    "huge number": (RULE % ("gpu_memory > " + "9" * 5000)).encode(),
    "huge exponent": (RULE % "gpu_memory > 1e999999999").encode(),
    "control characters": (RULE % "gpu_memory > \\x1b[2J").encode(),
    "python tag": b"!!python/object/apply:os.system ['true']",
    "surrogate": b'version: 1\nname: "\\ud800"\nrules: []\nx: 1\n',
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_whatever_is_in_a_file_is_a_finding_and_never_a_traceback(gpurules: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.rules.yaml").write_bytes(HOSTILE[name])
    for form in ("full", "concise", "json"):
        done = gpurules("lint", "x.rules.yaml", "--output-format", form)
        assert done.code == 1
        assert "\x1b" not in done.out
        assert len(done.out) < 100_000


def test_check_is_the_same_command(gpurules: Any) -> None:
    assert gpurules("check", "good.rules.yaml").code == 0


def test_a_ruleset_that_ships_can_be_named(gpurules: Any) -> None:
    assert gpurules("lint", "gpurules:default").code == 0
