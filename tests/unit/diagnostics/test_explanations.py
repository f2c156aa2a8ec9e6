"""The examples of every explanation do what it says."""

import pytest

from gpurules.diagnostics import CATALOGUE, DEFAULT_CODES
from gpurules.diagnostics.explanations import EXPLANATIONS, Form
from gpurules.linter import Policy, lints

SHOWN = [code for code, explained in EXPLANATIONS.items() if explained.form is not Form.WORDS]


def codes(text: str, *asked: str) -> set[str]:
    policy = Policy(DEFAULT_CODES | set(asked))
    return {diagnostic.code for diagnostic in lints(text, "example.rules.yaml", None, policy)}


def test_every_code_is_explained() -> None:
    assert EXPLANATIONS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_to_be_avoided_is_found(code: str) -> None:
    explained = EXPLANATIONS[code]
    assert code in codes(explained.ruleset(explained.avoid), code)


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_preferred_has_no_finding(code: str) -> None:
    explained = EXPLANATIONS[code]
    assert codes(explained.ruleset(explained.prefer), code) == set()
