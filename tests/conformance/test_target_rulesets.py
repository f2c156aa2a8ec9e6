"""Every ruleset case that decides, and random rulesets, on the back ends that write Go and C: one program for all."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD
from gpurules.backends.native.cells import Stamp, StateEncoder
from gpurules.engine import Engine
from gpurules.language.terms import ir
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules import Ruleset, load, loads
from gpurules.rules.native import native_program, native_schema
from tests.cases import EXHAUSTIVE
from tests.conformance.test_rulesets import LOADING, SEQUENCES, has_signals, written
from tests.conformance.vectors import Vector
from tests.factories import gpu
from tests.strategies import Situation, ruleset_texts, situations
from tests.targets import GoDriver, ask_one, build_many, comparable, drivers, run

pytestmark = pytest.mark.slow
STAMP = Stamp(1, 1, 0, 0.0, 0)
EACH = pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.name)
IN_GO = pytest.mark.skipif(not any(driver.name == "go" for driver in drivers()), reason="Go is not installed")


def go() -> GoDriver:
    return next(driver for driver in drivers() if driver.name == "go")


def compile_all(driver: GoDriver, rulesets: list[Ruleset], folder: Path) -> None:
    programs = []
    for ruleset in rulesets:
        program, refused = native_program(ruleset, driver.back_end.check)
        assert not refused, (ruleset.name, refused)
        programs.append((program, native_schema(ruleset)))
    build_many(driver, programs, folder)


def line_of(driver: GoDriver, engine: Engine, about: dict[str, Any]) -> str:
    """Return the line that asks about a transfer on what *engine* knows."""
    bound = engine.bound
    slot = StateEncoder(native_schema(engine.ruleset), bound.program.layout).slot(bound.facts, STAMP, {})
    return driver.line(slot, about.get("transfer") or NO_TRANSFER, about.get("workload") or NO_WORKLOAD)


def observed(ruleset: Ruleset, snapshot: Snapshot, node: Any) -> Engine:
    engine = Engine(ruleset, clock=lambda: snapshot.timestamp)
    engine.observe(snapshot, node=node)
    return engine


Case = tuple[Vector, Ruleset, Snapshot, dict[str, Any]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[GoDriver], tuple[list[Case], Path]]:
    """Return the cases without signals, and the folder of the one program of their rulesets."""

    @cache
    def build(driver: GoDriver) -> tuple[list[Case], Path]:
        folder, cases = tmp_path_factory.mktemp("compiled"), []
        for number, vector in enumerate(v for v in LOADING if not has_signals(v)):
            (folder / f"r{number}").mkdir()
            ruleset = load(written(vector, folder / f"r{number}"))
            cases.append((vector, ruleset, vector.snapshot(), vector.about()))
        compile_all(driver, [ruleset for _, ruleset, _, _ in cases], folder)
        return cases, folder

    return build


@EACH
def test_every_ruleset_decides_as_an_engine_does(
    driver: GoDriver, compiled: Callable[[GoDriver], tuple[list[Case], Path]]
) -> None:
    wrong = []
    cases, folder = compiled(driver)
    for number, (vector, ruleset, snapshot, about) in enumerate(cases):
        engine = observed(ruleset, snapshot, about.get("node"))
        expected = engine.decide(about.get("transfer"), about.get("workload")).to_dict()
        (found,) = ask_one(folder, number, [line_of(driver, engine, about)])
        if comparable(found) != comparable(expected):
            wrong.append((vector.id, expected, found))
    assert not wrong, (len(wrong), wrong[:5])
    assert len(cases) > 20


@EXHAUSTIVE
@IN_GO
def test_every_ruleset_in_go_passes_vet(compiled: Callable[[GoDriver], tuple[list[Case], Path]]) -> None:
    run(["go", "vet", "-bools=false", "./..."], compiled(go())[1])


@EACH
def test_every_sequence_decides_as_the_engine_at_every_step(driver: GoDriver, tmp_path: Path) -> None:
    """Signals, windows and timers are the agent's: what it publishes at each step is what a client decides on."""
    rulesets = []
    for number, vector in enumerate(SEQUENCES):
        (tmp_path / f"r{number}").mkdir()
        rulesets.append(load(written(vector, tmp_path / f"r{number}")))
    compile_all(driver, rulesets, tmp_path)
    for number, (vector, ruleset) in enumerate(zip(SEQUENCES, rulesets, strict=True)):
        engine = Engine(ruleset, clock=lambda: 0.0)
        lines, wanted = [], []
        for step in vector.case["sequence"]:
            now = step["at"]
            snapshot = vector.snapshot({"timestamp": now, "gpus": step.get("gpus", []), "host": step.get("host")})
            engine.observe(snapshot, node=step.get("node"))
            transfer = Transfer.from_dict(step.get("transfer", {"id": "probe"}))
            lines.append(line_of(driver, engine, {"transfer": transfer}))
            wanted.append(comparable(engine.decide(transfer).to_dict()))
        found = [comparable(answer) for answer in ask_one(tmp_path, number, lines)]
        assert [{**f, "stale": None} for f in found] == [{**w, "stale": None} for w in wanted], vector.id


@st.composite
def asked(draw: st.DrawFn) -> tuple[Ruleset, list[Situation]]:
    ruleset = loads(draw(ruleset_texts()))
    terms = [rule.term for rule in ruleset.rules]
    for signal in ruleset.signals.values():
        terms += [signal.condition, *([signal.until] if signal.until else [])]
    fields = {field for term in terms for field in ir.fields(term)}
    return ruleset, [draw(situations(fields)) for _ in range(4)]


@EXHAUSTIVE
@EACH
def test_random_rulesets_decide_as_the_engine_does(driver: GoDriver, tmp_path: Path) -> None:
    cases: list[tuple[Ruleset, list[Situation]]] = []

    @seed(7)
    @settings(
        max_examples=24, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(asked())
    def collect(case: tuple[Ruleset, list[Situation]]) -> None:
        if not native_program(case[0], driver.back_end.check)[1]:
            cases.append(case)

    collect()
    assert len(cases) > 12
    compile_all(driver, [ruleset for ruleset, _ in cases], tmp_path)
    for number, (ruleset, drawn) in enumerate(cases):
        engine = Engine(ruleset, clock=lambda: 0.0)
        lines, wanted = [], []
        for step, one in enumerate(drawn):
            engine.observe(replace(one.snapshot, timestamp=1000.0 + 7 * step), node=one.node)
            about = {"transfer": one.transfer, "workload": one.workload}
            lines.append(line_of(driver, engine, about))
            wanted.append(comparable(engine.decide(one.transfer, one.workload).to_dict()))
        found = [comparable(answer) for answer in ask_one(tmp_path, number, lines)]
        assert found == wanted, (ruleset.rules, drawn)


CLAIMS: list[dict[str, Any]] = [
    {"action": "reduce_prefetch", "parameters": {"reduction_factor": 0.5}},
    {"action": "delay_transfer", "parameters": {"delay": "30s", "jitter": 0.5}},
    {"action": "increase_priority", "parameters": {"priority_boost": 0.3}},
    {"action": "stage_transfer", "parameters": {"staging_threshold": 50}},
    {"action": "pause_transfer"},
    {"action": "limit_bandwidth", "parameters": {"max_bandwidth": "10MB/s"}},
    {"action": "delay_transfer", "parameters": {"delay": "200s"}},
    {"action": "increase_priority", "parameters": {"priority_boost": 45.5}},
    {"action": "increase_priority", "parameters": {"priority_boost": -80}},
]


def many_rules(count: int, stops: bool) -> Ruleset:
    """Return *count* rules of every kind: on one GPU, on the node, on a transfer, looked up by a text or not."""
    conditions = (
        "gpu_memory > {} AND transfer_size > {}", "any(gpu_memory > {}) AND transfer_size > {}",
        "framework == 'f{}' AND transfer_size > {}", "gpu_memory > {} AND gpu_temperature > {}",
        "transfer_priority > {} AND gpu_memory < {}", "framework IN ('f{}', 'f{}') AND gpu_memory > 50",
    )  # fmt: skip
    rules = []
    for n in range(count):
        text = conditions[n % len(conditions)].format(n % 90, n * 7 % 60)
        gpus = "workload" if n % 11 == 0 and "any(" not in text else "node"
        rule = {"name": f"r{n}", "condition": text, "priority": -n // 3, "gpus": gpus, **CLAIMS[n % len(CLAIMS)]}
        rules.append({**rule, "stop": stops and n % 29 == 28})
    return loads(json.dumps({"version": 1, "name": f"many-{count}", "rules": rules}))


@EACH
def test_large_rulesets_decide_as_the_engine_does(driver: GoDriver, tmp_path: Path) -> None:
    """Around every size from which they are written otherwise: asked one by one, gone through, in several functions."""
    sizes = [(16, False), (17, False), (40, True), (64, False), (150, True), (150, False)]
    rulesets = [many_rules(count, stops) for count, stops in sizes]
    compile_all(driver, rulesets, tmp_path)
    rest, boosts = random.Random(3), set[float]()
    for number, ruleset in enumerate(rulesets):
        engine, lines, wanted = Engine(ruleset, clock=lambda: 0.0), [], []
        for step in range(12):
            gpus = [gpu(n, memory=rest.choice((None, 5, 60, 95)), temperature=rest.choice((30, 70))) for n in range(3)]
            engine.observe(Snapshot(timestamp=1000.0 + 7 * step, gpus=tuple(gpus[: step % 4])))
            kind = f"f{rest.randrange(90)}" if step % 3 else None
            transfer = Transfer(
                id=f"t{step}", size=rest.choice((None, 10, 100)), framework=kind, priority=rest.choice((0, 70)),
                created=rest.choice((None, 999.0, 790.0, 600.0)),
            )  # fmt: skip
            workload = Workload(gpu_devices=(0,)) if step % 2 else Workload()
            lines.append(line_of(driver, engine, {"transfer": transfer, "workload": workload}))
            wanted.append(comparable(engine.decide(transfer, workload).to_dict()))
        assert [comparable(answer) for answer in ask_one(tmp_path, number, lines)] == wanted, ruleset.name
        assert sum(len(one["matched"]) for one in wanted) > len(ruleset.rules) // 2
        boosts |= {one["priority_boost"] for one in wanted}
    assert {-100.0, 100.0} <= boosts, "sums beyond both bounds are tried"


@IN_GO
def test_the_driver_of_go_reads_snapshots_as_gpurules_does(
    compiled: Callable[[GoDriver], tuple[list[Case], Path]],
) -> None:
    cases, folder = compiled(go())
    for number, (vector, ruleset, snapshot, about) in enumerate(cases):
        given_ = {"snapshot": snapshot.to_dict(), "node": dict(about.get("node") or NO_NODE)}
        given_ |= {name: about[name].to_dict() for name in ("transfer", "workload") if name in about}
        (found,) = ask_one(folder, number, [json.dumps(given_)])
        expected = ruleset.evaluate(snapshot, **about).to_dict()
        assert comparable(found) == comparable(expected), vector.id
