from math import inf

from gpurules.engine import Engine
from gpurules.governor.requirements import NO_REQUIREMENTS, requirements_of
from tests.factories import NEW_YEAR, dataset, one_gpu, ruleset

RULES = ruleset(
    """
  - name: hot
    condition: gpu_temperature > 85
    action: delay_transfer
    parameters: {delay: 30s, running: pause, early_release: false}
  - {name: stop, condition: gpu_temperature > 95, action: pause_transfer}
  - {name: slow, condition: gpu_temperature > 85, action: limit_bandwidth, parameters: {max_bandwidth: 10MB/s}}
  - {name: few, condition: gpu_temperature > 85, action: limit_concurrency, parameters: {max_concurrency: 2}}
  - {name: first, condition: "true", action: increase_priority, parameters: {priority_boost: 50}}
"""
)


def asked(temperature, transfer, later=0.0):
    engine = Engine(RULES, clock=lambda: NEW_YEAR + later)
    engine.observe(one_gpu(temperature=temperature))
    return requirements_of(engine.decide(transfer), transfer)


def test_each_rule_claims_for_itself():
    found = asked(90, dataset())
    (hold,) = found.holds
    assert (hold.rule, hold.seconds, hold.early_release, hold.pauses_running) == ("hot", 30, False, True)
    assert (found.bandwidth, found.concurrency, found.boost) == ((("slow", 10 * 1024**2),), (("few", 2),), 50)


def test_a_pause_claims_as_long_as_its_rule_matches():
    assert [(c.rule, c.seconds, c.pauses_running) for c in asked(99, dataset()).holds][1:] == [("stop", inf, True)]


def test_an_old_transfer_is_held_like_a_young_one_for_the_governor_bounds_it_itself():
    assert asked(90, dataset(created=NEW_YEAR - 1e6)).holds[0].seconds == 30


def test_old_telemetry_changes_the_order_and_stops_nothing():
    found = asked(99, dataset(), later=3600)
    assert (found.holds, found.bandwidth, found.concurrency, found.boost) == ((), (), (), 50)


def test_without_rules_nothing_is_asked():
    engine = Engine(ruleset("  - {name: x, condition: gpu_temperature > 99, action: log}"))
    assert requirements_of(engine.decide(dataset()), dataset()) is NO_REQUIREMENTS
