"""A file that says nothing is empty, whatever stands around that."""

import pytest

from gpurules.rules import examine
from gpurules.ruletest import read_tests

EMPTY = [
    "",
    "# a comment\n",
    "---\n",
    "---\n# a comment\n",
    "%YAML 1.1\n---\n# c\n...\n",
    "# a\n---\n# b\n",
    "\n \n",
]


@pytest.mark.parametrize("text", EMPTY)
def test_a_file_of_comments_and_markers_is_empty(text: str) -> None:
    (found,) = examine(text, "x.rules.yaml").diagnostics
    assert (found.code, found.message, found.line, found.column) == ("GPR405", "the file is empty", 1, 1)
    _, (wrong,) = read_tests(text, "x.test.yaml")
    assert (wrong.message, wrong.line) == ("the file is empty", 1)


@pytest.mark.parametrize("text", ["~\n", "''\n", "a text\n", "--- ''\n"])
def test_a_file_that_is_a_text_is_not_empty(text: str) -> None:
    (found,) = examine(text, "x.rules.yaml").diagnostics
    assert found.message != "the file is empty"
