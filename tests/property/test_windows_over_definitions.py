"""A window over a definition is the window over a field that has the value of the definition at each sample."""

from random import Random

import pytest

from gpurules.model import GPU, Snapshot
from tests.factories import engine, ruleset

FUNCTIONS = (
    "avg_over_time(X[40s])", "max_over_time(X[40s])", "sum_over_time(X[20s])", "count_over_time(X[40s])",
    "delta(X[40s])", "rate(X[40s])", "increase(X[40s])", "deriv(X[40s])", "changes(X[40s])",
    "quantile_over_time(0.5, X[40s])", "predict_linear(X[40s], 10s)",
)  # fmt: skip


def rules(name: str) -> str:
    return "".join(
        f"  - {{name: r{n}, condition: '{text.replace('X', name)} > {limit}', action: pause_transfer}}\n"
        for n, (text, limit) in enumerate((text, limit) for text in FUNCTIONS for limit in (0, 2, 40))
    )


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_window_over_a_field_with_those_values(seed: int) -> None:
    """The field is declared and given beside what the definition is made of; both are missing at the same samples."""
    random = Random(seed)
    over_definition = engine(ruleset(rules("spare"), "define: {spare: gpu_power_limit - gpu_power}\n"))
    declared = "fields: {spare: {type: number, dimension: watts, scope: gpu}}\n"
    over_field = engine(ruleset(rules("spare"), declared))
    now = 0.0
    for _ in range(30):
        now += random.choice((5, 5, 10, 60))
        gpus = []
        for index in range(2):
            power, limit = (random.choice((None, 0, 3, 50, 100)) for _ in range(2))
            known = power is not None and limit is not None
            spare = {"spare": limit - power} if known else {}
            gpus.append(GPU(index=index, uuid=f"GPU-{index}", power=power, power_limit=limit, labels=spare))
        snapshot = Snapshot(timestamp=now, gpus=tuple(gpus if random.random() < 0.9 else gpus[:1]))
        for one in (over_definition, over_field):
            one.observe(snapshot)
        found, wanted = over_definition.decide(), over_field.decide()
        assert [(m.rule, m.devices) for m in found.matched] == [(m.rule, m.devices) for m in wanted.matched], now
