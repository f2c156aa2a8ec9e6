"""The back ends agree: on every condition, on every ruleset, with and without history, at once and in two steps."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends import ExplainBackEnd, Facts, PythonBackEnd, explain, value_of
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD
from gpurules.backends.reasons import reason
from gpurules.backends.specialization import Specializer
from gpurules.engine import Engine
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import PASSES, inline_signals, lower
from gpurules.model import Snapshot
from gpurules.rules import Ruleset, loads
from gpurules.rules.program import BoundProgram, Program
from tests.cases import examples
from tests.strategies import Situation, conditions_with_facts, ruleset_texts, situations

EXPLAIN, PYTHON = ExplainBackEnd(), PythonBackEnd()


@st.composite
def asked(draw: st.DrawFn) -> tuple[ir.Term, bool, Facts, str]:
    """Draw a condition with facts."""
    numbers = st.none() | st.sampled_from([0, 1, 80, 85.5, -3, 1e308])
    text, found, facts = draw(conditions_with_facts(numbers))
    return found.term, found.per_gpu, facts, text


@given(asked())
def test_generated_python_and_the_tree_walk_give_the_same_result(case: tuple[ir.Term, bool, Facts, str]) -> None:
    term, per_gpu, facts, _ = case
    assert PYTHON.evaluate(term, per_gpu, facts) == EXPLAIN.evaluate(term, per_gpu, facts)


@given(asked())
def test_lowering_keeps_the_value_on_every_gpu(case: tuple[ir.Term, bool, Facts, str]) -> None:
    term, per_gpu, facts, _ = case
    places: list[int | None] = list(range(len(facts.gpus))) if per_gpu else [None]
    for place in places:
        wanted = value_of(term, facts, place)
        for lowering in (*PASSES, lower):
            assert value_of(lowering(term), facts, place) is wanted


@given(asked())
def test_an_explanation_has_the_value_and_a_reason(case: tuple[ir.Term, bool, Facts, str]) -> None:
    term, per_gpu, facts, _ = case
    reported = explain(term, facts)
    assert reported.is_per_gpu == per_gpu
    result = EXPLAIN.evaluate(term, per_gpu, facts)
    assert (True in reported.values) == (result.value is True)
    assert reason(reported, facts)
    reported.to_dict()


def facts_of(snapshot: Snapshot, drawn: Situation) -> Facts:
    return Facts(snapshot, snapshot.gpus, drawn.transfer, drawn.workload, drawn.node)


@st.composite
def loaded(draw: st.DrawFn, with_signals: bool = True) -> tuple[Ruleset, Situation]:
    ruleset = loads(draw(ruleset_texts(with_signals)))
    terms = [rule.term for rule in ruleset.rules]
    for signal in ruleset.signals.values():
        terms += [signal.condition, *([signal.until] if signal.until else [])]
    fields = {field for term in terms for field in ir.fields(term)}
    return ruleset, draw(situations(fields))


def by_tree(program: Program, facts: Facts) -> int:
    """Return the mask of a program by walking the trees."""
    mask = 0
    for position, rule in enumerate(program.terms):
        scoped = program.in_scope(position, facts)
        if EXPLAIN.evaluate(rule.term, rule.per_gpu, scoped).value is True:
            mask |= 1 << position
    return mask


@settings(max_examples=examples(100))
@given(loaded())
def test_a_program_at_once_and_in_two_steps_is_the_tree_walk(case: tuple[Ruleset, Situation]) -> None:
    ruleset, drawn = case
    program, facts = ruleset.program, facts_of(drawn.snapshot, drawn)
    wanted = by_tree(program, facts)
    assert program.mask(facts) == wanted
    ahead = Facts(drawn.snapshot, drawn.snapshot.gpus, node=drawn.node, context=program.context)
    bound = program.bind(ahead)
    assert bound.mask(drawn.transfer, drawn.workload) == wanted
    assert bound.mask(NO_TRANSFER, NO_WORKLOAD) == by_tree(program, ahead)
    with patch.object(Program, "min_indexed", 1), patch.object(Program, "min_looked_up", 1):
        looked_up = Program(ruleset)
        assert looked_up.mask(facts) == wanted
        straight = BoundProgram(looked_up, drawn.snapshot, drawn.node, program.context)
        assert looked_up.straight(straight, drawn.transfer, drawn.workload) == wanted
    for min_indexed in (1, 10**9):
        base, residual = Specializer(program.terms, None, min_indexed).specialize(ahead)
        for _ in range(2):
            mask = base if residual is None else residual(drawn.transfer, drawn.workload)
            assert mask == wanted


@settings(max_examples=examples(100))
@given(loaded())
def test_a_decision_is_the_same_however_often_it_is_asked_for(case: tuple[Ruleset, Situation]) -> None:
    ruleset, drawn = case
    first, *others = [ruleset.evaluate(drawn.snapshot, drawn.transfer, drawn.workload) for _ in range(3)]
    for other in others:
        assert other.to_dict() == first.to_dict()


@settings(max_examples=examples(40))
@given(loaded(), st.lists(st.integers(0, 2), min_size=4, max_size=8))
def test_facts_of_the_node_decide_the_same_however_often_and_in_whatever_turn_they_are_given(
    case: tuple[Ruleset, Situation], turns: list[int]
) -> None:
    ruleset, drawn = case
    snapshot, program = replace(drawn.snapshot), ruleset.program
    nodes: list[dict[str, object]] = [dict(drawn.node), {}, {**drawn.node, "active_training": 1, "hour": True}]
    for turn in turns:
        decision = ruleset.evaluate(snapshot, drawn.transfer, drawn.workload, nodes[turn])
        facts = Facts(snapshot, snapshot.gpus, drawn.transfer, drawn.workload, nodes[turn], program.context)
        outcome = program.outcome(by_tree(program, facts))
        assert decision.outcome == outcome
        assert decision.rules == tuple(match.rule for match in decision.matched)
        assert len(decision.explain().rules) == len(ruleset.rules)


@settings(max_examples=examples(100))
@given(loaded())
def test_stop_shadow_and_disabled_are_what_separates_matching_from_deciding(case: tuple[Ruleset, Situation]) -> None:
    ruleset, drawn = case
    decision = ruleset.evaluate(drawn.snapshot, drawn.transfer, drawn.workload, drawn.node)
    true = by_tree(ruleset.program, facts_of(drawn.snapshot, drawn))
    matching = [rule for position, rule in enumerate(ruleset.program.rules) if true >> position & 1]
    limit = max((rule.priority for rule in matching if rule.stop and not rule.is_shadow), default=None)
    effective = [r for r in matching if not r.is_shadow and (limit is None or r.priority >= limit)]
    assert list(decision.rules) == [r.name for r in effective]


@settings(max_examples=examples(100))
@given(loaded())
def test_the_explanation_agrees_with_the_decision_on_every_rule(case: tuple[Ruleset, Situation]) -> None:
    ruleset, drawn = case
    decision = ruleset.evaluate(drawn.snapshot, drawn.transfer, drawn.workload, drawn.node)
    reported: Any = decision.explain()
    assert [r.rule for r in reported.rules] == [r.name for r in ruleset.rules]
    assert [r.rule for r in reported.rules if r.outcome == "match"] == list(decision.rules)
    for match in decision.matched:
        assert reported.rule(match.rule).devices == match.devices
    for one in reported.rules:
        assert one.reason
        rule = ruleset.rule(one.rule)
        assert rule is not None
        assert (one.because == "disabled") is (not rule.enabled)


@settings(max_examples=examples(100))
@given(loaded(), st.data())
def test_the_engine_decides_as_the_tree_walk_on_its_derived_state(
    case: tuple[Ruleset, Situation], data: st.DataObject
) -> None:
    ruleset, first = case
    engine = Engine(ruleset, clock=lambda: 0.0)
    fields = {f for rule in ruleset.rules for f in ir.fields(rule.term)}
    fields |= {f for signal in ruleset.signals.values() for f in ir.fields(signal.condition)}
    for step in range(3):
        drawn = data.draw(situations(fields)) if step else first
        current = Snapshot(timestamp=1000.0 + 7 * step, gpus=drawn.snapshot.gpus)
        engine.observe(current, node=drawn.node)
        decision = engine.decide(drawn.transfer, drawn.workload)
        bound = engine._current[0]
        facts = bound.facts_of(drawn.transfer, drawn.workload)
        wanted = by_tree(bound.program, facts)
        assert bound.mask(drawn.transfer, drawn.workload) == wanted
        for min_indexed in (1, 10**9):
            base, residual = Specializer(bound.program.terms, bound.program.layout, min_indexed).specialize(bound.facts)
            assert (base if residual is None else residual(drawn.transfer, drawn.workload)) == wanted
        assert decision == engine.decide(drawn.transfer, drawn.workload)
        one_by_one = [engine.decide(transfer, drawn.workload) for transfer in (drawn.transfer, NO_TRANSFER)]
        assert engine.decide_many([drawn.transfer, NO_TRANSFER], drawn.workload) == one_by_one
        reported: Any = decision.explain()
        assert [r.rule for r in reported.rules if r.outcome == "match"] == list(decision.rules)


@settings(max_examples=examples(100))
@given(loaded())
def test_without_history_a_signal_is_its_condition(case: tuple[Ruleset, Situation]) -> None:
    ruleset, drawn = case
    conditions = {name: signal.condition for name, signal in ruleset.signals.items()}
    facts = facts_of(drawn.snapshot, drawn)
    for rule in ruleset.rules:
        inlined = inline_signals(rule.term, conditions)
        assert not any(isinstance(t, ir.Signal) for t in ir.walk(inlined))
        scoped = facts.in_scope(drawn.workload.gpu_devices) if rule.gpus == "workload" else facts
        wanted = EXPLAIN.evaluate(inlined, rule.per_gpu, scoped).value is True and rule.enabled
        position = [r.name for r in ruleset.program.rules].index(rule.name) if rule.enabled else None
        assert wanted == (position is not None and bool(ruleset.program.mask(facts) >> position & 1))
