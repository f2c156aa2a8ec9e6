import logging

import pytest

from gpurules.actions import ACTIONS, Event

ACTION = ACTIONS["log"]


def test_it_writes_the_filled_message_at_its_level(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="gpurules.actions.effects.log")
    parameters = {"level": "warning", "message": "{rule}: GPU {devices} at {gpu_temperature}"}
    ACTION.start(Event("start", "hot", 1000.0, parameters, devices=(0, 2), values={"gpu_temperature": 91}))
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("WARNING", "hot: GPU 0, 2 at 91")]


def test_without_a_message_it_names_the_rule_and_the_edge(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="gpurules.actions.effects.log")
    ACTION.stop(Event("stop", "hot", 1000.0, {}))
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("INFO", "rule hot: stop")]
