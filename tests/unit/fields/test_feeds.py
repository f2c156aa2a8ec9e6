"""Selectors of Prometheus, and what is not one."""

import pytest

from gpurules.fields.feeds import LabelMatcher, MatchOperator, SelectorError, is_factor, parse_selector


@pytest.mark.parametrize(
    ("text", "metric", "matchers"),
    [
        ("node_load1", "node_load1", ()),
        (" job:up:sum ", "job:up:sum", ()),
        ("up{}", "up", ()),
        ('up{a="b"}', "up", (("a", "=", "b"),)),
        ("up { a != 'b', }", "up", (("a", "!=", "b"),)),
        ('up{a=~"x|y",b!~`\\d`}', "up", (("a", "=~", "x|y"), ("b", "!~", "\\d"))),
        (r'up{a="q\"}{,\n\\"}', "up", (("a", "=", 'q"}{,\n\\'),)),
        ('up{a=""}', "up", (("a", "=", ""),)),
    ],
)
def test_a_selector_is_a_metric_and_comparisons_of_labels(text, metric, matchers):
    selector = parse_selector(text)
    assert selector.metric == metric
    assert selector.matchers == tuple(
        LabelMatcher(label, MatchOperator(sign), value) for label, sign, value in matchers
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "begins with the name"), ('{a="b"}', "begins with the name"), ("1up", "begins with the name"),
        ("rate(up[5m])", "an expression"), ("up[5m]", "an expression"), ("up + down", "an expression"),
        ("up offset 5m", "an expression"), ('up{a="b"', "no closing brace"), ('up{a="b" c="d"}', "a comma"),
        ('up{a="b"} > 3', "a comma"), ("up{a=b}", "not a comparison"), ("up{a}", "not a comparison"),
        ('up{a=="b"}', "not a comparison"), ('up{,a="b"}', "not a comparison"), ("u" * 5000, "longer than"),
    ],
)  # fmt: skip
def test_what_is_not_a_selector_is_refused_with_a_remedy(text, part):
    with pytest.raises(SelectorError, match=part) as found:
        parse_selector(text)
    assert found.value.hint


def test_a_factor_is_a_finite_number_other_than_zero():
    assert [is_factor(value) for value in (1, -0.5, 0, float("nan"), float("inf"), True, "2")] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip
