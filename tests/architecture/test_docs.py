"""What the documentation shows works: conditions check, rulesets lint, Python runs, commands print what is shown."""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpurules.actions.registration import decorated_actions, forget
from gpurules.cli.main import run
from gpurules.diagnostics import CATALOGUE, Severity
from gpurules.language import Environment, parse
from tests.architecture.docs import Block, blocks, pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(ROOT)
CONDITIONS = [
    pytest.param(line, id=f"{page.name}:{block.line + n}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "condition"
    for n, line in enumerate(block.text.splitlines())
    if line.strip()
]
RULESETS = [
    pytest.param(block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "yaml" and block.text.startswith("version:")
]
STORIES = [
    pytest.param(page, id=page.name)
    for page in PAGES
    if any(block.language in ("python", "console") for block in blocks(page))
]


@pytest.fixture(autouse=True)
def no_action_is_left_behind() -> Iterator[None]:
    """Forget the actions that a page makes."""
    before = {action.name for action in decorated_actions()}
    yield
    for action in decorated_actions():
        if action.name not in before:
            forget(action.name)


@pytest.mark.parametrize("line", CONDITIONS)
def test_a_condition_checks_or_fails_as_the_page_says(line: str) -> None:
    expected = re.search(r"# (GPR\d{3})$", line)
    codes = {finding.code for finding in Environment().condition(parse(line)).findings}
    if expected:
        assert expected[1] in codes
    else:
        assert not {code for code in codes if CATALOGUE[code].severity is Severity.ERROR}


@pytest.mark.parametrize("block", RULESETS)
def test_a_ruleset_has_no_finding_unless_the_page_says_so(block: Block, tmp_path: Path) -> None:
    import gpurules

    path = tmp_path / "example.rules.yaml"
    path.write_text(block.text, encoding="utf-8")
    expected = set(re.findall(r"GPR\d{3}", block.info))
    assert {diagnostic.code for diagnostic in gpurules.lint(path)} == expected


@pytest.mark.parametrize("page", STORIES)
def test_a_page_runs_from_its_first_block_to_its_last(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    names: dict[str, object] = {"__name__": "docs"}
    for block in blocks(page):
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.language == "python":
            run_python(block, page, names)
        elif block.language == "console":
            run_commands(block, page, capsys)


def run_python(block: Block, page: Path, names: dict[str, object]) -> None:
    place = f"{page.name}:{block.line}"
    if ">>>" not in block.text:
        exec(compile("\n" * (block.line - 1) + block.text, place, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, place, str(page), block.line)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append, clear_globs=False)
    names |= test.globs
    assert result.failed == 0, "".join(report)


def run_commands(block: Block, page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run each ``$ gpurules …`` and compare what it prints; ``…`` on a line of its own stands for any lines."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "gpurules", f"{page.name}:{block.line}: only gpurules can be shown"
        capsys.readouterr()
        run(arguments)
        out, err = capsys.readouterr()
        pattern = "(.*\n)*".join(re.escape(text) for text in re.split(r"^…\n", shown, flags=re.MULTILINE))
        assert re.fullmatch(pattern, out + err), f"{page.name}:{block.line}: {command}\n{out}{err}"


def test_architecture_decisions_are_numbered_one_by_one() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        assert file.read_text(encoding="utf-8").startswith(f"# {int(file.name[:4])}. "), file.name


def test_links_between_pages_lead_somewhere() -> None:
    links = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
    for page in PAGES:
        for link in links.findall(page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links {link}"
