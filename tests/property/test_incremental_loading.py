"""Loading a changed text from what it said before gives what loading it from scratch gives, places included."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpurules
from gpurules.actions import ACTIONS
from gpurules.linter import lint_loaded
from gpurules.registry import Registry
from gpurules.rules import Loaded, RulesetError, examine, examine_again
from gpurules.rules.ruleset import Ruleset
from tests.strategies import conditions

TEXT = """version: 1
name: edited
inputs:
  limit: {type: number, default: 80}
  word: {type: string, default: hot}
fields:
  tenant: {type: string, scope: transfer}
define:
  busy: gpu_utilization > 90
  kinds: "['model', 'dataset']"
signals:
  pressure: {condition: gpu_memory > limit, until: gpu_memory < 70, for: 10s}
  heat: {condition: gpu_temperature > 85 AND busy}
rules:
  - name: plain
    condition: gpu_memory > 80 AND transfer_size > 1GiB
    action: delay_transfer
    parameters: {delay: 30s}
  - {name: signalled, condition: pressure OR heat, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - name: timed
    condition: gpu_temperature > limit OR busy
    until: gpu_temperature < 60
    for: 5s
    priority: 7
    action: increase_priority
    parameters: {priority_boost: 10}
  # a comment
  - name: says
    condition: file_type IN kinds AND tenant != 'x'
    actions:
      - action: log
        parameters: {message: "{gpu_memory} of {limit}, {busy}"}
      - {action: delay_transfer, parameters: {delay: 20s}}
  - name: fills
    condition: >
      gpu_memory > limit
      AND gpu_memory > 50
    action: log
    parameters: {message: "it is ${word}"}
"""
TOKENS = re.compile(r"[A-Za-z_]+|[0-9]+|[^\sA-Za-z0-9]|\n *")
LINES = (
    "",
    "# gpurules: ignore GPR707",
    "    priority: 3",
    "  - {name: plain, condition: busy, action: log}",
    "bad: [",
)
SNAPSHOT = gpurules.Snapshot(
    timestamp=5.0,
    gpus=tuple(
        gpurules.GPU(index=n, memory=60.0 + 15 * n, temperature=70.0 + 10 * n, utilization=95) for n in range(3)
    ),
)
TRANSFERS = (gpurules.Transfer(path="/a.tar", size=4 << 30, file_type="model"), gpurules.Transfer(size=1))


@st.composite
def edits(draw: st.DrawFn, text: str) -> str:
    """Draw a text that differs from *text* in one place."""
    lines = text.split("\n")
    at = draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(["token", "token", "insert", "delete", "copy", "condition"])):
        case "token":
            tokens = list(TOKENS.finditer(text))
            if not tokens:
                return TEXT
            place, other = draw(st.sampled_from(tokens)), draw(st.sampled_from(list(TOKENS.finditer(TEXT))))
            return text[: place.start()] + other.group() + text[place.end() :]
        case "insert":
            return "\n".join([*lines[:at], draw(st.sampled_from(LINES)), *lines[at:]])
        case "delete":
            return "\n".join([*lines[:at], *lines[at + draw(st.integers(1, 5)) :]])
        case "copy":
            to = draw(st.integers(0, len(lines)))
            return "\n".join([*lines[:to], *lines[at : at + draw(st.integers(1, 6))], *lines[to:]])
        case _:
            found = list(re.finditer(r"(?<=condition: )[^\n{},>]+", text))
            if not found:
                return TEXT
            place = draw(st.sampled_from(found))
            return text[: place.start()] + draw(conditions()).replace("\n", " ") + text[place.end() :]


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """Draw a text and what it was edited to, step by step; sometimes an edit is undone."""
    texts = [TEXT]
    for _ in range(draw(st.integers(1, 5))):
        texts.append(draw(edits(texts[-1])) if draw(st.integers(0, 4)) else draw(st.sampled_from(texts)))
    return texts


def content(loaded: Loaded) -> object:
    """Return everything that a text was loaded to, places included."""
    ruleset = loaded.ruleset or loaded.sound
    placed = [
        (p.rule, p.name, p.expression.text, p.expression.places[0][1].location(), p.checked) for p in loaded.placed
    ]
    if ruleset is None:
        return loaded.diagnostics, placed
    parts = ruleset.rules, dict(ruleset.signals), ruleset.settings, ruleset.version, ruleset.mentioned, ruleset.inputs
    return loaded.ruleset is None, loaded.diagnostics, placed, parts


def decisions(engine: gpurules.Engine) -> object:
    found = [engine.decide(transfer) for transfer in TRANSFERS]
    return [(decision.rules, decision.directives) for decision in found]


def straight(ruleset: Ruleset) -> object:
    return [ruleset.evaluate(replace(SNAPSHOT), transfer).rules for transfer in TRANSFERS]


@settings(max_examples=15)
@given(histories())
def test_a_text_loaded_from_what_it_said_before_is_the_text_loaded_from_scratch(texts: list[str]) -> None:
    previous: Ruleset | None = None
    first = gpurules.loads(TEXT)
    one, other = (gpurules.Engine(first, clock=lambda: 5.0) for _ in range(2))
    for step, text in enumerate(texts):
        again, scratch = examine_again(text, None, previous), examine(text, None)
        assert content(again) == content(scratch)
        assert lint_loaded(again, text, None) == lint_loaded(scratch, text, None)
        previous = again.ruleset or again.sound or previous
        if again.ruleset is not None and scratch.ruleset is not None:
            one.replace(again.ruleset)
            other.replace(scratch.ruleset)
            for engine in (one, other):
                engine.observe(replace(SNAPSHOT, timestamp=10.0 * step + 5))
            assert decisions(one) == decisions(other)
            assert straight(again.ruleset) == straight(scratch.ruleset)


def test_rules_that_did_not_change_are_taken_from_the_previous_ruleset() -> None:
    before = gpurules.loads(TEXT)
    moved = gpurules.loads(TEXT.replace("rules:\n", "rules:\n  # above\n").replace("> 1GiB", "> 2GiB"), previous=before)
    old = {rule.name: rule for rule in before.rules}
    assert {r.name for r in moved.rules if r.term is old[r.name].term} == old.keys() - {"plain"}
    assert {r.line - old[r.name].line for r in moved.rules} == {1}


def test_a_rule_is_built_again_when_a_name_that_it_uses_means_something_else() -> None:
    before = gpurules.loads(TEXT)
    for old, new in (
        ("gpu_memory > limit, until", "gpu_memory > 5, until"),
        ("default: 80", "default: 81"),
        ("busy: gpu_utilization > 90", "busy: gpu_utilization > 10"),
        ("scope: transfer", "scope: workload"),
    ):
        changed = gpurules.loads(TEXT.replace(old, new), previous=before)
        assert changed.version == gpurules.loads(TEXT.replace(old, new)).version != before.version
        terms = {rule.name: rule.term for rule in before.rules}
        assert not any(rule.term is terms[rule.name] for rule in changed.rules)


def test_a_rule_is_built_again_when_its_actions_are_others() -> None:
    before = gpurules.loads(TEXT)
    fewer = Registry("action", [action for action in ACTIONS if action.name != "log"])
    with pytest.raises(RulesetError, match="no action is named 'log'"):
        gpurules.loads(TEXT, None, fewer, before)
