import pytest

from gpurules.diagnostics import LineIndex, Location, Span


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_and_columns_count_from_one_however_lines_end(line_end: str) -> None:
    text = line_end.join(["ab", "", "cd"])
    index = LineIndex(text)
    assert index.position(0) == (1, 1)
    assert index.position(text.index("c")) == (3, 1)
    assert index.position(text.index("d") + 1) == (3, 3)


def test_columns_count_code_points() -> None:
    assert LineIndex("é🙂x").position(2) == (1, 3)


def test_other_separators_end_no_line() -> None:
    assert LineIndex("a\u2028b\x0bc\x85d").position(6) == (1, 7)


def test_a_span_over_lines_has_both_ends() -> None:
    assert LineIndex("ab\ncd").location(Span(1, 4)) == Location(1, 2, 2, 2)


def test_spans_join() -> None:
    assert Span(1, 3).to(Span(5, 9)) == Span(1, 9)
