import itertools

import pytest

from gpurules.cli.watch.keys import key_name
from gpurules.cli.watch.remote import _logged
from gpurules.cli.watch.session import WatchSession
from gpurules.cli.watch.view import Watcher
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

TEXT = """
version: 1
name: tested
signals: {pressure: {condition: gpu_memory > 85}}
rules:
  - {name: hold_memory, condition: pressure, action: pause_transfer}
  - {name: cool_down, condition: gpu_temperature > 80, action: pause_transfer}
  - {name: hold_heat, condition: gpu_temperature > 90, action: pause_transfer}
"""


class Source:
    name = "script"

    def __init__(self):
        self.times = itertools.count(1000.0, 5.0)
        self.memory = 50
        self.now = 1000.0

    def read(self):
        self.now = next(self.times)
        return Snapshot(timestamp=self.now, gpus=(GPU(index=0, uuid="g", memory=self.memory, temperature=85),))

    def close(self):
        pass


@pytest.fixture
def node():
    source = Source()
    coordinator = Coordinator(loads(TEXT), source, clock=lambda: source.now, options=CoordinatorOptions(read_timeout=5))
    yield source, coordinator, Watcher(coordinator, lambda: source.now)
    coordinator.stop()


def screen(session, width=80, height=24):
    return "\n".join(line.plain.rstrip() for line in session.lines(width, height))


def press(session, *keys):
    for key in keys:
        session.press(key)


def test_the_screen_is_filled_exactly(node):
    _, coordinator, watcher = node
    coordinator.poll()
    for width, height in ((60, 12), (80, 24), (140, 40)):
        lines = WatchSession(watcher).lines(width, height)
        assert len(lines) == height
        assert max(line.cell_len for line in lines) <= width


def test_the_filter_leaves_what_has_it_in_its_name(node):
    _, coordinator, watcher = node
    coordinator.poll()
    session = WatchSession(watcher)
    press(session, "f", "h", "O", "l", "x", "backspace")
    assert "filter: hOl█" in screen(session)
    press(session, "enter")
    assert "hold_memory" in screen(session) and "cool_down" not in screen(session)
    press(session, "escape")
    assert "cool_down" in screen(session)


def test_escape_drops_what_is_typed(node):
    session = WatchSession(node[2])
    press(session, "/", "z", "escape")
    assert "filter:" not in screen(session)


def test_keys_that_are_typed_are_no_orders(node):
    session = WatchSession(node[2])
    press(session, "f", "q")
    assert not session.is_over
    press(session, "enter", "q")
    assert session.is_over


def test_a_rule_is_chosen_and_explained(node):
    _, coordinator, watcher = node
    coordinator.poll()
    session = WatchSession(watcher)
    press(session, "down", "e")
    shown = screen(session)
    assert "cool_down matched on GPU 0" in shown and "gpu_temperature > 80" in shown
    press(session, "escape", "down", "down", "down", "enter")
    assert "hold_heat did not match" in screen(session)
    press(session, "e", "up", "up", "up", "e")
    assert "hold_memory did not match" in screen(session)


def test_a_long_explanation_can_be_scrolled_to_its_end(node):
    _, coordinator, watcher = node
    coordinator.poll()
    session = WatchSession(watcher)
    press(session, "down", "e", *["down"] * 50)
    assert "gpu_temperature" in screen(session, 60, 10)


def test_space_freezes_what_is_seen(node):
    source, coordinator, watcher = node
    coordinator.poll()
    session = WatchSession(watcher)
    press(session, " ")
    before = screen(session)
    source.memory = 95
    coordinator.poll()
    assert screen(session) == before and "FROZEN" in before
    press(session, " ")
    assert "▲ pressure" in screen(session)


def test_what_changes_is_logged_the_latest_first(node):
    source, coordinator, watcher = node
    for memory in (50, 95, 50):
        source.memory = memory
        coordinator.poll()
    coordinator.reload(loads(TEXT.replace("> 85", "> 86")))
    coordinator.poll()
    texts = [line.text.split(" ")[0] for line in watcher.view().log]
    assert texts == ["ruleset", "pressure", "pressure"]


def test_keys_are_distinguished():
    assert key_name("q\x1b[A\x1bOB\r\x7fé\x1b[3~\x1b[1;5C\x01") == ["q", "up", "down", "enter", "backspace", "é"]


def test_a_gpu_that_joins_a_matching_rule_is_in_the_log_and_the_rule_matches_since_its_start(node, monkeypatch):
    source, coordinator, watcher = node
    hot, cool = (GPU(index=1, uuid="h", temperature=t) for t in (95, 50))
    first = GPU(index=0, uuid="g", temperature=95)
    for gpus in ((first, cool), (first, hot), (hot,)):
        snapshot = Snapshot(timestamp=next(source.times), gpus=gpus)
        monkeypatch.setattr(source, "read", lambda snapshot=snapshot: snapshot)
        coordinator.poll()
    view = watcher.view()
    of_rule = [line.text for line in view.log if line.text.startswith("hold_heat")]
    assert of_rule == ["hold_heat no longer on GPU 0", "hold_heat also on GPU 1"]
    assert {rule.since for rule in view.rules if rule.name == "hold_heat"} == {1000.0}


@pytest.mark.parametrize(
    ("edge", "transfer", "text"), [("change", None, "hot also on GPU 1"), ("change", "t", None), ("start", None, None)]
)
def test_the_log_of_a_remote_agent_has_its_changes(edge, transfer, text):
    event = {"kind": "rule", "timestamp": 5.0, "rule": "hot", "edge": edge, "transfer": transfer}
    line = _logged({**event, "joined": [1], "left": [], "devices": [0, 1]})
    assert (line and line.text) == text
