"""When effects are called: at the edges of episodes, for the node and for each transfer."""

from pathlib import Path
from typing import Any

from gpurules.actions import Event
from gpurules.actions.registration import FunctionEffect
from gpurules.engine.effects.dispatcher import handler_of
from gpurules.model import Transfer, Workload
from tests.integration.coordinator.stand import Endpoint, gpu, node, ruleset
from tests.waiting import wait_until

FULL = "{name: full, condition: gpu_memory > 80, action: notify}"


def words(report: Any) -> list[tuple[str, str, bool]]:
    return [(edge.rule.name, edge.kind, edge.suppressed) for edge in report.edges]


def test_an_effect_is_called_when_its_rule_starts_not_while_it_matches(effect: Any) -> None:
    events_received = effect("notify")
    with node(ruleset(FULL)) as it:
        assert [words(it.poll(percent)) for percent in (50, 90, 95, 50, 90)] == [
            [],
            [("full", "start", False)],
            [],
            [("full", "stop", False)],
            [("full", "start", False)],
        ]
        wait_until(lambda: len(events_received) == 2)
    assert [(event.edge, event.devices, event.values["gpu_memory"]) for event in events_received] == [
        ("start", (0,), 90.0),
        ("start", (0,), 90.0),
    ]


def test_an_effect_that_asks_for_it_is_notified_of_the_end(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset(FULL)) as it:
        it.poll(90)
        it.poll(50)
        wait_until(lambda: len(events_received) == 2)
    assert [event.edge for event in events_received] == ["start", "stop"]


def test_a_webhook_is_called_at_both_edges(endpoint: Endpoint) -> None:
    parameters = f"{{url: '{endpoint.url}', on: [start, stop]}}"
    rule = f"{{name: full, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}"
    with node(ruleset(rule)) as it:
        it.poll(90)
        it.poll(50)
        wait_until(lambda: len(endpoint.received) == 2)
        wait_until(lambda: it.coordinator.collect().effects["webhook"].sent == 2)
    assert [got.data["edge"] for got in endpoint.received] == ["start", "stop"]
    assert endpoint.received[0].data["values"] == {"gpu_memory": 90.0, "host": "node-1"}


def test_a_cooldown_keeps_starts_quiet_and_their_ends_too(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset("{name: full, condition: gpu_memory > 80, action: notify, cooldown: 60s}")) as it:
        for percent in (90, 50, 90, 50):
            it.poll(percent)
        assert words(it.poll(90, after=45)) == [("full", "start", False)]
        wait_until(lambda: len(events_received) == 3)
    assert [event.edge for event in events_received] == ["start", "stop", "start"]


def test_a_shadow_rule_is_recorded_and_does_nothing(effect: Any) -> None:
    events_received = effect("notify")
    shadow = (
        "{name: full, condition: gpu_memory > 80, mode: shadow, actions: [{action: notify}, {action: pause_transfer}]}"
    )
    with node(ruleset(shadow)) as it:
        assert words(it.poll(90)) == [("full", "start", True)]
        assert not it.coordinator.decide(Transfer(id="t")).paused
        counts = it.coordinator.collect()
        assert (counts.rules["full"].suppressed, counts.rules["full"].starts) == (1, 1)
        assert counts.coordination_events == 0
    assert events_received == []


def test_a_rule_that_leaves_shadow_mode_starts(effect: Any) -> None:
    events_received = effect("notify")
    shadow = "{name: full, condition: gpu_memory > 80, action: notify, mode: shadow}"
    from gpurules.rules import loads

    with node(ruleset(shadow)) as it:
        it.poll(90)
        it.coordinator.reload(loads(ruleset(FULL)))
        assert words(it.poll(90)) == [("full", "stop", True), ("full", "start", False)]
        wait_until(lambda: len(events_received) == 1)


def test_a_rule_that_is_removed_is_notified_of_its_end(effect: Any) -> None:
    from gpurules.rules import loads

    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset(FULL)) as it:
        it.poll(90)
        it.coordinator.reload(loads(ruleset("{name: other, condition: gpu_memory > 99, action: notify}")))
        assert words(it.poll(90)) == [("full", "stop", False)]
        wait_until(lambda: len(events_received) == 2)
    assert events_received[1].edge == "stop"


def test_rules_over_transfers_start_for_each_apart(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset("{name: models, condition: gpu_memory > 80 AND file_type == 'model', action: notify}")) as it:
        it.coordinator.schedule_transfer(Transfer(id="a", path="/m/a.pt"))
        it.coordinator.schedule_transfer(Transfer(id="b", path="/m/b.pt"))
        it.coordinator.schedule_transfer(Transfer(id="c", path="/d/c.tar"))
        report = it.poll(90)
        assert sorted(edge.transfer_id for edge in report.edges) == ["a", "b"]
        it.coordinator.complete_transfer("a")
        assert words(it.poll(90)) == []
        assert [edge.transfer_id for edge in it.poll(50).edges] == ["b"]
        wait_until(lambda: len(events_received) == 3)
    assert sorted((event.edge, event.transfer.id) for event in events_received) == [
        ("start", "a"),
        ("start", "b"),
        ("stop", "b"),
    ]


def test_a_rule_over_the_gpus_of_a_workload_sees_only_those(effect: Any) -> None:
    events_received = effect("notify")
    with node(ruleset("{name: full, condition: gpu_memory > 80, gpus: workload, action: notify}")) as it:
        it.coordinator.register_workload(Workload(id="w", type="training", gpu_devices=(1,)))
        it.coordinator.schedule_transfer(Transfer(id="t", workload_id="w"))
        assert words(it.poll(90, 50)) == []
        (edge,) = it.poll(50, 90).edges
        assert (edge.transfer_id, edge.devices) == ("t", (1,))
        assert it.coordinator.decide(Transfer(id="t", workload_id="w")).rules == ("full",)
        assert it.coordinator.decide(Transfer(id="u")).rules == ()
        wait_until(lambda: len(events_received) == 1)


def test_while_disabled_nothing_starts_and_what_started_is_notified_of_its_end(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    both = ruleset(
        FULL, "{name: hot, condition: gpu_temperature > 85, actions: [{action: notify}, {action: pause_transfer}]}"
    )
    with node(both) as it:
        it.poll(90)
        it.coordinator.disable()
        it.source.gpus = (gpu(50, temperature=90),)
        report = it.poll()
        assert sorted(words(report)) == [("full", "stop", False), ("hot", "start", True)]
        decision = it.coordinator.decide(Transfer(id="t"))
        assert (decision.rules, decision.paused, decision.stale) == ((), False, False)
        assert not it.coordinator.status().enabled
        it.coordinator.enable()
        assert it.coordinator.decide(Transfer(id="t")).paused
        wait_until(lambda: len(events_received) == 2)
    assert [(event.rule, event.edge) for event in events_received] == [("full", "start"), ("full", "stop")]


def summaries(events_received: list[Any]) -> list[tuple[Any, ...]]:
    return [(event.edge, event.devices, event.joined, event.left, event.device) for event in events_received]


def test_an_effect_that_asks_for_it_hears_which_gpus_join_and_leave(effect: Any) -> None:
    events_received = effect("notify", on=("start", "change", "stop"))
    with node(ruleset(FULL)) as it:
        for percents in ((90, 50), (90, 95), (91, 96), (50, 95), (50, 50)):
            it.poll_and_deliver(*percents)
    assert summaries(events_received) == [
        ("start", (0,), (), (), None),
        ("change", (0, 1), (1,), (), None),
        ("change", (1,), (), (0,), None),
        ("stop", (1,), (), (), None),
    ]
    assert {event.started for event in events_received} == {events_received[0].timestamp}


def test_an_effect_for_each_gpu_hears_starts_and_stops_of_each(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset(FULL.replace("action: notify", "action: notify, parameters: {grouping: gpu}"))) as it:
        for percents in ((90, 50), (90, 95), (50, 95), (50, 50)):
            it.poll(*percents)
        wait_until(lambda: len(events_received) == 4)
    assert [(event.edge, event.device, event.values["gpu_memory"]) for event in events_received] == [
        ("start", 0, 90.0),
        ("start", 1, 95.0),
        ("stop", 0, 50.0),
        ("stop", 1, 50.0),
    ]


def test_an_effect_is_repeated_while_its_rule_matches_and_not_after(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    with node(ruleset(FULL.replace("action: notify", "action: notify, parameters: {repeat_every: 10s}"))) as it:
        for percent in (90, 90, 95, 95, 96, 50, 50, 50):
            it.poll_and_deliver(percent)
    assert [(event.edge, event.values["gpu_memory"]) for event in events_received] == [
        ("start", 90.0),
        ("repeat", 95.0),
        ("repeat", 96.0),
        ("stop", 50.0),
    ]


def test_what_changed_while_the_agent_was_down_is_heard_after_its_restart(effect: Any, tmp_path: Path) -> None:
    events_received = effect("notify", on=("start", "change", "stop"))
    with node(ruleset(FULL), state_path=tmp_path / "state") as it:
        it.poll(90, 50)
        wait_until(lambda: len(events_received) == 1)
    with node(ruleset(FULL), state_path=tmp_path / "state") as it:
        it.poll(90, 95, after=60)
        wait_until(lambda: len(events_received) == 2)
    assert summaries(events_received)[1] == ("change", (0, 1), (1,), (), None)
    assert events_received[1].started == events_received[0].started


def test_an_effect_that_has_a_method_for_changes_gets_changes_and_repeats_there() -> None:
    handled: list[tuple[str, str]] = []

    class Recorder(FunctionEffect):
        def change(self, event: Event) -> None:
            handled.append(("change", event.edge))

    events_received = Recorder(
        "t", "", {}, lambda event: handled.append(("function", event.edge)), frozenset({"start"})
    )
    for edge in ("start", "change", "repeat", "stop"):
        event = Event(edge, "r", 1.0, {})
        handler_of(events_received, event)(event)
    assert handled == [("function", "start"), ("change", "change"), ("change", "repeat"), ("function", "stop")]


def test_each_gpu_has_its_own_start_in_everything_that_is_heard_of_it(effect: Any) -> None:
    events_received = effect("notify", on=("start", "stop"))
    parameters = "parameters: {grouping: gpu, repeat_every: 10s}"
    with node(ruleset(FULL.replace("action: notify", f"action: notify, {parameters}"))) as it:
        for percents in ((90, 50), (90, 95), (90, 95), (50, 95), (50, 50)):
            it.poll_and_deliver(*percents)
    began = events_received[0].timestamp
    assert [
        (event.edge, event.device, event.timestamp - began, event.started - began) for event in events_received
    ] == [
        ("start", 0, 0, 0),
        ("start", 1, 5, 5),
        ("repeat", 0, 10, 0),
        ("repeat", 1, 10, 5),
        ("stop", 0, 15, 0),
        ("stop", 1, 20, 5),
    ]
