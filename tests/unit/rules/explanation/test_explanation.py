"""Why each rule did or did not match."""

import json

import pytest

from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedDecision
from tests.factories import dataset, engine, gpu, model, one_gpu, ruleset, snapshot

RULES = ruleset(
    """\
  - {name: full, condition: gpu_memory > 80, action: pause_transfer, priority: 30}
  - {name: trial, condition: gpu_memory > 50, action: pause_transfer, mode: shadow, priority: 20}
  - {name: last, condition: gpu_memory > 70, action: pause_transfer, stop: true, priority: 10}
  - {name: cut, condition: gpu_memory > 60, action: pause_transfer, priority: 5}
  - {name: large, condition: transfer_size > 1GiB, action: pause_transfer}
  - {name: off, condition: TRUE, action: pause_transfer, enabled: false}
"""
)


def reported(decision: Decision) -> ExplainedDecision:
    return decision.explain()


def outcomes(decision: Decision) -> dict[str, tuple[str, str | None]]:
    return {r.rule: (r.outcome, r.because) for r in reported(decision).rules}


def test_every_rule_has_an_outcome() -> None:
    assert outcomes(RULES.evaluate(one_gpu(memory=75))) == {
        "full": ("no-match", None),
        "trial": ("suppressed", "shadow"),
        "last": ("match", None),
        "cut": ("suppressed", "stop"),
        "large": ("unknown", None),
        "off": ("suppressed", "disabled"),
    }


def test_reasons_name_what_decided() -> None:
    explained = reported(RULES.evaluate(snapshot(gpu(0, memory=75), gpu(1, memory=10))))
    assert explained.rule("full").reason == "gpu_memory 75 % is not > 80 (GPU 0); gpu_memory 10 % is not > 80 (GPU 1)"
    assert explained.rule("last").reason == "gpu_memory 75 % > 70 (GPU 0)"
    assert explained.rule("last").devices == (0,)
    assert "stop: true (last)" in explained.rule("cut").reason
    assert explained.rule("trial").reason.startswith("it would match, but is in shadow mode: gpu_memory 75 % > 50")
    assert explained.rule("large").reason == "transfer_size is missing"
    assert explained.rule("off").reason == "the rule is disabled"


def test_a_rule_that_waits_for_its_time_says_so() -> None:
    running = engine(ruleset("  - {name: a, condition: gpu_memory > 80, for: 30s, action: pause_transfer}\n"))
    running.observe(one_gpu(memory=90))
    explained = reported(running.decide()).rule("a")
    assert (explained.outcome, explained.because) == ("suppressed", "for")
    assert "30 s" in explained.reason
    running.observe(one_gpu(5, memory=10))
    assert reported(running.decide()).rule("a").outcome == "no-match"


def test_an_explanation_is_json() -> None:
    data = reported(RULES.evaluate(one_gpu(memory=75), dataset(size=5))).to_dict()
    assert json.loads(json.dumps(data)) == data


def test_a_rule_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        reported(RULES.evaluate(one_gpu())).rule("none")


def test_a_signal_is_shown_as_on_or_off() -> None:
    running = engine(
        ruleset(
            "  - {name: a, condition: s AND file_type == 'model', action: pause_transfer}\n",
            "signals: {s: {condition: gpu_memory > 80}}",
        )
    )
    running.observe(one_gpu(memory=90))
    assert "s is on" in reported(running.decide(model())).rule("a").reason
    running.observe(one_gpu(5, memory=10))
    assert "s is off" in reported(running.decide(model())).rule("a").reason


def test_the_nearest_change_is_shown_with_the_decision() -> None:
    explained = reported(RULES.evaluate(snapshot(gpu(0, memory=75), gpu(1, memory=10)), model(size=5)))
    nearest = {rule.rule: str(rule.nearest) for rule in explained.rules}
    assert nearest == {
        "full": "gpu_memory 81 % instead of 75 % would match on GPU 0",
        "trial": "gpu_memory 50 % instead of 75 % on GPU 0 would not match",
        "last": "gpu_memory 70 % instead of 75 % on GPU 0 would not match",
        "cut": "None",  # its condition is TRUE: another rule decides
        "large": "transfer_size 1 GiB + 1 B instead of 5 B would match",
        "off": "None",
    }


def test_gpus_that_do_not_report_what_is_read_are_named_with_the_reason() -> None:
    lost = gpu(1, missing={"memory": "NOT_SUPPORTED"})
    explained = reported(RULES.evaluate(snapshot(gpu(0, memory=75), lost))).rule("full")
    assert explained.unreported == ["GPU 1 reports no gpu_memory (NOT_SUPPORTED)"]


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (93.40967888277198, "gpu_memory 93.4 % > 80 (GPU 0)"),
        (80.00123, "gpu_memory 80.001 % > 80 (GPU 0)"),
        (79.96, "gpu_memory 79.96 % is not > 80 (GPU 0)"),
        (79.123456, "gpu_memory 79.1 % is not > 80 (GPU 0)"),
    ],
)
def test_numbers_are_rounded_but_not_onto_the_limit(memory: float, said: str) -> None:
    explained = reported(RULES.evaluate(one_gpu(memory=memory), dataset())).rule("full")
    assert explained.reason == said
    measured = said.split()[1]
    assert f"{measured} % {'✓' if memory > 80 else '✗'}" in str(explained)
    beside = "80" if memory == 79.96 else measured  # beside 81, which would match, it is rounded as ever
    assert f"instead of {beside} %" in str(explained)
    data = json.loads(json.dumps(explained.to_dict()))
    assert data["nearest"]["changes"][0]["before"] == memory
    assert repr(memory) in json.dumps(data["condition"])
