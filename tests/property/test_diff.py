"""What a comparison of rulesets proves is never contradicted by what they do."""

from random import Random

import pytest

from gpurules.diff import ChangeKind, compare
from gpurules.diff.signals import SignalUniverse
from gpurules.engine import Engine
from gpurules.model import Snapshot
from gpurules.rules import Ruleset
from tests.factories import NEW_YEAR, gpu, ruleset, snapshot
from tests.property.proofs.conditions import Conditions
from tests.property.proofs.test_counterfactuals import some_facts


def signals(random: Random) -> Ruleset:
    """Return a ruleset of a signal of a temperature, now and then with nested bounds, an end and timers."""

    def above(field: str) -> str:
        return f"{field} > {random.choice((20, 40, 60))}"

    start = random.choice((above("gpu_temperature"), f"{above('gpu_temperature')} AND {above('gpu_power')}"))
    until = random.choice(("", f", until: gpu_temperature < {random.choice((10, 20, 30))}"))
    timers = random.choice(("", ", for: 10s", ", for: 20s")) + random.choice(("", ", keep_for: 10s", ", keep_for: 20s"))
    return ruleset(
        "  - {name: a, condition: hot, action: pause_transfer}\n",
        f"settings: {{stale_after: 12s}}\nsignals: {{hot: {{condition: {start}{until}{timers}}}}}",
    )


def history(random: Random) -> list[Snapshot]:
    """Return snapshots of two GPUs whose readings jump, are missing now and then, and of which one may be gone."""

    def number() -> int | None:
        return random.choice((5, 15, 25, 45, 65, None))

    gpus = [
        [gpu(n, temperature=number(), power=number()) for n in (0, 1)[: random.choice((1, 2, 2, 2))]] for _ in range(40)
    ]
    return [snapshot(*row, at=5.0 * step) for step, row in enumerate(gpus)]


def on(engine: Engine, current: Snapshot) -> frozenset[object]:
    engine.observe(current)
    return frozenset(device for match in engine.decide().matched for device in match.devices)


@pytest.mark.parametrize("seed", range(150))
def test_a_signal_that_is_proved_to_follow_another_is_on_wherever_that_is(seed: int) -> None:
    random = Random(seed)
    old, new = signals(random), signals(random)
    relation = SignalUniverse(old.signals, new.signals, (old.settings, new.settings)).relation("hot")
    assert relation is not None
    engines = [Engine(rules, clock=lambda: NEW_YEAR) for rules in (old, new)]
    for current in history(random):
        before, after = (on(engine, current) for engine in engines)
        assert not relation.forward or before <= after
        assert not relation.backward or after <= before


def test_enough_signals_are_proved_to_follow_one_another() -> None:
    proved = 0
    for seed in range(150):
        random = Random(seed)
        old, new = signals(random), signals(random)
        relation = SignalUniverse(old.signals, new.signals, (old.settings, new.settings)).relation("hot")
        proved += relation is not None and (relation.forward or relation.backward)
    assert proved > 15


def rules_of(texts: list[str]) -> Ruleset:
    listed = [f'  - {{name: r{n}, condition: "{text}", action: pause_transfer}}\n' for n, text in enumerate(texts)]
    return ruleset("".join(listed))


@pytest.mark.parametrize("seed", range(12))
def test_random_rules_do_what_is_said_of_them(seed: int) -> None:
    writer = Conditions(seed)
    pairs = [(writer.condition(), writer.condition()) for _ in range(12)]
    old, new = (rules_of([pair[side] for pair in pairs]) for side in (0, 1))
    kinds = {change.rule: {*change.kinds} for change in compare(old, new).changes}
    for turn in range(60):
        facts = some_facts(seed * 100 + turn)
        given = facts.snapshot, facts.transfer, facts.workload, facts.node
        before, after = ({*rules.evaluate(*given).rules} for rules in (old, new))
        for rule in before ^ after:
            gains = rule in after
            expected = {ChangeKind.DIFFERENT, ChangeKind.UNPROVEN, ChangeKind.LOOSER if gains else ChangeKind.STRICTER}
            assert kinds.get(rule, set()) & expected, (rule, pairs[int(rule[1:])])
