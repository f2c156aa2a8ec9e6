"""``gpurules lint --emit-test``: the examples of findings become tests that pass."""

from pathlib import Path
from typing import Any

import pytest

GALLERY = Path(__file__).resolve().parents[3] / "docs" / "gallery"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "cases"),
    [
        ("03-hurry-and-wait", 1, 1),
        ("04-behind-a-stop", 1, 1),
        ("08-holes-between-bands", 0, 2),
        ("09-a-default-that-decides", 0, 1),
        ("10-the-forgotten-copy", 0, 2),
    ],
)
def test_what_is_written_runs_and_shows_the_finding(
    gpurules: Any, here: Path, name: str, code: int, cases: int
) -> None:
    (here / "rules").mkdir()
    path = here / "rules" / f"{name}.rules.yaml"
    path.write_text((GALLERY / path.name).read_text())
    (here / "tests").mkdir()
    done = gpurules("lint", f"rules/{path.name}", "--emit-test", "tests/found.test.yaml")
    assert done.code == code
    assert f"tests/found.test.yaml: {cases} test{'s' if cases > 1 else ''} written" in done.err
    ran = gpurules("test", "tests/found.test.yaml")
    assert ran.code == 0, ran.out
    assert (here / "tests" / "found.test.yaml").read_text().count("- name:") == cases


def test_a_test_fails_once_the_ruleset_is_fixed(gpurules: Any, here: Path) -> None:
    path = here / "x.rules.yaml"
    path.write_text((GALLERY / "03-hurry-and-wait.rules.yaml").read_text())
    gpurules("lint", path.name, "--emit-test", "found.test.yaml")
    path.write_text(path.read_text().replace("> 88C", "> 88C AND file_type != 'model'"))
    assert gpurules("lint", path.name).code == 0
    assert gpurules("test", "found.test.yaml").code == 1


def test_no_file_is_written_over_that_is_no_test(gpurules: Any, here: Path) -> None:
    path = here / "x.rules.yaml"
    path.write_text((GALLERY / "03-hurry-and-wait.rules.yaml").read_text())
    before = path.read_text()
    done = gpurules("lint", path.name, "--emit-test", path.name)
    assert done.code == 2
    assert "not a rule test" in done.err
    assert path.read_text() == before


def test_without_a_witness_nothing_is_written(gpurules: Any, here: Path) -> None:
    (here / "x.rules.yaml").write_text((GALLERY / "01-two-gpus-in-one.rules.yaml").read_text())
    assert "no finding has a witness" in gpurules("lint", "x.rules.yaml", "--emit-test", "found.test.yaml").err
    assert not (here / "found.test.yaml").exists()
