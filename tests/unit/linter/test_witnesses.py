"""The example that a finding shows has only facts that matter, near the limits, whichever check it is of."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.linter import lints

HEAD = "version: 1\nname: x\n"
PAUSE, BOOST = "action: pause_transfer", "action: increase_priority, parameters: {priority_boost: 50}"
NOISE = "OR gpu_power > 300 AND gpu_utilization > 95 AND transfer_size > 1GiB"


def found(*rules: str, more: str = "") -> list[Diagnostic]:
    listed = "".join(f"  - {{name: r{number}, {rule}}}\n" for number, rule in enumerate(rules))
    return [one for one in lints(f"{HEAD}{more}rules:\n{listed}") if one.witness is not None]


STAGES = [
    f"action: stage_transfer, parameters: {{staging_area: {area}, staging_threshold: {limit}}}"
    for area, limit in (("a", "1GiB"), ("b", "2GiB"))
]
CASES = {
    "GPR306": (
        (f'condition: "gpu_memory > 80 {NOISE}", {BOOST}', f'condition: "gpu_temperature > 85 {NOISE}", {PAUSE}'),
        "gpu_memory 81 %, gpu_temperature 86 C",
    ),
    "GPR307": (
        (f'condition: "gpu_memory > 80 {NOISE}", {STAGES[0]}',
         f'condition: "gpu_temperature > 85 {NOISE}", {STAGES[1]}'),
        "transfer_size 2 GiB, gpu_memory 81 %, gpu_temperature 86 C",
    ),
    "GPR303": (
        (f'condition: "gpu_memory > 80 {NOISE}", {PAUSE}, stop: true, priority: 1',
         f'condition: "gpu_memory > 90 AND active_training", {PAUSE}'),
        "active_training true, gpu_memory 91 %",
    ),
    "GPR304": (
        (f'condition: "active_training", {PAUSE}, stop: true, priority: 1',
         f'condition: "NOT active_training", {PAUSE}, stop: true, priority: 1',
         f'condition: "gpu_memory > 90 {NOISE}", {PAUSE}'),
        "gpu_memory 91 %",
    ),
    "GPR305": (
        (f'condition: "gpu_memory > 85", {PAUSE}, stop: true, priority: 1',
         f"condition: \"gpu_memory > 80 AND file_type == 'model'\", {BOOST}"),
        "file_type 'model', gpu_memory 81 %",
    ),
    "GPR207": (
        (f'condition: "coalesce(gpu_ecc_errors, 1) > 0 AND gpu_memory > 80 OR gpu_power > 300 AND gpu_memory > 90", '
         f"{PAUSE}",),
        "gpu_ecc_errors missing, gpu_memory 81 %",
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(CASES))
def test_a_finding_is_shown_by_facts_that_matter_near_the_limits(code: str) -> None:
    rules, shown = CASES[code]
    assert [(one.code, one.witness) for one in found(*rules)] == [(code, shown)]


def test_an_until_that_can_hold_with_its_condition_is_shown_likewise() -> None:
    more = f'signals: {{full: {{condition: "gpu_memory > 80 {NOISE}", until: "gpu_memory < 85"}}}}\n'
    findings = found(f"condition: \"full AND file_type == 'model'\", {PAUSE}", more=more)
    assert [(one.code, one.witness) for one in findings] == [("GPR602", "gpu_memory 81 %")]


def test_the_example_of_a_finding_has_no_other_facts_than_its_witness() -> None:
    (one,) = found(*CASES["GPR306"][0])
    assert one.example is not None
    assert one.example.given["snapshot"] == {"timestamp": 0.0, "gpus": [{"index": 0, "memory": 81, "temperature": 86}]}
    assert set(one.example.given) == {"snapshot"}
