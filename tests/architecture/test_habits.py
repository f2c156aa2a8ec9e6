"""Conventions for records that people write by hand: decisions, changelog fragments, subjects of commits."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
FRAGMENTS = sorted((ROOT / "changelog.d").glob("*.md"))
LAST_UNCHECKED = "956d759cc236a7f22df3a9f1807f914912c5466a"
"""The commits up to this one are history; every later one has a subject that begins with the part it touches."""
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_a_number_and_a_status(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# {int(page.stem[:4])}. ")
    assert re.fullmatch(r"Status: (proposed|accepted|superseded by \d{4})", lines[2])


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.stem[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_of_the_changelog_is_one_sentence_or_two_in_one_line(fragment: Path) -> None:
    assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|removed|fixed)\.md", fragment.name)
    (line,) = fragment.read_text(encoding="utf-8").splitlines()
    assert line[0] not in "-* " and line.endswith(".") and len(line) <= 300


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_of_a_page_is_wrapped_before_120_characters(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [
        line for line in text.splitlines() if len(line) >= 120 and not line.lstrip().startswith(("|", "#", "<"))
    ] == []


def is_good_subject(subject: str) -> bool:
    """Return whether the subject of a commit is short, and begins with the part that the commit touches."""
    return len(subject) < 72 and re.match(r"[a-z][a-z0-9 ,/._-]*: \S", subject) is not None


def git(*arguments: str) -> str:
    """Return what git prints about this checkout; skip where it cannot answer: no git, no checkout, no history."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, check=True, encoding="utf-8", timeout=60
        )
    except FileNotFoundError:
        pytest.skip("git is not installed")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"not a full clone: {error.stderr.strip()}")
    return done.stdout


def subjects_of_commits() -> list[str]:
    """Return the subjects of the newest commits that are checked; skip where there is no history to look at."""
    if Path(git("rev-parse", "--show-toplevel").strip()) != ROOT:
        pytest.skip("not a clone, but a folder in another repository")
    return git("log", "--no-merges", "--max-count=50", "--format=%s", f"{LAST_UNCHECKED}..HEAD").splitlines()


def test_subjects_of_commits_are_short_and_name_the_part_they_touch() -> None:
    assert [subject for subject in subjects_of_commits() if not is_good_subject(subject)] == []


@pytest.mark.parametrize(
    ("subject", "is_good"),
    [
        ("clients: verify each piece on resume", True),
        ("governor, clients/s3: one name for a slot", True),
        ("Verify each piece on resume", False),
        ("verify each piece on resume", False),
        ("clients:", False),
        (f"clients: {'x' * 62}", True),
        (f"clients: {'x' * 63}", False),
    ],
)
def test_a_subject_is_short_and_begins_with_a_part(subject: str, is_good: bool) -> None:
    assert is_good_subject(subject) is is_good
