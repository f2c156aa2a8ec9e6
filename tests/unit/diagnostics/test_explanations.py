"""The examples of every explanation do what it says."""

import pytest

from gpurules.diagnostics import CATALOGUE, DEFAULT_CODES, Form
from gpurules.linter import Policy, lints

SHOWN = [code for code, explained in CATALOGUE.items() if explained.form is not Form.WORDS]


def codes(text: str, *asked: str) -> set[str]:
    policy = Policy(DEFAULT_CODES | set(asked))
    return {diagnostic.code for diagnostic in lints(text, "example.rules.yaml", None, policy)}


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_to_be_avoided_is_found(code: str) -> None:
    explained = CATALOGUE[code]
    assert code in codes(explained.ruleset(explained.avoid), code)


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_preferred_has_no_finding(code: str) -> None:
    explained = CATALOGUE[code]
    assert codes(explained.ruleset(explained.prefer), code) == set()
