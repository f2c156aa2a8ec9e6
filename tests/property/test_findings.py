"""What the linter shows is so: witnesses do what they are said to do, and safe fixes change no truth value."""

from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends import Facts
from gpurules.diagnostics import Diagnostic
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.linter import Policy, lints
from gpurules.linter.findings.fixing import fix
from gpurules.linter.meaning.analysis import Analysis
from gpurules.linter.meaning.partial_shadows import partial_shadows
from gpurules.model import Snapshot, Transfer, Truth, Workload
from gpurules.proofs.formulas.claims import ScopedCondition, evaluate
from gpurules.rules import Ruleset, examine
from tests.cases import examples
from tests.strategies import Situation, situations

READ = ("gpu_memory", "gpu_temperature", "transfer_size", "file_type", "active_training", "pending_transfers")
USED = [FIELDS[name] for name in READ]
ACTIONS = (
    "action: pause_transfer",
    "action: increase_priority, parameters: {priority_boost: 5}",
    "action: limit_concurrency, parameters: {max_concurrency: 2}",
    "action: stage_transfer, parameters: {staging_area: /a}",
    "action: stage_transfer, parameters: {staging_area: /b}",
)
TRUTHS = {"match": True, "suppressed": True, "no-match": False, "unknown": None}
numbers = st.sampled_from((40, 80, 95))
operators = st.sampled_from(("<", "<=", ">", ">="))
gauges = st.sampled_from(("gpu_memory", "gpu_temperature", "pending_transfers", "max(gpu_memory)"))
atoms = st.one_of(
    st.builds("{} {} {}".format, gauges, operators, numbers),
    st.builds("{} {} {}".format, gauges, operators, numbers),
    st.builds("transfer_size {} {}MiB".format, operators, numbers),
    st.builds("coalesce({}, {}) {} {}".format, gauges, numbers, operators, numbers),
    st.builds("{} IS {}".format, gauges, st.sampled_from(("MISSING", "NOT MISSING"))),
    st.sampled_from(("file_type == 'model'", "file_type != 'log'", "file_type IN ('model', 'log')", "active_training")),
)


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return conditions made of others."""
    return st.one_of(
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    )


conditions = st.recursive(atoms, joined, max_leaves=4)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a ruleset of a few rules that are likely to be about the same."""
    rules = [
        f'  - {{name: r{n}, condition: "{draw(conditions)}", {draw(st.sampled_from(ACTIONS))}, '
        f"priority: {draw(st.integers(0, 1))}, stop: {draw(st.sampled_from(('false', 'false', 'true')))}, "
        f"gpus: {draw(st.sampled_from(('node', 'node', 'workload')))}}}\n"
        for n in range(draw(st.integers(1, 4)))
    ]
    return "version: 1\nname: x\nrules:\n" + "".join(rules)


def loaded(text: str) -> Ruleset:
    """Return the ruleset, which has no error that keeps it from being loaded."""
    ruleset = examine(text, None).ruleset
    assert ruleset is not None
    return ruleset


def truth_of(ruleset: Ruleset, name: str, facts: Facts) -> Truth:
    """Return what the evaluator makes of a rule's condition."""
    rule = next(rule for rule in ruleset.rules if rule.name == name)
    return evaluate(ScopedCondition(rule.term, rule.gpus), facts)


def facts_of(data: object) -> Facts:
    """Return the facts of an example."""
    assert isinstance(data, dict)
    snapshot = Snapshot.from_dict(data["snapshot"])
    transfer, workload = Transfer.from_dict(data.get("transfer", {})), Workload.from_dict(data.get("workload", {}))
    return Facts(snapshot, snapshot.gpus, transfer, workload, data.get("node", {}))


@settings(deadline=None)
@given(texts())
def test_what_is_said_of_a_witness_is_what_the_evaluator_says(text: str) -> None:
    ruleset = loaded(text)
    for finding in lints(text):
        if finding.example is None:
            continue
        facts = facts_of(finding.example.given)
        for name, outcome in finding.example.outcomes:
            assert truth_of(ruleset, name, facts) is TRUTHS[outcome], (finding.code, finding.witness)


def fixed(text: str) -> str:
    """Return a ruleset with every safe fix made."""
    policy = Policy()
    return fix(text, None, lambda again: lints(again, None, None, replace(policy)), False).text


@settings(deadline=None)
@given(texts(), st.lists(situations(USED), min_size=3, max_size=6))
def test_a_safe_fix_changes_no_truth_value(text: str, drawn: list[Situation]) -> None:
    before, after = loaded(text), loaded(fixed(text))
    for situation in drawn:
        facts = Facts(
            situation.snapshot, situation.snapshot.gpus, situation.transfer, situation.workload, situation.node
        )
        for rule in before.rules:
            assert truth_of(before, rule.name, facts) is truth_of(after, rule.name, facts)


boxes = st.builds("{} {} {}".format, gauges, operators, numbers)
narrow = st.one_of(boxes, st.builds("{} AND {}".format, boxes, atoms))


@settings(deadline=None)
@given(st.lists(narrow, min_size=1, max_size=3), narrow, st.lists(situations(USED), min_size=3, max_size=6))
def test_outside_of_the_region_that_is_left_another_rule_stops(
    stopping: list[str], condition: str, drawn: list[Situation]
) -> None:
    lines = [f'  - {{name: s{n}, condition: "{text}", priority: 2, stop: true}}' for n, text in enumerate(stopping)]
    lines.append(f'  - {{name: r, condition: "{condition}"}}')
    text = "version: 1\nname: x\nrules:\n" + "\n".join(line.replace("}", ", action: pause_transfer}") for line in lines)
    found = examine(text, None)
    assert found.ruleset is not None
    for part in partial_shadows(Analysis(found.ruleset, found.placed)):
        outside = ScopedCondition(ir.And((part.rule.rule.term, ir.Not(part.region))))
        inside = ScopedCondition(ir.And((part.rule.rule.term, part.region)))
        assert evaluate(inside, part.found.witness.facts) is True
        assert not any(evaluate(other.condition, part.found.witness.facts) for other in part.by)
        for situation in drawn:
            facts = Facts(
                situation.snapshot, situation.snapshot.gpus, situation.transfer, situation.workload, situation.node
            )
            assert evaluate(outside, facts) is not True or any(evaluate(o.condition, facts) for o in part.by)


GLANCES = (
    ("gpurules.proofs.screening.abstractions.Screening.are_disjoint", False),
    ("gpurules.proofs.screening.abstractions.Screening.refutes_implication", False),
    ("gpurules.proofs.screening.abstractions.Screening.is_contingent", False),
    ("gpurules.proofs.screening.screening_index.ScreeningIndex.covering", -1),
    ("gpurules.proofs.screening.screening_index.ScreeningIndex.known_within", -1),
    ("gpurules.proofs.prover.Prover._corner", None),
    ("gpurules.linter.meaning.analysis.entails", False),
)
"""What settles a question without a search, and the answer with which it settles none."""


def searched(text: str) -> list[Diagnostic]:
    """Return the findings of a linter that searches for every answer."""
    with ExitStack() as stack:
        for name, answer in GLANCES:
            stack.enter_context(patch(name, return_value=answer))
        meeting = "gpurules.proofs.screening.screening_index.ScreeningIndex.overlapping"
        stack.enter_context(patch(meeting, lambda index, one, among: among))
        return lints(text)


@settings(deadline=None, max_examples=examples(50))
@given(texts())
def test_what_is_seen_at_a_glance_is_what_a_search_finds(text: str) -> None:
    assert lints(text) == searched(text)
