from gpurules.engine.state.episodes import MAX_EPISODES, Episodes
from gpurules.rules import loads
from gpurules.rules.rule import Rule

TEXT = """
version: 1
name: t
rules:
  - {name: a, condition: gpu_memory > 80, action: log}
  - {name: b, condition: gpu_memory > 80, action: log, cooldown: 60s}
"""
RULES: dict[str, Rule] = {rule.name: rule for rule in loads(TEXT).rules}


def matching(*names: str):
    return {name: lambda: (0,) for name in names}


def words(edges):
    return [(edge.rule.name, edge.is_start, edge.suppressed) for edge in edges]


def test_an_episode_lasts_from_its_start_to_its_end():
    episodes = Episodes()
    assert words(episodes.step(10, None, matching("a"), RULES)) == [("a", True, False)]
    assert episodes.step(15, None, matching("a"), RULES) == []
    (edge,) = episodes.step(22, None, {}, RULES)
    assert (edge.is_start, edge.lasted, edge.devices) == (False, 12, (0,))
    assert episodes.running == {}


def test_transfers_have_episodes_of_their_own():
    episodes = Episodes()
    episodes.step(0, "t", matching("a"), RULES)
    assert words(episodes.step(0, "u", matching("a"), RULES)) == [("a", True, False)]
    episodes.keep({"u": None})
    assert list(episodes.running) == ["u"]


def test_a_cooldown_counts_from_the_last_start_that_was_told():
    episodes = Episodes()
    found = []
    for now in (0, 30, 59, 60):
        found += words(episodes.step(now, None, matching("b"), RULES))
        found += words(episodes.step(now, None, {}, RULES))
    assert [suppressed for _, _, suppressed in found] == [False, False, True, True, True, True, False, False]


def test_muted_episodes_are_suppressed_and_leave_the_cooldown_alone():
    episodes = Episodes()
    episodes.is_muted = True
    assert words(episodes.step(0, None, matching("b"), RULES)) == [("b", True, True)]
    episodes.is_muted = False
    assert words(episodes.step(1, None, {}, RULES)) == [("b", False, True)]
    assert words(episodes.step(2, None, matching("b"), RULES)) == [("b", True, False)]


def test_a_clock_that_goes_back_gives_no_negative_length():
    episodes = Episodes()
    episodes.step(10, None, matching("a"), RULES)
    assert episodes.step(5, None, {}, RULES)[0].lasted == 0


def test_their_number_is_bounded(monkeypatch):
    monkeypatch.setattr("gpurules.engine.state.episodes.MAX_EPISODES", 3)
    episodes = Episodes()
    for n in range(10):
        episodes.step(0, str(n), matching("a"), RULES)
    assert episodes.count == 3
    assert MAX_EPISODES >= 10_000


def test_cooldowns_of_rules_that_are_gone_are_forgotten():
    episodes = Episodes()
    episodes.step(0, None, matching("a", "b"), RULES)
    episodes.adopt({"b": RULES["b"]})
    assert list(episodes.last_start) == ["b"]
