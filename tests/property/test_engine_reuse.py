"""An engine whose rules are replaced step by step decides as if each program were made from scratch."""

from dataclasses import dataclass, field, replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpurules
from gpurules.backends import python
from gpurules.backends.explain import ExplainBackEnd
from gpurules.engine.state.derived_state import DerivedState
from gpurules.rules.program import Program
from gpurules.rules.rule_terms import RuleTerms
from gpurules.rules.ruleset import Ruleset
from gpurules.rules.transfer_dependence import TransferDependence
from tests.cases import examples

CONDITIONS = (
    "gpu_memory > {n}",
    "gpu_memory > limit AND transfer_size > {n}GiB",
    "gpu_temperature > {n} AND file_type == 'model'",
    "transfer_size > {n}GiB OR transfer_size < 1GiB",
    "gpu_memory + gpu_utilization > {n}",
    "gpu_memory > gpu_utilization AND transfer_priority < {n} AND file_type != 'model'",
    "path GLOB '/{n}/*'",
    "path GLOB '/d*' AND gpu_memory < {n}",
    "pressure AND transfer_size < {n}GiB",
    "pressure OR heat",
    "avg_over_time(gpu_memory[30s]) > {n}",
    "max(gpu_memory) > {n} AND gpu_count == 2",
    "busy AND file_type IN ('model', 'dataset')",
    "(file_type == 'model' OR transfer_priority > 5) AND gpu_temperature < {n}",
    "telemetry_age > {n}s",
    "active_training OR gpu_throttled",
)
ACTIONS = (
    "action: delay_transfer, parameters: {delay: 30s}",
    "action: reduce_prefetch, parameters: {reduction_factor: 0.5}",
    "action: increase_priority, parameters: {priority_boost: 10}",
)
TIMERS = ("", "", "", "for: 5s", "until: gpu_memory < 40", "keep_for: 10s")
SIGNALS = ("gpu_memory > {n}", "gpu_temperature > {n} AND gpu_memory > limit", "gpu_count == 2")
NUMBERS = st.sampled_from([1, 2, 40, 60, 75, 80, 90])
EXPLAIN = ExplainBackEnd()


@dataclass(frozen=True)
class Rules:
    """What a ruleset says, to be edited."""

    rules: tuple[tuple[str, str], ...]
    limit: int = 70
    signals: dict[str, str] = field(default_factory=lambda: {"pressure": "gpu_memory > 80", "heat": "gpu_count == 2"})
    stale_after: int = 15

    @property
    def text(self) -> str:
        listed = "".join(f"  - {{name: {name}, {rest}}}\n" for name, rest in self.rules)
        signals = "".join(f"  {name}: {{condition: {condition!r}}}\n" for name, condition in self.signals.items())
        return (
            f"version: 1\nname: edited\nsettings: {{stale_after: {self.stale_after}s}}\n"
            f"inputs:\n  limit: {{type: number, default: {self.limit}}}\ndefine:\n  busy: gpu_utilization > limit\n"
            f"signals:\n{signals}rules:\n{listed or '  []'}\n"
        )


@st.composite
def rules(draw: st.DrawFn) -> str:
    condition = draw(st.sampled_from(CONDITIONS)).format(n=draw(NUMBERS))
    is_of_transfer = any(word in condition for word in ("transfer", "file", "path"))
    timers = "" if is_of_transfer else draw(st.sampled_from(TIMERS))
    parts = [
        f'condition: "{condition}"',
        draw(st.sampled_from(ACTIONS)),
        f"priority: {draw(st.integers(0, 2))}",
        *([timers] if timers else []),
        *draw(st.sampled_from([[], [], [], ["enabled: false"], ["gpus: workload"], ["stop: true"]])),
    ]
    return ", ".join(parts)


@st.composite
def edited(draw: st.DrawFn, before: Rules) -> Rules:
    """Draw what a ruleset says after one edit."""
    listed = list(before.rules)
    at = draw(st.integers(0, max(0, len(listed) - 1)))
    match draw(st.sampled_from(["add", "remove", "edit", "edit", "move", "input", "signal", "setting", "nothing"])):
        case "add":
            names = [name for name in (f"r{n}" for n in range(40)) if name not in dict(listed)]
            return replace(before, rules=(*listed[:at], (names[0], draw(rules())), *listed[at:]))
        case "remove":
            return replace(before, rules=(*listed[:at], *listed[at + 1 :]))
        case "edit" if listed:
            listed[at] = (listed[at][0], draw(rules()))
            return replace(before, rules=tuple(listed))
        case "move":
            return replace(before, rules=tuple(draw(st.permutations(listed))))
        case "input":
            return replace(before, limit=draw(NUMBERS))
        case "signal":
            name, condition = draw(st.sampled_from(["pressure", "heat"])), draw(st.sampled_from(SIGNALS))
            return replace(before, signals={**before.signals, name: condition.format(n=draw(NUMBERS))})
        case "setting":
            return replace(before, stale_after=draw(st.sampled_from([15, 20, 30])))
        case _:
            return before


@st.composite
def histories(draw: st.DrawFn) -> list[Rules]:
    """Draw what a ruleset says, edit after edit."""
    found = [Rules(tuple((f"r{n}", text) for n, text in enumerate(draw(st.lists(rules(), max_size=14)))))]
    for _ in range(draw(st.integers(1, 5))):
        found.append(draw(edited(found[-1])))
    return found


PERCENT = st.none() | st.sampled_from([0.0, 39.0, 60.0, 75.0, 85.0, 100.0])
GPUS = st.lists(
    st.builds(lambda **given: given, memory=PERCENT, temperature=PERCENT, utilization=PERCENT), min_size=0, max_size=2
)
TRANSFERS = (
    gpurules.Transfer(size=3 << 30, file_type="model", path="/data/a", priority=9),
    gpurules.Transfer(size=1, file_type="dataset", path="/1/x"),
    gpurules.Transfer(),
)
WORKLOAD = gpurules.Workload(gpu_devices=(0,))


def from_scratch(engine: gpurules.Engine, ruleset: Ruleset) -> None:
    """Replace the rules of an engine with nothing taken from the program before."""
    with patch.object(RuleTerms, "_kept", lambda *_: {}):
        engine.replace(ruleset)


def walked(ruleset: Ruleset, engine: gpurules.Engine, transfer: gpurules.Transfer) -> list[str]:
    """Return the names of the rules that a walk over their trees finds TRUE on what the engine knows."""
    facts = engine.bound.facts_of(transfer, WORKLOAD)
    found = []
    for rule in ruleset.rules:
        scoped = facts.in_scope(WORKLOAD.gpu_devices) if rule.gpus == "workload" else facts
        if rule.enabled and EXPLAIN.evaluate(rule.term, rule.per_gpu, scoped).value is True:
            found.append(rule.name)
    return found


def matching(engine: gpurules.Engine, transfer: gpurules.Transfer) -> list[str]:
    """Return the names of the rules that the engine finds TRUE, those that a ``stop`` cuts off too."""
    bound = engine.bound
    mask = bound.mask(transfer, WORKLOAD)
    return [rule.name for n, rule in enumerate(bound.program.rules) if mask >> n & 1]


@settings(max_examples=examples(40))
@given(histories(), st.lists(GPUS, min_size=6, max_size=6), st.sampled_from([1, 4, 100]), st.sampled_from([2, 400]))
def test_an_engine_that_was_replaced_stepwise_decides_as_one_made_from_scratch(
    said: list[Rules], gpus: list[list[dict[str, float | None]]], min_indexed: int, chunk: int
) -> None:
    with (
        patch.object(Program, "min_indexed", min_indexed),
        patch.object(DerivedState, "min_batch", min_indexed),
        patch.object(python, "CHUNK", chunk),
    ):
        before = gpurules.loads(said[0].text)
        loaded, texts, scratch = (gpurules.Engine(before, clock=float) for _ in range(3))
        for step, says in enumerate(said):
            before, alone = gpurules.loads(says.text, previous=before), gpurules.loads(says.text)
            loaded.replace(before)
            texts.replace(alone)
            from_scratch(scratch, alone)
            listed = tuple(gpurules.GPU(index=n, **given) for n, given in enumerate(gpus[step]))  # type: ignore[arg-type]
            for engine in (loaded, texts, scratch):
                engine.observe(gpurules.Snapshot(timestamp=10.0 * (step + 1), gpus=listed))
            fresh = gpurules.Engine(alone, clock=float)
            opened = [engine.bound.program.transfer_dependence.of(engine.bound.facts) for engine in (loaded, texts)]
            assert opened[0] == opened[1]
            assert opened[0] == TransferDependence(scratch.bound.program.terms, scratch.bound.program.layout).of(
                scratch.bound.facts
            )
            assert loaded.bound.program.layout == texts.bound.program.layout == fresh.bound.program.layout
            for transfer in TRANSFERS:
                wanted = walked(alone, scratch, transfer)
                assert matching(scratch, transfer) == wanted
                assert matching(loaded, transfer) == matching(texts, transfer) == wanted
                directives = [engine.decide(transfer, WORKLOAD).directives for engine in (loaded, texts, scratch)]
                assert directives[0] == directives[1] == directives[2]


def ruleset(*conditions: str, limit: int = 70) -> Ruleset:
    listed = tuple((f"r{n}", f'condition: "{text}", action: pause_transfer') for n, text in enumerate(conditions))
    return gpurules.loads(Rules(listed, limit).text)


SPREAD = "gpu_memory > gpu_utilization AND transfer_size > {}GiB"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            ruleset("avg_over_time(gpu_memory[30s]) > 50"),
            ruleset("avg_over_time(gpu_memory[30s]) > 50", "max_over_time(gpu_temperature[30s]) > 95"),
        ),
        (
            ruleset("gpu_count == 1", "gpu_count == 2", "avg_over_time(gpu_memory[30s]) > 70"),
            ruleset(
                "max_over_time(gpu_temperature[30s]) > 95", "gpu_count == 2", "avg_over_time(gpu_memory[30s]) > 70"
            ),
        ),
        (ruleset("gpu_memory > limit"), ruleset("gpu_memory > limit", limit=90)),
        (ruleset("gpu_memory > 70"), ruleset("gpu_memory > 70", "gpu_temperature > 50")),
        (ruleset("gpu_memory > 70", "gpu_temperature > 50"), ruleset("gpu_memory > 70")),
        (
            ruleset(*map(SPREAD.format, range(4))),
            ruleset(*map(SPREAD.format, range(3)), "gpu_memory > gpu_utilization"),
        ),
        (
            ruleset(*map(SPREAD.format, range(3)), "gpu_memory > gpu_utilization"),
            ruleset(*map(SPREAD.format, range(4))),
        ),
        (ruleset("pressure", "heat"), ruleset("heat", "pressure")),
    ],
    ids=["window added", "window first", "input", "added", "removed", "compiled now", "indexed now", "swapped"],
)
@pytest.mark.parametrize("min_indexed", [1, 4, 100])
def test_what_a_rule_is_compiled_with_is_what_it_is_now(before: Ruleset, after: Ruleset, min_indexed: int) -> None:
    with patch.object(Program, "min_indexed", min_indexed), patch.object(python, "CHUNK", 2):
        engine = gpurules.Engine(before, clock=float)
        engine.observe(gpurules.Snapshot(timestamp=1.0, gpus=(gpurules.GPU(index=0, memory=85.0, temperature=60.0),)))
        engine.replace(after)
        hot = gpurules.GPU(index=0, memory=85.0, temperature=60.0, utilization=20)
        engine.observe(gpurules.Snapshot(timestamp=2.0, gpus=(hot,)))
        for transfer in TRANSFERS:
            assert matching(engine, transfer) == walked(after, engine, transfer)


def test_the_gpus_that_a_rule_looks_at_are_those_of_now() -> None:
    before = ruleset("gpu_memory > 70")
    after = replace(before, rules=tuple(replace(rule, gpus="workload") for rule in before.rules))
    engine = gpurules.Engine(before, clock=float)
    engine.replace(after)
    engine.observe(gpurules.Snapshot(timestamp=1.0, gpus=(gpurules.GPU(index=1, memory=85.0),)))
    assert matching(engine, TRANSFERS[0]) == walked(after, engine, TRANSFERS[0]) == []


def rule_text(number: int, size: int) -> str:
    condition = f"gpu_memory > {number % 90} AND transfer_size > {size}MB"
    return f"  - {{name: r{number}, condition: {condition}, action: pause_transfer}}\n"


def many(changed: int | None = None, count: int = 40) -> str:
    listed = [rule_text(n, 1000 + n if n == changed else n + 1) for n in range(count)]
    return "version: 1\nname: many\nrules:\n" + "".join(listed)


def test_rules_that_did_not_change_are_the_same_objects_in_the_next_program() -> None:
    before = gpurules.loads(many())
    for after in (gpurules.loads(many(7), previous=before), gpurules.loads(many(7))):
        engine = gpurules.Engine(before, clock=float)
        old = {rule.name: rule for rule in engine.bound.program.terms}
        engine.replace(after)
        assert {r.name for r in engine.bound.program.terms if old[r.name] is not r} == {"r7"}


def test_a_rule_of_another_condition_under_the_same_keys_is_not_taken_from_before() -> None:
    before = gpurules.loads(many())
    other = gpurules.loads(many(7))
    swapped = replace(before, rules=tuple(replace(rule, term=other.rules[7].term) for rule in before.rules))
    engine = gpurules.Engine(before, clock=float)
    engine.replace(swapped)
    assert all(rule.term is other.rules[7].term for rule in engine.bound.program.terms)
