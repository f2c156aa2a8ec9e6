"""Explanations as texts."""

import pytest

from gpurules.actions.explained import ExplainedDecision
from tests.factories import dataset, gpu, ruleset, snapshot

RULES = ruleset(
    """\
  - {name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 30}
  - {name: models, condition: file_type == 'model' AND gpu_temperature > 85, action: pause_transfer}
  - {name: off, condition: "TRUE", action: pause_transfer, enabled: false}
"""
)


def explained() -> ExplainedDecision:
    return RULES.evaluate(snapshot(gpu(0, memory=75), gpu(1, memory=91)), dataset()).explain()


def test_an_explanation_reads_as_the_command_prints_it() -> None:
    text = str(explained())
    assert text.startswith("full matched on GPU 1\n\n")
    assert "gpu_memory 91 % > 80 (GPU 1)" in text
    assert "\n\nmodels did not match\n" in text
    assert text.endswith("\n\noff was suppressed (disabled)\n\n  the rule is disabled")
    assert "\x1b" not in text


def test_one_rule_of_it_reads_as_its_part() -> None:
    whole = explained()
    assert str(whole) == "\n\n".join(str(rule) for rule in whole.rules)
    assert str(whole.rule("full")) in str(whole)


def test_color_and_the_width_of_the_terminal_are_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = str(explained())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    assert str(explained()) == before


def test_rules_that_a_cooldown_holds_back_are_said_to_be() -> None:
    held = explained().held_back(frozenset({"full", "models", "unknown"}))
    assert (held.rule("full").outcome, held.rule("full").because) == ("suppressed", "cooldown")
    assert held.rule("models").because is None
