"""When effects are called: at the edges of episodes, for the node and for each transfer."""

from typing import Any

from gpurules.model import Transfer, Workload
from tests.integration.coordinator.stand import Endpoint, gpu, node, ruleset, until

FULL = "{name: full, condition: gpu_memory > 80, action: tell}"


def words(report: Any) -> list[tuple[str, bool, bool]]:
    return [(edge.rule.name, edge.is_start, edge.suppressed) for edge in report.edges]


def test_an_effect_is_called_when_its_rule_starts_not_while_it_matches(effect: Any) -> None:
    told = effect("tell")
    with node(ruleset(FULL)) as it:
        assert [words(it.poll(percent)) for percent in (50, 90, 95, 50, 90)] == [
            [],
            [("full", True, False)],
            [],
            [("full", False, False)],
            [("full", True, False)],
        ]
        until(lambda: len(told) == 2)
    assert [(event.edge, event.devices, event.values["gpu_memory"]) for event in told] == [
        ("start", (0,), 90.0),
        ("start", (0,), 90.0),
    ]


def test_an_effect_that_asks_for_it_is_told_the_end(effect: Any) -> None:
    told = effect("tell", on=("start", "stop"))
    with node(ruleset(FULL)) as it:
        it.poll(90)
        it.poll(50)
        until(lambda: len(told) == 2)
    assert [event.edge for event in told] == ["start", "stop"]


def test_a_webhook_is_called_at_both_edges(endpoint: Endpoint) -> None:
    parameters = f"{{url: '{endpoint.url}', on: [start, stop]}}"
    rule = f"{{name: full, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}"
    with node(ruleset(rule)) as it:
        it.poll(90)
        it.poll(50)
        until(lambda: len(endpoint.received) == 2)
        until(lambda: it.coordinator.collect().effects["webhook"].sent == 2)
    assert [got.data["edge"] for got in endpoint.received] == ["start", "stop"]
    assert endpoint.received[0].data["values"] == {"gpu_memory": 90.0, "host": "node-1"}


def test_a_cooldown_keeps_starts_quiet_and_their_ends_too(effect: Any) -> None:
    told = effect("tell", on=("start", "stop"))
    with node(ruleset("{name: full, condition: gpu_memory > 80, action: tell, cooldown: 60s}")) as it:
        for percent in (90, 50, 90, 50):
            it.poll(percent)
        assert words(it.poll(90, after=45)) == [("full", True, False)]
        until(lambda: len(told) == 3)
    assert [event.edge for event in told] == ["start", "stop", "start"]


def test_a_shadow_rule_is_recorded_and_does_nothing(effect: Any) -> None:
    told = effect("tell")
    shadow = (
        "{name: full, condition: gpu_memory > 80, mode: shadow, actions: [{action: tell}, {action: pause_transfer}]}"
    )
    with node(ruleset(shadow)) as it:
        assert words(it.poll(90)) == [("full", True, True)]
        assert not it.coordinator.decide(Transfer(id="t")).paused
        counts = it.coordinator.collect()
        assert (counts.rules["full"].suppressed, counts.rules["full"].starts) == (1, 1)
        assert counts.coordination_events == 0
    assert told == []


def test_a_rule_that_leaves_shadow_mode_starts(effect: Any) -> None:
    told = effect("tell")
    shadow = "{name: full, condition: gpu_memory > 80, action: tell, mode: shadow}"
    from gpurules.rules import loads

    with node(ruleset(shadow)) as it:
        it.poll(90)
        it.coordinator.reload(loads(ruleset(FULL)))
        assert words(it.poll(90)) == [("full", False, True), ("full", True, False)]
        until(lambda: len(told) == 1)


def test_a_rule_that_is_removed_is_told_its_end(effect: Any) -> None:
    from gpurules.rules import loads

    told = effect("tell", on=("start", "stop"))
    with node(ruleset(FULL)) as it:
        it.poll(90)
        it.coordinator.reload(loads(ruleset("{name: other, condition: gpu_memory > 99, action: tell}")))
        assert words(it.poll(90)) == [("full", False, False)]
        until(lambda: len(told) == 2)
    assert told[1].edge == "stop"


def test_rules_over_transfers_start_for_each_apart(effect: Any) -> None:
    told = effect("tell", on=("start", "stop"))
    with node(ruleset("{name: models, condition: gpu_memory > 80 AND file_type == 'model', action: tell}")) as it:
        it.coordinator.schedule_transfer(Transfer(id="a", path="/m/a.pt"))
        it.coordinator.schedule_transfer(Transfer(id="b", path="/m/b.pt"))
        it.coordinator.schedule_transfer(Transfer(id="c", path="/d/c.tar"))
        report = it.poll(90)
        assert sorted(edge.transfer_id for edge in report.edges) == ["a", "b"]
        it.coordinator.complete_transfer("a")
        assert words(it.poll(90)) == []
        assert [edge.transfer_id for edge in it.poll(50).edges] == ["b"]
        until(lambda: len(told) == 3)
    assert sorted((event.edge, event.transfer.id) for event in told) == [("start", "a"), ("start", "b"), ("stop", "b")]


def test_a_rule_over_the_gpus_of_a_workload_sees_only_those(effect: Any) -> None:
    told = effect("tell")
    with node(ruleset("{name: full, condition: gpu_memory > 80, gpus: workload, action: tell}")) as it:
        it.coordinator.register_workload(Workload(id="w", type="training", gpu_devices=(1,)))
        it.coordinator.schedule_transfer(Transfer(id="t", workload_id="w"))
        assert words(it.poll(90, 50)) == []
        (edge,) = it.poll(50, 90).edges
        assert (edge.transfer_id, edge.devices) == ("t", (1,))
        assert it.coordinator.decide(Transfer(id="t", workload_id="w")).rules == ("full",)
        assert it.coordinator.decide(Transfer(id="u")).rules == ()
        until(lambda: len(told) == 1)


def test_while_disabled_nothing_starts_and_what_started_is_told_its_end(effect: Any) -> None:
    told = effect("tell", on=("start", "stop"))
    both = ruleset(
        FULL, "{name: hot, condition: gpu_temperature > 85, actions: [{action: tell}, {action: pause_transfer}]}"
    )
    with node(both) as it:
        it.poll(90)
        it.coordinator.disable()
        it.source.gpus = (gpu(50, temperature=90),)
        report = it.poll()
        assert sorted(words(report)) == [("full", False, False), ("hot", True, True)]
        decision = it.coordinator.decide(Transfer(id="t"))
        assert (decision.rules, decision.paused, decision.stale) == ((), False, False)
        assert not it.coordinator.status().enabled
        it.coordinator.enable()
        assert it.coordinator.decide(Transfer(id="t")).paused
        until(lambda: len(told) == 2)
    assert [(event.rule, event.edge) for event in told] == [("full", "start"), ("full", "stop")]
