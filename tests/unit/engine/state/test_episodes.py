from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.engine.effects.events import Notice
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
    return [(edge.rule.name, edge.kind, edge.suppressed) for edge in edges]


def test_an_episode_lasts_from_its_start_to_its_end():
    episodes = Episodes()
    assert words(episodes.step(10, None, matching("a"), RULES)) == [("a", "start", False)]
    assert episodes.step(15, None, matching("a"), RULES) == []
    (edge,) = episodes.step(22, None, {}, RULES)
    assert (edge.kind, edge.lasted, edge.devices) == ("stop", 12, (0,))
    assert episodes.running == {}


def test_transfers_have_episodes_of_their_own():
    episodes = Episodes()
    episodes.step(0, "t", matching("a"), RULES)
    assert words(episodes.step(0, "u", matching("a"), RULES)) == [("a", "start", False)]
    episodes.keep({"u": None})
    assert list(episodes.running) == ["u"]


def test_a_cooldown_counts_from_the_last_start_that_was_reported():
    episodes = Episodes()
    found = []
    for now in (0, 30, 59, 60):
        found += words(episodes.step(now, None, matching("b"), RULES))
        found += words(episodes.step(now, None, {}, RULES))
    assert [suppressed for _, _, suppressed in found] == [False, False, True, True, True, True, False, False]


def test_muted_episodes_are_suppressed_and_leave_the_cooldown_alone():
    episodes = Episodes()
    episodes.is_muted = True
    assert words(episodes.step(0, None, matching("b"), RULES)) == [("b", "start", True)]
    episodes.is_muted = False
    assert words(episodes.step(1, None, {}, RULES)) == [("b", "stop", True)]
    assert words(episodes.step(2, None, matching("b"), RULES)) == [("b", "start", False)]


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


def on(*devices):
    return {"a": lambda: devices}


def test_a_gpu_that_joins_or_leaves_changes_the_episode():
    episodes = Episodes()
    episodes.step(10, None, on(0), RULES)
    (joined,) = episodes.step(15, None, on(0, 1), RULES)
    assert (joined.kind, joined.devices, joined.joined, joined.left, joined.lasted) == ("change", (0, 1), (1,), (), 5)
    (both,) = episodes.step(20, None, on(1, "2:0"), RULES)
    assert (both.devices, both.joined, both.left) == ((1, "2:0"), ("2:0",), (0,))
    assert episodes.step(25, None, on("2:0", 1), RULES) == [], "another order is not a change"
    assert episodes.running[None]["a"].started == 10


@pytest.mark.parametrize("mode", ["shadow", "cooldown", "disabled"])
def test_a_change_of_a_suppressed_episode_is_suppressed(mode):
    episodes, rules = Episodes(), RULES
    if mode == "shadow":
        rules = {rule.name: rule for rule in loads(TEXT.replace("action: log}", "action: log, mode: shadow}")).rules}
    elif mode == "cooldown":
        rules = {"a": replace(RULES["b"], name="a")}
        episodes.step(0, None, on(0), rules)
        episodes.step(1, None, {}, rules)
    else:
        episodes.is_muted = True
    episodes.step(5, None, on(0), rules)
    assert words(episodes.step(6, None, on(0, 1), rules)) == [("a", "change", True)]


def replayed(edges, matching):
    """Apply *edges* to the GPUs that match by rule and transfer, checking that each fits what was before."""
    for edge in edges:
        key = (edge.rule.name, edge.transfer_id)
        match edge.kind:
            case "start":
                assert key not in matching
                matching[key] = set(edge.devices)
            case "change":
                assert not set(edge.joined) & matching[key] and set(edge.left) <= matching[key]
                matching[key] = (matching[key] | set(edge.joined)) - set(edge.left)
                assert matching[key] == set(edge.devices)
            case "stop":
                assert matching.pop(key) == set(edge.devices)
    return matching


SNAPSHOTS = st.lists(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "t"])), st.sets(st.integers(0, 3))),
    max_size=12,
)


@pytest.mark.slow
@given(SNAPSHOTS)
def test_replaying_the_edges_gives_the_gpus_that_match_at_each_snapshot(snapshots):
    episodes, seen = Episodes(), {}
    for now, wanted in enumerate(snapshots):
        for transfer in (None, "t"):
            matching = {r: partial(tuple, sorted(gpus)) for (r, t), gpus in wanted.items() if t == transfer}
            seen = replayed(episodes.step(now, transfer, matching, RULES), seen)
        assert seen == wanted


@pytest.mark.slow
@given(SNAPSHOTS)
def test_of_gpus_apart_each_start_has_one_stop(snapshots):
    """With ``grouping: gpu`` replaying starts and stops gives the same GPUs; a rule without any is an owner itself."""
    episodes, seen = Episodes(), set()
    for now, wanted in enumerate(snapshots):
        for transfer in (None, "t"):
            matching = {r: partial(tuple, sorted(gpus)) for (r, t), gpus in wanted.items() if t == transfer}
            for edge in episodes.step(now, transfer, matching, RULES):
                for notice in Notice.of(edge).for_each_gpu():
                    key = (edge.rule.name, transfer, notice.device)
                    assert notice.devices == (() if notice.device is None else (notice.device,))
                    assert (key in seen) == (notice.kind == "stop"), "a second start, or a stop without one"
                    assert notice.kind in ("start", "stop")
                    seen = seen ^ {key}
        assert seen == {(r, t, gpu) for (r, t), gpus in wanted.items() for gpu in (gpus or {None})}
