"""An author who writes what to do into a condition is shown where that is written."""

import pytest

from gpurules.actions import ACTIONS
from gpurules.diagnostics import Finding
from gpurules.language import Environment, parse
from gpurules.language.syntax.foreign_names import ACTION_NAMES


def finding(condition: str) -> Finding:
    parsed = parse(condition)
    (found,) = parsed.findings or Environment().condition(parsed).findings
    return found


@pytest.mark.parametrize(
    ("condition", "culprit", "action"),
    [
        ("gpu_memory > 80 THEN delay 30s", "THEN", "delay_transfer"),
        ("gpu_memory > 80 then pause_transfer", "then", "pause_transfer"),
        ("gpu_memory > 80 -> delay_transfer", "->", "delay_transfer"),
        ("gpu_memory > 80 => reduce_prefetch", "=>", "reduce_prefetch"),
        ("gpu_memory > 80: webhook", ":", "webhook"),
        ("gpu_memory > 80, log", ",", "log"),
        ("gpu_memory > 80 do log", "do", "log"),
        ("gpu_memory > 80 limit_bandwidth", "limit_bandwidth", "limit_bandwidth"),
        ("gpu_memory > 80 AND delay_transfer", "delay_transfer", "delay_transfer"),
        ("delay_transfer(30s)", "delay_transfer", "delay_transfer"),
    ],
)
def test_an_action_in_a_condition_is_answered_with_its_place(condition: str, culprit: str, action: str) -> None:
    found = finding(condition)
    assert condition[found.span.start : found.span.end] == culprit
    assert found.hint == f"a condition only says when; what to do is written beside it, as in action: {action}"


@pytest.mark.parametrize("word", ["if", "IF", "when"])
def test_a_word_that_opens_a_condition_elsewhere_is_left_out(word: str) -> None:
    found = finding(f"{word} gpu_memory > 80 then pause_transfer")
    assert (found.span.start, found.span.end) == (0, len(word))
    assert found.hint is not None and found.hint.startswith("leave it out")


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("gpu_memory => 80", "write >="),
        ("gpu_memory -> 80", "expected a value"),
        ("gpu_memory > 80 foo", "expected a comparison, arithmetic, AND, OR or the end"),
        ("gpu_memory_used > 80 gib", "a unit directly follows its number: 80GiB"),
    ],
)
def test_what_is_no_action_is_not_taken_for_one(condition: str, hint: str) -> None:
    assert finding(condition).hint == hint


def test_the_names_of_actions_that_conditions_know_are_those_that_ship() -> None:
    assert set(ACTION_NAMES) == set(ACTIONS.names)
