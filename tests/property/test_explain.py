"""Laws of explanations: whatever condition checks, and whatever is known, it can be explained."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpurules
from gpurules.fields import FIELDS, Field
from gpurules.model import GPU, Kind, Snapshot
from gpurules.model.gpu import NUMBERS
from gpurules.rules.explanation.drawing import draw
from tests.cases import examples, representative
from tests.strategies import conditions, situations

OUTCOMES = ("match", "no-match", "unknown")
READINGS = [FIELDS[f"gpu_{name}"] for name in NUMBERS]


def ruleset(*texts: str) -> gpurules.Ruleset:
    rules = [
        {"name": f"r{n}", "condition": text, "action": "pause_transfer", "parameters": {}}
        for n, text in enumerate(texts)
    ]
    return gpurules.loads(json.dumps({"version": 1, "name": "x", "rules": rules}))


def explain_all(loaded: gpurules.Ruleset, facts: object) -> None:
    """Explain every rule in every way there is."""
    for rule in loaded.evaluate(facts.snapshot, facts.transfer, facts.workload, facts.node).explain().rules:
        assert rule.rule in draw(rule)
        json.dumps(rule.to_dict(), allow_nan=False)
        for outcome in OUTCOMES:
            rule.nearest_with(outcome)


@given(st.data())
@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
def test_every_condition_that_checks_can_be_explained(data):
    text = data.draw(conditions())
    read = [field for name, field in FIELDS.items() if name in text]
    explain_all(ruleset(text), data.draw(situations(read)))


def sums(field: Field) -> list[str]:
    """Return sums, products and quotients of free facts, none of which bounds another."""
    name, unit = field.name, READINGS[0].name
    same = [f.name for f in READINGS if f.datatype == field.datatype and f is not field]
    other = same[0] if same else name
    return [
        f"{name} + {other} < 1",
        f"{name} - {other} > 1e300",
        f"max({name} + {other}) < 1",
        f"{name} * 1e300 < 1",
        f"{name} / 1e-300 < 1",
        f"{name} / {other} > 2",
        f"abs({name} - {other}) < 1 AND {unit} > 3",
        f"{other} / {name} == 1",
    ]


@pytest.mark.parametrize("field", representative(READINGS, 8), ids=lambda field: field.name)
@pytest.mark.parametrize("value", [None, 0, 5, 5e-324])
def test_sums_of_facts_of_which_some_are_missing_can_be_explained(field, value):
    assert field.datatype.kind is Kind.NUMBER
    gpus = (GPU(index=0, uuid="a", **{field.attribute: value}), GPU(index=1, uuid="b"))
    snapshots = (Snapshot(timestamp=1.0, gpus=gpus), Snapshot(timestamp=1.0))
    for text in sums(field):
        try:
            loaded = ruleset(text)
        except gpurules.RulesetError:
            continue  # no quotient or number of this dimension
        for snapshot in snapshots:
            for rule in loaded.evaluate(snapshot).explain().rules:
                draw(rule)
                for outcome in OUTCOMES:
                    rule.nearest_with(outcome)


@pytest.mark.parametrize(
    "text",
    [
        "gpu_throttled == (gpu_throttled AND gpu_throttled)",
        "NOT (gpu_throttled != (gpu_mig OR gpu_throttled))",
        "(gpu_throttled OR gpu_throttled) IS MISSING",
        "coalesce(gpu_mig AND gpu_mig, gpu_mig OR gpu_mig)",
    ],
)
def test_a_bool_that_is_joined_with_itself_can_be_compared_and_explained(text):
    for value in (None, True, False):
        gpus = (GPU(index=0, throttled=value, mig=value),)
        for rule in ruleset(text).evaluate(Snapshot(gpus=gpus)).explain().rules:
            for outcome in OUTCOMES:
                rule.nearest_with(outcome)


def test_a_change_that_is_proposed_is_one_that_the_field_can_have():
    loaded = ruleset("gpu_temperature + gpu_temperature_margin < 1")
    for temperature in (None, 60, 200):
        gpus = (GPU(index=0, temperature=temperature, temperature_margin=-20),)
        nearest = loaded.evaluate(Snapshot(gpus=gpus)).explain().rules[0].nearest
        for change in nearest.changes if nearest else ():
            read = FIELDS[change.term.field.name]
            assert change.after is None or read.minimum <= change.after <= read.maximum
