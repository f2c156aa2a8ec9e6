"""What a node logs: one line for each record, whatever the GPUs, servers, plug-ins and files are called."""

import io
import logging
from collections.abc import Iterator

import pytest

from gpurules.model import GPU
from tests.integration.coordinator.stand import Endpoint, node, ruleset
from tests.waiting import wait_until

HOSTILE = {
    "line feed": "\n12:00:00 ERROR   FORGED",
    "carriage return": "\rFORGED",
    "color": "\x1b[2J\x1b[31mFORGED",
    "C1": "\x9b2JFORGED",
    "override": "\u202eFORGED\u2066",
    "nul": "\x00FORGED",
    "surrogate": "\ud800FORGED\udcff",
}
COMMANDS = "\r\x1b\x9b\u202e\u2066\x00\ud800\udcff"
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a handler of the program that has gpurules as a library writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger("gpurules")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def check(log: io.StringIO) -> None:
    """Make sure that what was logged shows the text, forges no line and commands nothing."""
    text = log.getvalue()
    assert "FORGED" in text
    assert not set(text) & set(COMMANDS)
    assert not [line for line in text.split("\n") if line.startswith(("12:00:00", "FORGED"))]


@hostile
def test_the_message_of_a_rule_names_a_gpu_as_it_is_called(text: str, log: io.StringIO) -> None:
    message = "'{gpu_name} of {host} is full'"
    rules = ruleset(f"{{name: full, condition: gpu_memory > 80, action: log, parameters: {{message: {message}}}}}")
    with node(rules, gpus=(GPU(index=0, uuid="a", name=f"H100{text}", memory=90),)) as it:
        it.poll()
        wait_until(lambda: "is full" in log.getvalue())
    check(log)


@hostile
def test_the_reason_phrase_of_a_webhook_is_shown_and_nothing_more(
    text: str, log: io.StringIO, endpoint: Endpoint
) -> None:
    phrase = text.replace("\n", "").encode("utf-8", "surrogatepass")
    endpoint.behave = lambda handler: handler.wfile.write(b"HTTP/1.1 400 FORGED" + phrase + b"\r\n\r\n") and None
    parameters = f"{{url: '{endpoint.url}', retries: 0}}"
    rules = ruleset(f"{{name: full, condition: gpu_memory > 80, action: webhook, parameters: {parameters}}}")
    with node(rules) as it:
        it.poll(90)
        wait_until(lambda: it.coordinator.collect().effects["webhook"].failed == 1)
        wait_until(lambda: "webhook" in log.getvalue())
    assert not set(log.getvalue()) & set(COMMANDS)
    assert not [line for line in log.getvalue().split("\n") if line.startswith(("12:00:00", "FORGED"))]


@hostile
def test_an_effect_that_fails_with_the_text_is_one_line(text: str, log: io.StringIO, effect: object) -> None:
    def fail(event: object) -> None:
        raise RuntimeError(f"it is {text}")

    effect("odd_effect", also=fail)  # type: ignore[operator]
    with node(ruleset("{name: full, condition: gpu_memory > 80, action: odd_effect}")) as it:
        it.poll(90)
        wait_until(lambda: "odd_effect" in log.getvalue())
    check(log)


@hostile
def test_a_listener_that_raises_is_logged_with_an_indented_traceback(text: str, log: io.StringIO) -> None:
    def fail(report: object) -> None:
        raise RuntimeError(f"it is {text}")

    with node(ruleset("{name: full, condition: gpu_memory > 80, action: log}")) as it:
        it.coordinator.on_poll(fail)
        it.poll(50)
        wait_until(lambda: "a callback failed" in log.getvalue())
    check(log)


@hostile
def test_names_in_a_scrape_are_visible(text: str) -> None:
    pytest.importorskip("prometheus_client")
    from prometheus_client.core import GaugeMetricFamily

    from gpurules.service.metrics import _add

    family = GaugeMetricFamily("x", "x", labels=["name"])
    _add(family, (f"it is {text}",), 1)
    (sample,) = family.samples
    assert "FORGED" in sample.labels["name"]
    assert not set(sample.labels["name"]) & {*COMMANDS, "\n"}
