"""Messages: numbers with their unit, rounded, and the formats that change that."""

import logging

import pytest

from gpurules.actions.effects.notification.templates import fill_template, placeholders
from gpurules.engine import Edge, Engine
from gpurules.engine.effects.events import Notice, events_of
from gpurules.model import GPU, Dimension, Snapshot
from gpurules.rules import loads

VALUES = {
    "gpu_memory": 98.76543, "gpu_memory_used": 84520809984, "gpu_temperature": 71, "gpu_power": 653.249, "age": 75.4,
    "queue": 12, "ratio": 0.333333, "is_hot": True, "gone": None, "rate": 1.5 * 2**30, "host": "n1",
}  # fmt: skip
DIMENSIONS = {
    "gpu_memory": Dimension.PERCENT, "gpu_memory_used": Dimension.BYTES, "gpu_temperature": Dimension.CELSIUS,
    "gpu_power": Dimension.WATTS, "age": Dimension.SECONDS, "queue": Dimension.NONE, "ratio": Dimension.NONE,
    "is_hot": Dimension.NONE, "gone": Dimension.PERCENT, "rate": Dimension.BYTES_PER_SECOND,
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{gpu_memory} full: {gpu_memory_used} at {gpu_temperature}", "98.8 % full: 78.7 GiB at 71 C"),
        ("{gpu_power}, {age}, {rate}", "653.2 W, 1 m 15 s, 1.5 GiB/s"),
        ("{queue} {ratio} {is_hot} {gone} {host} {unknown}", "12 0.333333 true missing n1 missing"),
        # the unit that stands behind it already is not written twice, and the number is in that unit
        ("{gpu_temperature} C and {gpu_memory} %", "71 C and 98.8 %"),
        ("{gpu_temperature}°C, {gpu_memory}%, {gpu_power}W", "71°C, 98.8%, 653.2W"),
        ("{gpu_memory_used} bytes in {age} seconds, {age}s", "84520809984 bytes in 75.4 seconds, 75.4s"),
        ("{gpu_temperature} degrees, {gpu_memory} percent", "71 degrees, 98.8 percent"),
        # what only begins like a unit is a word
        ("{gpu_temperature} Celsius? {gpu_power} Watt, {age} so far", "71 C Celsius? 653.2 W Watt, 1 m 15 s so far"),
        ("{gpu_memory_used} B/s", "78.7 GiB B/s"),
        ("{gone} %", "missing %"),
        ("{gpu_memory:.0f} {gpu_power:.2f} W {ratio:.1f}", "99 653.25 W 0.3"),
        ("{gone:.1f} {gone:bytes} {host:.1f}", "missing missing n1"),
        ("{gpu_memory_used:bytes} {queue:percent}", "78.7 GiB 12 %"),
        ("{{gpu_memory}} {gpu_memory}", "{gpu_memory} 98.8 %"),
    ],
)
def test_placeholders_read_as_people_write(template: str, text: str) -> None:
    assert fill_template(template, VALUES, DIMENSIONS) == text


def test_a_format_is_no_part_of_the_name_and_an_unknown_one_is() -> None:
    named = [name for _, name in placeholders("{a} {b:.1f} {c:bytes} {d:5d} {e:} {f:.12f}")]
    assert named == ["a", "b", "c", "d:5d", "e:", "f:.12f"]


def test_a_rule_logs_what_it_saw_with_units(caplog: pytest.LogCaptureFixture) -> None:
    message = "{gpu_memory} full: {gpu_memory_used} of {gpu_memory_total} at {gpu_temperature}, {free:.1f} B, {limit}"
    ruleset = loads(
        f"""\
version: 1
name: m
inputs: {{limit: {{type: number, unit: C, default: 80C}}}}
define: {{free: gpu_memory_total - gpu_memory_used}}
rules: [{{name: j, condition: gpu_memory > 80, action: log, parameters: {{message: "{message}"}}}}]
"""
    )
    engine = Engine(ruleset, clock=lambda: 5.0)
    gpu = GPU(index=0, memory_used=84520809984, memory_total=85520809984, temperature=71)
    engine.observe(Snapshot(timestamp=5.0, gpus=(gpu,)))
    (event,) = events_of(
        engine, Notice.of(Edge(ruleset.rules[0], None, "start", 5.0, (0,))), ruleset.rules[0].actions[0], None
    )
    assert event is not None
    assert (event.values["gpu_memory"], event.values["limit"]) == (pytest.approx(98.8307), 80)
    caplog.set_level(logging.INFO, logger="gpurules.actions.effects.log")
    action = ruleset.rules[0].actions[0].action
    action.start(event)  # type: ignore[attr-defined]
    said = "98.8 % full: 78.7 GiB of 79.6 GiB at 71 C, 1000000000.0 B, 80 C"
    assert [record.getMessage() for record in caplog.records] == [said]


def test_a_list_is_written_with_commas_each_with_its_unit_and_format() -> None:
    values = {"gpu_power": (653.25, None, 400), "devices": (0, "1:0", 2)}
    dimensions = {"gpu_power": Dimension.WATTS}
    assert fill_template("GPU {devices}: {gpu_power}", values, dimensions) == "GPU 0, 1:0, 2: 653.2 W, missing, 400 W"
    assert fill_template("{gpu_power:.0f} W", values, dimensions) == "653, missing, 400 W"
    assert fill_template("{devices}", {"devices": ()}) == ""
