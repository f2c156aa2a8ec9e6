"""The page of a new user's first hour is what the commands answer, and every answer helps."""

import re
from pathlib import Path

import pytest

from gpurules.cli.reference.first_hour import MISTAKES, Mistake, answer, first_hour_page
from gpurules.cli.reference.gallery import WIDTH
from gpurules.cli.reference.pages import GENERATED

ROOT = Path(__file__).resolve().parents[3]
REMEDIES = re.compile(r"= help: |did you mean|gpurules init|Nearest: ")


def test_the_page_is_what_make_docs_would_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    made = GENERATED.format(source="the commands") + first_hour_page()
    assert (ROOT / "docs" / "first-hour.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_there_are_fifteen_mistakes_or_more_and_no_two_are_the_same() -> None:
    assert len({(*mistake.files.values(), mistake.arguments) for mistake in MISTAKES}) == len(MISTAKES) >= 15


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_an_answer_says_what_to_do_for_each_finding(mistake: Mistake) -> None:
    reported = answer(mistake)
    findings = len(re.findall(r"^GPR\d+ ", reported, re.MULTILINE))
    assert len(REMEDIES.findall(reported)) >= max(1, findings)
    assert "internal error" not in reported and "Traceback" not in reported
