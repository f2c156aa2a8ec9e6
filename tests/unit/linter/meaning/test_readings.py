"""Readings may contradict each other: a rule about that is not an error, and no fix relies on their agreement."""

import pytest

from gpurules.diagnostics import Diagnostic, Severity
from gpurules.linter import lints
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

HEAD = "version: 1\nname: x\nrules:\n"


def rule(name: str, condition: str, more: str = "action: pause_transfer") -> str:
    return f'  - {{name: {name}, condition: "{condition}", {more}}}\n'


def findings(*rules: str, code: str) -> list[Diagnostic]:
    return [one for one in lints(HEAD + "".join(rules)) if one.code == code]


CONTRADICTIONS = [
    "gpu_memory_used > 100GiB AND gpu_memory_total < 80GiB",
    "gpu_memory_free > 100GiB AND gpu_memory_total < 80GiB",
    "gpu_throttle_thermal AND NOT gpu_throttled",
    "gpu_throttle_hw_power_brake AND NOT gpu_throttled",
    "gpu_count == 0 AND gpu_lost_count > 0",
]


@pytest.mark.parametrize("condition", CONTRADICTIONS)
def test_what_only_contradicting_readings_make_true_is_a_warning(condition: str) -> None:
    (found,) = findings(rule("a", condition), code="GPR201")
    assert found.severity is Severity.WARNING
    assert found.message.startswith("this is TRUE only if readings contradict each other")


@pytest.mark.parametrize(
    "condition",
    [
        "gpu_memory_used > 100GiB AND gpu_memory_used < 80GiB",
        "gpu_memory_used > 2GiB AND gpu_memory_used < 1GiB AND gpu_memory_total > 8GiB",
        "gpu_throttled AND NOT gpu_throttled AND gpu_throttle_power",
        "gpu_memory > 90 AND gpu_memory < 80",
    ],
)
def test_what_no_reading_makes_true_is_an_error(condition: str) -> None:
    (found,) = findings(rule("a", condition), code="GPR201")
    assert found.severity is Severity.ERROR
    assert found.message.startswith("this can never be TRUE")


def test_a_reading_of_more_memory_than_there_is_makes_the_rule_match() -> None:
    ruleset = loads(HEAD + rule("a", CONTRADICTIONS[0]))
    odd = GPU(index=0, memory_used=101 << 30, memory_total=79 << 30)
    assert ruleset.evaluate(Snapshot(gpus=(odd,))).rules == ("a",)


def test_a_rule_that_is_hidden_only_while_readings_agree_is_a_warning() -> None:
    stop = rule("stop", "gpu_memory_total > 40GiB", "action: pause_transfer, stop: true, priority: 9")
    (found,) = findings(stop, rule("a", "gpu_memory_used > 50GiB AND gpu_memory_total IS NOT MISSING"), code="GPR303")
    assert found.severity is Severity.WARNING
    (found,) = findings(stop, rule("a", "gpu_memory_total > 50GiB"), code="GPR303")
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize(
    "condition", ["gpu_memory_used > 50GiB AND gpu_memory_total > 40GiB", "gpu_throttle_thermal AND gpu_throttled"]
)
def test_no_safe_fix_counts_on_readings_to_agree(condition: str) -> None:
    found = lints(HEAD + rule("a", condition))
    assert [one.code for one in found if one.edits and one.safe] == []
