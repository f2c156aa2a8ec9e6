"""The glossary names modules that exist, and its terms are in order."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \*\*([^*]+)\*\* \|.*\| `([^`]+)` \|$", PAGE, flags=re.MULTILINE)


def test_every_term_has_a_home_that_exists() -> None:
    assert len(ROWS) == PAGE.count("\n| **") > 50
    assert [path for _, path in ROWS if not (ROOT / "gpurules" / path).is_file()] == []


def test_terms_are_defined_once_and_sorted_within_their_table() -> None:
    terms = [term for term, _ in ROWS]
    assert len(terms) == len(set(terms))
    for table in PAGE.split("\n## ")[1:]:
        listed = [term.lower() for term in re.findall(r"^\| \*\*([^*]+)\*\*", table, flags=re.MULTILINE)]
        assert listed == sorted(listed)
