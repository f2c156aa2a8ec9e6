import json
from dataclasses import replace

import pytest

from gpurules.actions import Event
from gpurules.actions.effects.notification.delivery import (
    Delivery,
    DeliveryState,
    episode_id,
    event_id,
    receiver_of,
)
from gpurules.actions.effects.transport.posting import retry_after
from gpurules.actions.registration import FunctionEffect
from gpurules.model import Transfer

NOTIFY = FunctionEffect("notify", "", {}, print)
EVENT = Event("start", "hot", 5.0, {}, (0,), None, {"host": "n1"}, started=5.0)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"url": "https://user:secret@hooks.example:8443/T0/B0?key=x"}, "notify hooks.example:8443"),
        ({"url": "https://hooks.example/T0"}, "notify hooks.example"),
        ({"server": "mail.example:587"}, "notify mail.example:587"),
        ({"url": "http://[broken"}, "notify"),
        ({"url": "http://a:99999999"}, "notify"),
        ({"url": 5}, "notify"),
        ({}, "notify"),
    ],
)
def test_a_receiver_is_named_without_what_may_be_secret(parameters: dict[str, object], name: str):
    assert receiver_of(NOTIFY, Event("start", "r", 1.0, parameters)) == name


@pytest.mark.parametrize(
    "other",
    [
        replace(EVENT, edge="stop"),
        replace(EVENT, timestamp=6.0),
        replace(EVENT, rule="cold"),
        replace(EVENT, device=0),
        replace(EVENT, transfer=Transfer(id="t")),
        replace(EVENT, values={"host": "n2"}),
    ],
)
def test_another_event_has_another_key(other: Event):
    assert event_id(other) != event_id(EVENT) == event_id(replace(EVENT, started=1.0))


def test_all_events_of_an_episode_share_a_key_that_is_apart_for_each_gpu_rule_host_and_transfer():
    for same in (replace(EVENT, edge="change", timestamp=9.0, devices=(0, 1)), replace(EVENT, edge="stop")):
        assert episode_id(same) == episode_id(EVENT)
    others = [
        replace(EVENT, device=0),
        replace(EVENT, rule="cold"),
        replace(EVENT, values={"host": "n2"}),
        replace(EVENT, transfer=Transfer(id="t")),
    ]
    assert len({episode_id(EVENT), *map(episode_id, others)}) == 5


def test_a_delivery_is_json():
    made = Delivery("1", "notify", "notify", "hot", "start", 5.0, "1:0", None, DeliveryState.PENDING, 2, "down")
    assert json.loads(json.dumps(made.to_dict()))["state"] == "pending"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("1e9", None),
        ("9" * 30, None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:30 GMT", 0.0),
        ("Wed, 99 Oct 2026 07:28:30 GMT", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_time_by_the_clock_of_the_receiver(value: str, seconds: float):
    assert retry_after(value, "Wed, 21 Oct 2026 07:28:00 GMT") == seconds


def test_without_its_own_clock_a_time_says_nothing():
    assert retry_after("Wed, 21 Oct 2026 07:28:30 GMT", None) is None
