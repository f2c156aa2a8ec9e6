"""The files of the page: small, and safe by how they are written."""

import re
from importlib.resources import files

import pytest

from gpurules.service.web.pages import POLICY

FILES = {
    entry.name: entry.read_text(encoding="utf-8")
    for entry in files("gpurules.service").joinpath("page").iterdir()
    if entry.name.endswith((".html", ".css", ".js")) and entry.name != "docs.css"
}
MOST_LINES, MOST_COLUMNS = 1500, 190


def test_the_page_is_small() -> None:
    assert sum(len(text.splitlines()) for text in FILES.values()) < MOST_LINES
    code = (text for name, text in FILES.items() if not name.endswith(".css"))
    assert max(len(line) for text in code for line in text.splitlines()) <= MOST_COLUMNS


@pytest.mark.parametrize("name", FILES)
def test_data_never_becomes_markup_or_code(name: str) -> None:
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|javascript:"
    assert re.findall(unsafe, FILES[name]) == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere_and_nothing_is_inline(name: str) -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", FILES[name]))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "no server is asked for the namespace of SVG"
    assert re.findall(r"\sstyle=|\.setAttribute\(\"style|\son[a-z]+=\"|@import|url\(", FILES[name]) == []


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in POLICY and "default-src 'none'" in POLICY
