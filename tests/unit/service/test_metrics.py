import builtins
import sys

import pytest

from gpurules.errors import UnavailableError
from gpurules.service import metrics
from tests.integration.coordinator.stand import gpu, node, ruleset
from tests.waiting import wait_until

prometheus = pytest.importorskip("prometheus_client")

RULES = ruleset(
    "{name: full, condition: gpu_memory > 80, action: log}",
    "{name: windy, condition: gpu_fan_speed > 50, action: pause_transfer}",
    "{name: tried, condition: gpu_memory > 80, action: pause_transfer, mode: shadow}",
    "{name: held, condition: pressure, action: pause_transfer}",
    signals="{pressure: {condition: gpu_memory > 85}}",
)


@pytest.fixture
def polled():
    with node(RULES) as it:
        for percent in (50, 90, 90):
            it.poll(percent, 90)
        it.blind()
        wait_until(lambda: it.coordinator.collect().effects["log"].sent == 1)
        yield it


def samples(text):
    from prometheus_client.parser import text_string_to_metric_families

    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_text_can_be_parsed_and_has_the_eight_of_the_original(polled):
    found = samples(metrics.text_of(polled.coordinator))
    eight = {
        "gpurules_gpus": 2,
        "gpurules_active_workloads": 0,
        "gpurules_pending_transfers": 0,
        "gpurules_coordination_events_total": 2,
        "gpurules_memory_pressure_events_total": 2,
        "gpurules_temperature_limit_events_total": 0,
        "gpurules_coordination_misses_total": 1,
        "gpurules_last_gpu_update_timestamp_seconds": polled.clock() - 5,
    }
    assert {name: found[name,] for name in eight} == eight


def test_rules_are_counted_by_outcome(polled):
    found = samples(metrics.text_of(polled.coordinator))

    def outcomes(rule):
        words = ("true", "false", "unknown", "suppressed", "error")
        return [found["gpurules_rule_outcomes_total", ("outcome", word), ("rule", rule)] for word in words]

    assert outcomes("full") == [3, 0, 0, 0, 0]
    assert outcomes("windy") == [0, 0, 3, 0, 0]
    assert outcomes("tried") == [0, 0, 0, 3, 0]
    assert found["gpurules_rule_starts_total", ("rule", "full")] == 1


def test_telemetry_reloads_effects_signals_and_fields_are_there(polled):
    found = samples(metrics.text_of(polled.coordinator))
    assert found["gpurules_telemetry_age_seconds",] == 5
    assert found["gpurules_telemetry_ok",] == 0
    assert found["gpurules_missed_polls_total",] == 1
    assert found["gpurules_reload_ok",] == 1
    assert found["gpurules_field_unknown_total", ("field", "gpu_fan_speed")] == 6
    assert found["gpurules_effect_events_total", ("action", "log"), ("result", "sent")] == 1
    assert found["gpurules_signals_on", ("signal", "pressure")] == 2
    assert found["gpurules_poll_seconds_total",] > 0
    polled.coordinator.reload()
    assert samples(metrics.text_of(polled.coordinator))["gpurules_reload_ok",] == 0


def test_before_the_first_poll_there_is_nothing_to_be_wrong_about():
    with node(RULES) as it:
        found = samples(metrics.text_of(it.coordinator))
        assert found["gpurules_polls_total",] == 0
        assert ("gpurules_telemetry_age_seconds",) not in found


def test_names_that_need_escaping_do_not_break_the_text():
    with node(ruleset("{name: 'say \"hi\" \\ now', condition: gpu_memory > 80, action: log}")) as it:
        it.poll(90)
        assert any(("rule", 'say "hi" \\ now') in key for key in samples(metrics.text_of(it.coordinator)))


def test_without_the_library_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name.startswith("prometheus_client"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    for name in [name for name in sys.modules if name.startswith("prometheus_client")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with node(RULES, (gpu(50),)) as it, pytest.raises(UnavailableError, match=r"gpurules\[metrics\]"):
        metrics.text_of(it.coordinator)


def test_it_is_served_on_this_machine():
    from urllib.request import urlopen

    with node(RULES) as it:
        it.poll(90)
        end = metrics.serve(it.coordinator, 0)
        end()
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        end = metrics.serve(it.coordinator, port)
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        finally:
            end()
    assert "gpurules_polls_total 1.0" in text
    assert "process_resident_memory_bytes" in text
