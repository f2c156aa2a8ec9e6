"""What a reload compiles: what changed, and nothing else."""

import pytest

from gpurules.backends.python import _code
from gpurules.engine import Engine
from gpurules.rules import Ruleset, loads
from tests.factories import model, one_gpu

RULES = 3000
CHANGED = 1700


def rules(condition: str, changed: str | None = None) -> Ruleset:
    """Return many rules, of which one may have a condition of its own."""
    listed = []
    for number in range(RULES):
        text = changed if changed is not None and number == CHANGED else condition.format(number)
        listed.append(f"- {{name: r{number}, condition: {text!r}, action: pause_transfer}}")
    return loads("version: 1\nname: many\nrules:\n" + "\n".join(listed))


@pytest.mark.parametrize(
    ("condition", "at_first"),
    [
        ("gpu_memory > 50 AND transfer_size > {}MB", range(1, 4)),
        ("gpu_memory + gpu_memory > 50 AND transfer_size > {}MB", range(10, 100)),
    ],
    ids=["looked up", "run"],
)
def test_a_changed_rule_does_not_have_the_others_compiled_again(condition: str, at_first: range) -> None:
    before, after = rules(condition), rules(condition, "gpu_memory + gpu_utilization > 50")
    _code.cache_clear()
    engine = Engine(before, clock=lambda: 0.0)
    assert _code.cache_info().misses in at_first
    known = _code.cache_info().misses
    engine.replace(after)
    assert _code.cache_info().misses == known + 1
    engine.observe(one_gpu(memory=90, utilization=90))
    assert len(engine.decide(model(size=5000 * 1024**2)).rules) == RULES
