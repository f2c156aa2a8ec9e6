"""What signals would become with other facts, and the nearest change of facts behind them."""

from gpurules.rules import RuleExplanation
from tests.factories import engine, gpu, one_gpu, ruleset, snapshot

HEAD = """
signals:
  hot: {condition: gpu_temperature > 85, until: gpu_temperature < 75, for: 30s, keep_for: 1m}
  full: {condition: gpu_memory > 90, until: gpu_memory < 80}
  busy: {condition: hot AND full}
"""
RULES = ruleset(
    """\
  - {name: hot, condition: hot, action: pause_transfer}
  - {name: full, condition: full, action: pause_transfer}
  - {name: busy, condition: busy, action: pause_transfer}
  - {name: cool, condition: NOT full, action: pause_transfer}
""",
    HEAD,
)


def nearest_change(name: str, *snapshots: dict[str, float]) -> str:
    """Return the nearest change of a rule after one GPU has been seen with these values, 5 s apart."""
    running = engine(RULES)
    for n, values in enumerate(snapshots):
        running.observe(one_gpu(at=5.0 * n, **values))
    explained = running.decide().explain().rule(name)
    assert isinstance(explained, RuleExplanation)
    return str(explained.nearest)


def test_a_signal_that_is_off_takes_its_start_and_the_time_it_must_hold() -> None:
    assert (
        nearest_change("hot", {"temperature": 80})
        == "gpu_temperature 86 C instead of 80 C, held for 30 s, would match on GPU 0"
    )
    assert nearest_change("full", {"memory": 85}) == "gpu_memory 91 % instead of 85 % would match on GPU 0"


def test_a_signal_that_is_on_takes_its_end() -> None:
    assert (
        nearest_change("full", {"memory": 95}, {"memory": 85})
        == "gpu_memory 79 % instead of 85 % on GPU 0 would not match"
    )
    held = nearest_change("hot", *[{"temperature": 90}] * 8)
    assert held == "gpu_temperature 74 C instead of 90 C on GPU 0, held for 1 m, would not match"


def test_a_signal_that_is_on_stays_on_where_its_end_is_unknown() -> None:
    assert nearest_change("full", {"memory": 95}, {}) == "gpu_memory 79 % instead of missing on GPU 0 would not match"


def test_signals_of_signals_are_followed() -> None:
    assert nearest_change("busy", {"memory": 95, "temperature": 80}) == (
        "gpu_temperature 86 C instead of 80 C, held for 30 s, would match on GPU 0"
    )


def test_each_gpu_is_taken_in_its_own_state() -> None:
    running = engine(RULES)
    running.observe(snapshot(gpu(0, memory=95), gpu(1, memory=85)))
    running.observe(snapshot(gpu(0, memory=85), gpu(1, memory=85), at=5))
    explained = running.decide().explain().rule("cool")
    assert (explained.devices, str(explained.nearest)) == (
        (1,),
        "gpu_memory 91 % instead of 85 % on GPU 1 would not match",
    )
