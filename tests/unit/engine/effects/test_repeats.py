import pytest

from gpurules.engine.effects.repeats import due_repeats, repeated_rules
from gpurules.engine.state.episodes import Episodes
from gpurules.rules import loads

RULESET = loads("""
version: 1
name: t
rules:
  - {name: a, condition: gpu_memory > 80, actions: [
      {action: log, parameters: {repeat_every: 60s}}, {action: log, parameters: {repeat_every: 90s}}, {action: log}]}
  - {name: b, condition: gpu_memory > 80, action: log}
""")
RULES = {rule.name: rule for rule in RULESET.rules}


def running(rules=RULES, muted=False):
    episodes = Episodes()
    episodes.is_muted = muted
    episodes.step(100.0, None, {name: lambda: (0, 2) for name in rules}, rules)
    return episodes


def due(episodes, last, now):
    found = due_repeats(episodes, repeated_rules(RULESET), last, now)
    return [(d.notice.kind, d.notice.started, d.notice.devices, d.ordered.parameters["repeat_every"]) for d in found]


def test_only_rules_with_a_repeated_effect_are_looked_at():
    assert repeated_rules(RULESET) == {"a"}


@pytest.mark.parametrize(
    ("last", "now", "intervals"),
    [
        (100.0, 159.9, []),
        (155.0, 160.0, [60]),
        (160.0, 189.0, []),
        (185.0, 195.0, [90]),
        (250.0, 285.0, [60, 90]),
        (155.0, 900.0, [60, 90]),
        (None, 900.0, []),
    ],
)
def test_an_effect_is_due_once_for_the_multiples_of_its_interval_since_the_last_poll(last, now, intervals):
    assert due(running(), last, now) == [("repeat", 100.0, (0, 2), every) for every in intervals]


def test_a_suppressed_episode_is_not_repeated():
    assert due(running(muted=True), 155.0, 160.0) == []


def test_a_clock_that_goes_back_repeats_nothing():
    assert due(running(), 160.0, 50.0) == []
