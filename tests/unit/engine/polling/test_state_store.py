import json

import pytest

from gpurules.engine.polling import state_store
from gpurules.engine.state.episodes import Episodes
from gpurules.engine.state.signals import HysteresisState, Signals
from gpurules.rules import loads

TEXT = """
version: 1
name: t
signals: {pressure: {condition: gpu_memory > 80, for: 10s}, busy: {condition: pending_transfers > 5}}
rules: [{name: a, condition: pressure, action: log}]
"""


def parts(text=TEXT):
    ruleset = loads(text)
    return Signals(ruleset.signals), Episodes(), {rule.name: rule for rule in ruleset.rules}


def test_what_is_written_is_read_back(tmp_path):
    signals, episodes, rules = parts()
    signals.states["pressure"]["GPU-0"] = HysteresisState(True, 5.0, 8.0, 1.0, None)
    signals.states["busy"][""] = HysteresisState(False, 2.0, 3.0, 2.5, 4.0)
    episodes.step(5.0, None, {"a": lambda: (0, "1:0")}, rules)
    state_store.save(tmp_path / "s", state_store.dump(signals, episodes, 100.0))
    data = state_store.read(tmp_path / "s", 150.0, 60.0)
    again, their_episodes, _ = parts()
    assert state_store.restore(data, again, their_episodes, rules) == 2
    assert again.states == signals.states
    assert their_episodes.running == episodes.running
    assert their_episodes.last_start == {"a": 5.0}


def test_what_is_too_old_or_of_the_future_is_not_read(tmp_path):
    path = tmp_path / "s"
    state_store.save(path, state_store.dump(*parts()[:2], 100.0))
    assert state_store.read(path, 160.0, 60.0) is not None
    with pytest.raises(state_store.StateRefused):
        state_store.read(path, 161.0, 60.0)
    with pytest.raises(state_store.StateRefused):
        state_store.read(path, 99.0, 60.0)


def test_a_changed_definition_starts_again():
    signals, episodes, rules = parts()
    signals.states["pressure"]["GPU-0"] = HysteresisState(True, 5.0, 8.0, 1.0, None)
    episodes.step(5.0, None, {"a": lambda: (0,)}, rules)
    data = json.loads(json.dumps(state_store.dump(signals, episodes, 100.0)))
    changed, their_episodes, their_rules = parts(
        TEXT.replace("> 80", "> 70").replace("action: log", "action: pause_transfer")
    )
    state_store.restore(data, changed, their_episodes, their_rules)
    assert changed.states["pressure"] == {}
    assert their_episodes.running == {}


def test_layout_of_a_condition_is_no_change_of_a_rule():
    _, _, rules = parts()
    _, _, spaced = parts(TEXT.replace("condition: pressure,", "condition: '  pressure ',"))
    assert state_store.rule_fingerprint(rules["a"]) == state_store.rule_fingerprint(spaced["a"])


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(state_store, "MAX_BYTES", 10)
    state_store.save(tmp_path / "s", state_store.dump(*parts()[:2], 100.0))
    with pytest.raises(state_store.StateRefused, match="larger than"):
        state_store.read(tmp_path / "s", 100.0, 60.0)
