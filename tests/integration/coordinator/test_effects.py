"""Effects that raise, hang, are slow or many never delay polls or decisions."""

import logging
import threading
import time
from typing import Any

import pytest

from gpurules.model import Transfer
from tests.integration.coordinator.stand import Endpoint, node, ruleset
from tests.waiting import wait_until


def flapping(count: int, action: str = "notify") -> str:
    return ruleset(
        *(
            f"{{name: r{n}, condition: gpu_memory > 80, actions: [{{action: {action}}}, {{action: pause_transfer}}]}}"
            for n in range(count)
        )
    )


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3), KeyboardInterrupt(), MemoryError()])
def test_a_handler_that_raises_is_counted_and_called_again(effect: Any, error: BaseException, caplog: Any) -> None:
    def fail(event: object) -> None:
        raise error

    received = effect("notify", fail)
    with node(flapping(1)) as it:
        for percent in (90, 50, 90):
            it.poll(percent)
        wait_until(lambda: it.coordinator.collect().effects["notify"].failed == 2)
        assert it.coordinator.decide(Transfer(id="t")).paused
    assert len(received) == 2
    said = [r for r in caplog.records if r.name == "gpurules.effects" and r.levelno == logging.WARNING]
    assert len(said) == 1, "a failure that repeats is not said each time"


def test_a_handler_that_hangs_delays_neither_polls_nor_decisions_nor_others(effect: Any, caplog: Any) -> None:
    gate = threading.Event()
    effect("hang", lambda event: gate.wait(10))
    received = effect("notify")
    rules = ruleset(
        "{name: a, condition: gpu_memory > 80, action: hang}",
        "{name: b, condition: gpu_memory > 80, actions: [{action: notify}, {action: pause_transfer}]}",
    )
    with node(rules, stop_timeout=0.2) as it:
        began = time.monotonic()
        for percent in (90, 50) * 20:
            it.poll(percent)
        assert it.poll(90).edges
        assert it.coordinator.decide(Transfer(id="t")).paused
        wait_until(lambda: len(received) == 21)
        assert time.monotonic() - began < 5
        wait_until(lambda: it.coordinator._poller.effects.stuck(0.01))
        assert list(it.coordinator._poller.effects.stuck(0.01)) == ["hang"]
        began = time.monotonic()
        it.coordinator.stop()
        assert time.monotonic() - began < 5
        assert it.coordinator.collect().effects["hang"].dropped == 20
        gate.set()


def test_a_queue_is_bounded_and_drops_are_counted(effect: Any, caplog: Any) -> None:
    gate = threading.Event()
    received = effect("notify", lambda event: gate.wait(10))
    with node(flapping(300)) as it:
        for percent in (90, 50) * 5:
            it.poll(percent)
        counts = it.coordinator.collect().effects["notify"]
        assert counts.dropped in (499, 500)
        assert "are already queued" in str(counts.last_error)
        gate.set()
        wait_until(lambda: it.coordinator.collect().effects["notify"].sent == 1500 - counts.dropped)
    assert len(received) == 1500 - counts.dropped


def test_200_transitions_a_second_go_through(effect: Any) -> None:
    received = effect("notify", on=("start", "stop"))
    with node(flapping(100)) as it:
        began = time.perf_counter()
        for percent in (90, 50, 90, 50):
            it.poll(percent, after=1)
        spent = time.perf_counter() - began
        wait_until(lambda: len(received) == 400)
        assert it.coordinator.collect().effects["notify"].dropped == 0
    assert spent < 3, "the transitions of four seconds"


def test_an_endpoint_that_is_down_delays_no_other_effect(endpoint: Endpoint, effect: Any) -> None:
    endpoint.behave = endpoint.hang
    received = effect("notify")
    parameters = f"{{url: '{endpoint.url}', retries: 0, timeout: 1s}}"
    rules = ruleset(
        f"{{name: a, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}",
        "{name: b, condition: gpu_memory > 80, action: notify}",
    )
    with node(rules, stop_timeout=0.1) as it:
        began = time.monotonic()
        for percent in (90, 50) * 10:
            it.poll(percent)
        wait_until(lambda: len(received) == 10)
        assert time.monotonic() - began < 3, "ten calls that are not answered take ten seconds"
        wait_until(lambda: it.coordinator.collect().effects["webhook"].failed)
        assert "no answer" in str(it.coordinator.collect().effects["webhook"].last_error)


def test_a_dry_run_calls_nothing(effect: Any) -> None:
    received = effect("notify")
    with node(flapping(1), dry_run=True) as it:
        assert it.poll(90).edges
    assert received == []


def test_a_third_party_effect_gets_its_parameters_and_the_fields_it_names(effect: Any) -> None:
    received = effect("notify")
    rule = (
        "{name: r, condition: gpu_memory > 80, action: notify, annotations: {runbook: x}, "
        "parameters: {to: ops, text: 'at {gpu_temperature}'}}"
    )
    with node(ruleset(rule)) as it:
        it.poll(90)
        wait_until(lambda: received)
    (event,) = received
    assert event.parameters["to"] == "ops"
    assert event.values == {"gpu_memory": 90.0, "gpu_temperature": None, "host": "node-1"}
    assert event.annotations == {"runbook": "x"}
