"""What rules cannot mean, and how they contradict each other: proved, shown by an example, and reported once."""

import pytest

from gpurules.actions import ACTIONS
from gpurules.actions.action import Combines
from gpurules.actions.registration import FunctionDirective
from gpurules.diagnostics import Diagnostic, Severity
from gpurules.linter import Policy, lint, lints
from gpurules.rules import shipped_names

HEAD = "version: 1\nname: x\nrules:\n"


def found(*rules: str, policy: Policy | None = None) -> list[Diagnostic]:
    text = HEAD + "".join(f"  - {{{rule}}}\n" for rule in rules)
    return lints(text, "x.yaml", None, policy or Policy())


def codes(*rules: str) -> list[str]:
    return [one.code for one in found(*rules)]


BOOST = "name: boost, condition: gpu_memory > 80 AND file_type == 'model', action: increase_priority, "
BOOST += "parameters: {priority_boost: 50}"
HOLD = "name: hold, condition: gpu_temperature > 85, action: pause_transfer"


def test_a_conflict_stands_at_the_second_rule_with_a_witness_and_both_places() -> None:
    (one,) = found(BOOST, HOLD)
    assert (one.code, one.line, one.severity) == ("GPR306", 5, Severity.ERROR)
    assert one.witness == "file_type 'model', gpu_memory 81 %, gpu_temperature 86 C"
    assert [related.location.line for related in one.related] == [4]
    assert one.example is not None
    assert one.example.outcomes == (("boost", "match"), ("hold", "match"))


def test_a_higher_priority_settles_a_conflict() -> None:
    assert codes(BOOST, f"{HOLD}, priority: 1") == []


def test_rules_that_exclude_each_other_are_no_conflict() -> None:
    assert codes(BOOST, "name: hold, condition: file_type == 'log', action: pause_transfer") == []


def test_a_rule_that_never_matches_is_reported_once() -> None:
    dead = "name: dead, condition: file_type == 'model' AND file_type == 'log', action: pause_transfer"
    assert codes(dead, f"{HOLD}, priority: 1") == ["GPR201"]


def test_a_dead_definition_is_reported_at_its_place() -> None:
    text = "version: 1\nname: x\ndefine: {odd: gpu_memory > 90 AND gpu_memory < 10}\nrules:\n"
    text += "  - {name: a, condition: odd AND gpu_throttled, action: pause_transfer}\n"
    assert [(one.code, one.line) for one in lints(text)] == [("GPR201", 3)]


def test_the_fewest_clashing_parts_are_named() -> None:
    (one,) = found("name: a, condition: hour > 9 AND gpu_throttled AND hour < 3, action: pause_transfer")
    assert one.message == "this can never be TRUE: `hour > 9` and `hour < 3` exclude each other"


def test_what_stops_makes_an_error_and_what_orders_more_a_warning() -> None:
    wide = "name: wide, condition: gpu_temperature > 80, action: pause_transfer, priority: 2"
    assert [(d.code, d.severity) for d in found(f"{wide}, stop: true", HOLD)] == [("GPR303", Severity.ERROR)]
    assert [(d.code, d.severity) for d in found(wide, HOLD)] == [("GPR303", Severity.WARNING)]


@pytest.mark.parametrize(
    ("condition", "is_safe"),
    [
        ("gpu_memory > 80 AND gpu_memory > 60", True),
        ("gpu_memory > 80 AND gpu_memory IS NOT MISSING", False),
    ],
)
def test_a_fix_is_safe_only_where_missing_facts_make_no_difference(condition: str, is_safe: bool) -> None:
    (one,) = found(f"name: a, condition: {condition}, action: pause_transfer")
    assert (one.code, one.safe) == ("GPR203", is_safe)


@pytest.mark.parametrize(
    ("combines", "expected"), [(Combines.UNDECLARED, ["GPR308"]), (Combines.FIRST, ["GPR307"]), (Combines.LEAST, [])]
)
def test_plug_ins_are_held_to_what_they_declare(combines: Combines, expected: list[str]) -> None:
    schema = {"type": "object", "properties": {"minutes": {"type": "number"}}}
    park = FunctionDirective(
        "park", "Parks.", schema, lambda given: given["minutes"], lambda values: values[0], "park", combines=combines
    )
    text = HEAD + "".join(
        f"  - {{name: r{n}, condition: {field} > 80, action: park, parameters: {{minutes: {n}}}}}\n"
        for n, field in enumerate(("gpu_memory", "gpu_utilization"))
    )
    assert [d.code for d in lints(text, None, ACTIONS.with_members([park]))] == expected


def test_feedback_is_detected_by_what_a_plug_in_declares() -> None:
    schema = {"type": "object", "properties": {}}
    fan = FunctionDirective(
        "spin", "Spins the fans.", schema, lambda given: True, any, "spin", combines=Combines.ANY,
        works_on=frozenset({"gpu_temperature"}),
    )  # fmt: skip
    text = HEAD + "  - {name: a, condition: gpu_temperature > 80, action: spin}\n"
    (one,) = lints(text, None, ACTIONS.with_members([fan]))
    assert (one.code, one.message) == ("GPR604", "spin itself changes gpu_temperature, which the condition reads")


def test_what_cannot_be_decided_is_not_guessed_but_named() -> None:
    policy = Policy(unanalyzed=[])
    rule = "name: a, condition: \"path MATCHES '^[0-9]{7}$' AND path MATCHES '^[a-z]+$'\", action: pause_transfer"
    assert found(rule, policy=policy) == []
    assert policy.unanalyzed is not None
    assert [reason.partition(": ")[2][:3] for reason in policy.unanalyzed] == ["`a`"]


def test_an_exhausted_work_cap_is_reported() -> None:
    policy = Policy(work=0, unanalyzed=[])
    assert found("name: a, condition: 9 < hour AND hour < 3, action: pause_transfer", policy=policy) == []
    assert policy.unanalyzed == ["x.yaml: `a`: the step budget of the analysis was exhausted"]


@pytest.mark.parametrize("name", shipped_names())
def test_what_ships_has_no_findings(name: str) -> None:
    assert lint(name if name.startswith("gpurules:") else f"gpurules:{name}") == []


def test_a_rule_of_which_a_part_was_not_looked_at_is_not_analyzed_in_full() -> None:
    undecided: list[str] = []
    rule = "name: a, condition: gpu_memory > 80 AND gpu_memory < 90 AND gpu_throttled, action: pause_transfer"
    assert found(rule, policy=Policy(work=0, unanalyzed=undecided)) == []
    assert undecided == ["x.yaml: `a`: the step budget of the analysis was exhausted"]


def test_the_finding_on_lower_case_shows_how_to_write_it() -> None:
    (one,) = found("name: a, condition: gpu_memory > 80 AND lower(path) ENDSWITH '.PT', action: pause_transfer")
    assert (one.code, one.hint) == ("GPR201", "the result of lower(…) is in lower case: '.pt'")


def test_an_extension_that_no_file_has_is_shown_at_the_text() -> None:
    (one,) = found("name: a, condition: gpu_memory > 80 AND file_extension == 'PT', action: pause_transfer")
    assert (one.code, one.message, one.column) == ("GPR107", "file_extension is never 'PT'", 64)
    assert one.hint == "a file extension is the last one, with its dot and in lower case: '.pt'"


def test_too_many_texts_to_enumerate_do_not_crash() -> None:
    rules = [
        f"name: r{n}, condition: path CONTAINS 'x{n}y' AND path CONTAINS 'z{n}' AND transfer_size > {n}MiB, "
        "action: pause_transfer"
        for n in range(20)
    ]
    assert {one.code for one in found(*rules)} <= {"GPR303"}
