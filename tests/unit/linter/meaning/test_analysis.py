"""The analysis is asked only by the checks that say so, and ends once no client waits for it."""

from dataclasses import replace

import pytest

from gpurules.diagnostics import CATALOGUE
from gpurules.linter import CHECKS, FROM_ANALYSIS, AbandonedError, Policy, check, lints
from tests.conftest import GOLDEN

TEXTS = {path.parent.name: path.read_bytes() for path in sorted((GOLDEN / "checks").glob("*/bad.yaml"))}
ALL = frozenset(CATALOGUE)


class TouchedError(Exception):
    """The analysis was asked for."""


@pytest.fixture
def _forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object) -> None:
        raise TouchedError

    monkeypatch.setattr(check, "Analysis", touched)


@pytest.mark.usefixtures("_forbidden")
def test_checks_that_are_not_listed_ask_for_no_analysis() -> None:
    assert len(TEXTS) > 30
    for text in TEXTS.values():
        lints(text, "a.yaml", None, Policy(ALL - FROM_ANALYSIS))


@pytest.mark.usefixtures("_forbidden")
@pytest.mark.parametrize("code", sorted(FROM_ANALYSIS & {check.about.code for check in CHECKS}))
def test_each_check_that_is_listed_asks_for_one(code: str) -> None:
    text = (
        "version: 1\nname: x\nrules:\n  - {name: a, condition: gpu_memory > 95, until: gpu_memory < 9, action: log}\n"
    )
    with pytest.raises(TouchedError):  # the fixture of GPR308 orders an action of a plug-in
        lints(text if code == "GPR308" else TEXTS.get(code, text), "a.yaml", None, Policy(frozenset({code})))


def test_without_the_analysis_the_other_findings_and_suppressions_stay_as_they_are() -> None:
    text = (
        "version: 1\nname: x\nrules:\n"
        "  - {name: a, condition: gpu_memory > 95 AND gpu_memory < 9, action: log}"
        '  # gpurules: ignore[GPR201] reason="x"\n'
        "  - {name: b, condition: transfer_size > 1000000, action: pause_transfer}\n"
    )
    policy = Policy()
    quick = lints(text, "a.yaml", None, replace(policy, codes=policy.codes - FROM_ANALYSIS))
    assert quick == [found for found in lints(text, "a.yaml", None, policy) if found.code not in FROM_ANALYSIS]
    assert [found.code for found in quick] == ["GPR105"]


def test_it_gives_up_once_no_caller_waits() -> None:
    rules = "".join(f"  - {{name: r{n}, condition: gpu_memory > {n}, action: log}}\n" for n in range(50))
    asked = 0

    def is_wanted() -> bool:
        nonlocal asked
        asked += 1
        return asked < 20

    with pytest.raises(AbandonedError):
        lints("version: 1\nname: x\nrules:\n" + rules, "a.yaml", None, Policy(is_wanted=is_wanted))
    assert asked == 20
