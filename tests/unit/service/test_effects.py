"""Events about effects, from a coordinator whose deliveries are set by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from gpurules.actions.effects.notification.delivery import Delivery, DeliveryState
from gpurules.rules import loads
from gpurules.service.state.effects import EffectEvents
from gpurules.service.state.events import EventLog

RULESET = loads(
    "version: 1\nname: n\nrules: [{name: r, condition: 'true', "
    "action: webhook, parameters: {url: 'https://example.org/hooks/T0P'}}]"
)


def delivery(name: str, state: DeliveryState, reason: str | None = None) -> Delivery:
    return Delivery(name, "webhook", "webhook example.org", "r", "start", 1.0, None, None, state, 1, reason)


class Deliveries:
    """A dispatcher that shows what it is given."""

    def __init__(self) -> None:
        self.now: tuple[Delivery, ...] = ()
        self.queued: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def deliveries(self) -> tuple[Delivery, ...]:
        return self.now

    def shows(self, *now: Delivery) -> None:
        self.now, self.counts = now, {"looks": self.counts.get("looks", 0) + 1}


@pytest.fixture
def shown() -> tuple[Deliveries, EffectEvents, EventLog]:
    effects, log = Deliveries(), EventLog(1)
    coordinator: Any = SimpleNamespace(
        _poller=SimpleNamespace(effects=effects), engine=SimpleNamespace(ruleset=RULESET)
    )
    return effects, EffectEvents(coordinator, log, lambda: 5.0), log


def states(log: EventLog) -> list[tuple[object, object]]:
    return [(event["delivery"], event["state"]) for event in log.after(0, 100)]


def test_each_state_is_written_down_once(shown: tuple[Deliveries, EffectEvents, EventLog]) -> None:
    effects, events, log = shown
    for _ in range(3):
        effects.shows(delivery("a", DeliveryState.PENDING))
        events.note()
    effects.shows(delivery("a", DeliveryState.PENDING, "HTTP 503"))
    events.note()
    effects.shows(delivery("a", DeliveryState.DELIVERED), delivery("b", DeliveryState.DROPPED, "full"))
    events.note()
    events.note()
    assert states(log) == [("a", "pending"), ("a", "pending"), ("a", "delivered"), ("b", "dropped")]


def test_two_deliveries_of_one_event_to_one_receiver_are_two(
    shown: tuple[Deliveries, EffectEvents, EventLog],
) -> None:
    effects, events, log = shown
    effects.shows(delivery("a", DeliveryState.PENDING), delivery("a", DeliveryState.PENDING))
    events.note()
    effects.shows(delivery("a", DeliveryState.DELIVERED), delivery("a", DeliveryState.PENDING))
    events.note()
    effects.shows(delivery("a", DeliveryState.DELIVERED), delivery("a", DeliveryState.FAILED))
    events.note()
    assert [state for _, state in states(log)] == ["pending", "pending", "delivered", "failed"]


def test_a_delivery_whose_end_is_not_remembered_is_not_pending_for_ever(
    shown: tuple[Deliveries, EffectEvents, EventLog],
) -> None:
    effects, events, log = shown
    effects.shows(delivery("a", DeliveryState.PENDING))
    events.note()
    effects.shows()
    events.note()
    assert states(log) == [("a", "pending"), ("a", "unknown")]


def test_a_reason_that_repeats_a_secret_is_shown_without_it(shown: tuple[Deliveries, EffectEvents, EventLog]) -> None:
    effects, events, log = shown
    effects.shows(delivery("a", DeliveryState.FAILED, "no such hook: hooks/T0P"))
    events.note()
    assert log.after(0, 1)[0]["error"] == "no such hook: ***"
