"""Wrapping of generated prose: words stay, and nothing becomes markup that was none."""

from gpurules.cli.reference.wrapping import WIDTH, wrap_prose


def test_a_long_paragraph_is_wrapped_and_keeps_its_words() -> None:
    text = "word " * 60
    wrapped = wrap_prose(text)
    assert wrapped.split() == text.split()
    assert max(map(len, wrapped.split("\n"))) <= WIDTH


def test_tables_fences_headings_and_html_stay_as_they_are() -> None:
    long = "x " * 80
    page = f"# {long}\n\n| {long} |\n\n<!-- {long} -->\n```text\n{long}\n```\n"
    assert wrap_prose(page) == page


def test_no_line_begins_with_what_is_markup_or_breaks_a_code_span() -> None:
    for fill in range(100, 120):
        wrapped = wrap_prose(f"{'x' * fill} - a `code span with blanks` 1. # b")
        assert all(not line.startswith(("- ", "1. ", "# ")) for line in wrapped.split("\n"))
        assert "`code span with blanks`" in wrapped
