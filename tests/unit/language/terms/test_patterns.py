import pytest

from gpurules.language.terms.patterns import PatternError, globber, matcher


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("(?i)B", "abc", True),
        (r"\d+", "a1", True),
        ("", "", True),
        ("é$", "é", True),
    ],
)
def test_a_search_is_unanchored(pattern: str, text: str, found: bool) -> None:
    assert matcher(pattern)(text) is found


@pytest.mark.parametrize("pattern", ["(", "[", "(?=a)", r"(a)\1", "a{1001}", "*"])
def test_what_is_not_re2_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        matcher(pattern)
    assert str(caught.value)


def test_a_name_that_is_not_utf8_is_searched_all_the_same() -> None:
    assert matcher("a")("a\udcff")
    assert not matcher("^b")("a\udcff")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("*.pt", "/a/b.pt", True),
        ("*.PT", "/a/b.pt", False),
        ("b.pt", "/a/b.pt", False),
        ("?", "ab", False),
        ("[ab]", "a", True),
        ("[!ab]", "a", False),
        ("[", "[", True),
        ("", "", True),
        ("a*", "a\nb", True),
    ],
)
def test_a_glob_covers_the_whole_text(pattern: str, text: str, found: bool) -> None:
    assert globber(pattern)(text) is found
