import pytest

from gpurules.cli.terminal.output import table
from gpurules.diagnostics.excerpt import columns_of


@pytest.fixture(autouse=True)
def no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    drawn = table(("name", "n"), [("語", "1"), ("abc", "22")])
    assert drawn == "name  n\n語    1\nabc   22\n"
    assert columns_of("語 e\u0301") == 4


def test_a_column_that_is_empty_in_every_row_is_left_out() -> None:
    assert table(("a", "b", "c"), [("1", "", "3")]) == "a  c\n1  3\n"


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("a",), []) == ""


def test_a_cell_cannot_command_the_terminal() -> None:
    assert "\x1b" not in table(("a",), [("\x1b[2J\n",)])
