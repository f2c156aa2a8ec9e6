import pytest

from gpurules.diagnostics.excerpt import excerpt, visible


def test_marks_stand_under_the_range() -> None:
    drawn = excerpt("condition: gpu_memroy > 80", 11, 21, "^", 80)
    assert drawn.text == "condition: gpu_memroy > 80"
    assert drawn.marks == "           ^^^^^^^^^^"


def test_a_wide_character_takes_two_columns() -> None:
    drawn = excerpt("名前: x", 4, 5, "^", 80)
    assert drawn.marks == "      ^"


def test_a_combining_mark_takes_no_column() -> None:
    assert excerpt("e\u0301 x", 3, 4, "^", 80).marks == "  ^"


def test_a_tab_goes_to_the_next_stop() -> None:
    drawn = excerpt("\ta\tx", 3, 4, "^", 80)
    assert drawn.text == "    a   x"
    assert drawn.marks == "        ^"


@pytest.mark.parametrize(("start", "end"), [(3, 3), (3, 99), (99, 99)])
def test_a_range_without_characters_gets_one_mark(start: int, end: int) -> None:
    assert excerpt("abc", start, end, "^", 80).marks == "   ^"


def test_a_long_line_is_clipped_around_the_range() -> None:
    drawn = excerpt("a" * 100 + "BAD" + "c" * 100, 100, 103, "^", 20)
    assert len(drawn.text) == 20
    assert drawn.text.startswith("…a")
    assert drawn.text.endswith("c…")
    assert drawn.text[drawn.marks.index("^") : len(drawn.marks)] == "BAD"


def test_a_long_line_with_the_range_at_its_start_keeps_the_start() -> None:
    drawn = excerpt("BAD" + "c" * 100, 0, 3, "^", 20)
    assert drawn.text == "BAD" + "c" * 15 + "…"
    assert drawn.marks == "^^^"


def test_a_long_line_with_the_range_at_its_end_keeps_the_end() -> None:
    drawn = excerpt("a" * 100 + "BAD", 100, 103, "^", 20)
    assert drawn.text == "…" + "a" * 15 + "BAD"
    assert drawn.marks == " " * 16 + "^^^"


def test_a_range_longer_than_the_width_shows_its_start() -> None:
    drawn = excerpt("x " + "B" * 200, 2, 202, "^", 20)
    assert drawn.text == "…" + "B" * 18 + "…"
    assert drawn.marks == " " + "^" * 18


def test_a_line_of_megabytes_is_drawn_at_once() -> None:
    line = "a" * 10_000_000
    assert excerpt(line, 5_000_000, 5_000_003, "^", 80).marks.strip() == "^^^"


def test_what_could_command_a_terminal_is_made_visible() -> None:
    assert visible("\x1b[31m\x00\x7f\u202e\u200b\n") == "␛[31m␀<U+007F><U+202E><U+200B>␊"
