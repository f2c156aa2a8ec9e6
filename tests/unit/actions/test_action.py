"""What the kind itself gives: situations, edges and templates."""

import pytest

from gpurules.actions import ACTIONS, CombineContext, edges, fill_template, is_effect, placeholders
from gpurules.model import Transfer


def situation(created: float | None, max_delay: float = 60) -> CombineContext:
    return CombineContext(Transfer(created=created), timestamp=1000, max_delay=max_delay)


def test_the_age_counts_from_creation():
    assert situation(990).age_seconds == 10
    assert situation(990).patience_seconds == 50


def test_the_age_is_zero_without_a_creation_time():
    assert situation(None).age_seconds == 0
    assert situation(None).patience_seconds == 60


def test_a_creation_in_the_future_is_no_negative_age():
    assert situation(2000).age_seconds == 0
    assert situation(2000).patience_seconds == 60


def test_patience_ends_at_zero():
    assert situation(900).patience_seconds == 0


def test_the_parameter_on_decides_over_the_default_edges():
    log = ACTIONS["log"]
    assert is_effect(log)
    assert edges(log, {}) == {"start"}
    assert edges(log, {"on": ["stop"]}) == {"stop"}
    assert edges(log, {"on": ["start", "stop"]}) == {"start", "stop"}


def test_placeholders_have_name_and_place():
    assert placeholders("{a} {{b}} {c.d}") == ((1, "a"), (11, "c.d"))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{a}", "1.5"),
        ("{b}", "missing"),
        ("{c}", "0, 1:0"),
        ("{{a}}", "{a}"),
        ("{", "{"),
        ("{flag}", "true"),
        ("{huge}", "9007199254740993"),
    ],
)
def test_templates_are_filled(template: str, text: str):
    values = {"a": 1.5, "b": None, "c": (0, "1:0"), "flag": True, "huge": 2**53 + 1}
    assert fill_template(template, values) == text
