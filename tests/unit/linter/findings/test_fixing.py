"""Fixes."""

from collections.abc import Sequence

import pytest

from gpurules.diagnostics import CATALOGUE, Diagnostic
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import FixedText, fix

ALL = Policy(frozenset(CATALOGUE) - {"GPR704", "GPR805"})
TEXT = "version: 1\nname: x\nrules:\n  - name: a\n    condition: %s\n    action: pause_transfer\n"


def fixed(text: str, unsafe: bool = False) -> FixedText:
    def lint_text(text: str) -> Sequence[Diagnostic]:
        return lints(text, "x.yaml", None, ALL)

    return fix(text, "x.yaml", lint_text, unsafe)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("80 < gpu_memory", "gpu_memory > 80"),
        ("transfer_size > 5000", "transfer_size > 5000B"),
        ("5000 < transfer_size", "transfer_size > 5000B"),
        (
            "gpu_throttled OR gpu_memory > 90 AND gpu_power > 3W",
            "gpu_throttled OR (gpu_memory > 90 AND gpu_power > 3W)",
        ),
        ("gpu_memory > 80 & gpu_throttled", "gpu_memory > 80 AND gpu_throttled"),
        ("\"'model' == file_type\"", "\"file_type == 'model'\""),
    ],
)
def test_safe_ones_are_made_in_every_style(before: str, after: str) -> None:
    assert fixed(TEXT % before).text == TEXT % after


def test_line_ends_and_a_block_are_kept() -> None:
    text = (TEXT % "|\n      5000 < transfer_size\n      AND gpu_throttled").replace("\n", "\r\n")
    assert fixed(text).text == text.replace("5000 < transfer_size", "transfer_size > 5000B")


def test_one_that_changes_what_matches_is_not_safe() -> None:
    before, after = TEXT % "file_type == 'Model'", TEXT % "file_type == 'model'"
    assert fixed(before).text == before
    assert fixed(before, unsafe=True).text == after


def test_unsafe_ones_are_made_on_request_only() -> None:
    text = TEXT % "gpu_memory > 0.8"
    assert fixed(text).text == text
    assert fixed(text, unsafe=True).text == TEXT % "gpu_memory > 80%"


def test_what_was_fixed_is_counted_and_no_longer_found() -> None:
    done = fixed(TEXT % "5000 < transfer_size AND 20000000 < memory_footprint")
    assert done.applied == {"GPR702": 2, "GPR105": 2}
    assert done.left == ()


def test_a_fix_that_makes_an_error_is_not_made() -> None:
    text = TEXT % "80 < gpu_memory"

    def lint_text(text: str) -> Sequence[Diagnostic]:
        found = lints(text, "x.yaml", None, ALL)
        return found if "80 <" in text else [*found, Diagnostic("GPR003", "worse", "x.yaml", 1, 1, 1, 1)]

    done = fix(text, "x.yaml", lint_text, False)
    assert (done.text, dict(done.applied)) == (text, {})


def test_every_rule_is_fixed_however_many_there_are() -> None:
    rules = [
        f"  - {{name: r{n}, condition: gpu_memory > {n + 20} AND gpu_memory > {n}, action: log}}\n" for n in range(30)
    ]
    done = fixed("version: 1\nname: x\nrules:\n" + "".join(rules))
    assert done.applied["GPR203"] == 30
    assert done.text.count(" AND ") == 0


def test_of_two_equal_parts_one_stays_in_each_rule() -> None:
    rules = [f"  - {{name: r{n}, condition: gpu_memory > {n} AND gpu_memory > {n}, action: log}}\n" for n in range(3)]
    done = fixed("version: 1\nname: x\nrules:\n" + "".join(rules))
    assert done.text.count("gpu_memory > ") == 3
