"""Each view shows what the API answers."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.service.agents import RunningAgent
from tests.integration.service.page.conftest import HOSTILE
from tests.integration.service.page.exporter import Exporter
from tests.waiting import wait_until

Visit = Callable[..., Any]
VIEWS = ("node", "rules", "signals", "transfers", "events", "ruleset", "what-if")


def heat(agent: RunningAgent, exporter: Exporter, index: int = 0, celsius: float = 70.0) -> None:
    """Make a GPU hot, and wait until the agent has seen it."""
    exporter.readings[index]["temperature"] = celsius
    wait_until(lambda: any(s["on"] for s in agent.ask("GET", "/v1/signals").json["items"]))


def rule(page: Any, name: str) -> Any:
    return page.locator(".rows > li").filter(has=page.get_by_text(name, exact=True))


def test_a_card_for_each_board_shows_its_readings(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    gpu = agent.ask("GET", "/v1/snapshot").json["gpus"][0]
    card = page.get_by_role("article", name="GPU 0")
    card.locator("b", has_text="▲").first.wait_for()
    readings = card.locator(".reading b").all_inner_texts()
    assert readings == [
        f"▲ {gpu['memory']:.0f} %",  # above the 20 of a rule
        f"▲ {gpu['utilization']:.0f} %",
        f"{gpu['temperature']:.0f} °C",
        f"{gpu['power']:.0f} W",
    ]
    assert page.get_by_role("article").count() == 2


def test_instances_of_a_partitioned_board_are_on_its_card(agent: RunningAgent, visit: Visit) -> None:
    card = visit(agent).get_by_role("article", name="GPU 1")
    instance = agent.ask("GET", "/v1/snapshot").json["gpus"][2]
    section = card.locator("section")
    assert section.locator("h3").inner_text().startswith(f"MIG {instance['index']}")
    assert f"{instance['memory']:.0f} %" in section.inner_text()


def test_a_missing_reading_is_shown_with_its_reason(agent: RunningAgent, visit: Visit) -> None:
    board = agent.ask("GET", "/v1/snapshot").json["gpus"][1]
    memory = visit(agent).get_by_role("article", name="GPU 1").locator(".metric").first
    assert memory.locator(".reading b").inner_text() == "missing"
    assert memory.locator(".reading .quiet").inner_text() == board["missing"]["memory"]
    assert memory.locator(".bar .fill").get_attribute("width") == "0"


def test_a_reading_that_goes_away_becomes_missing_and_comes_back(
    agent: RunningAgent, visit: Visit, exporter: Exporter
) -> None:
    page = visit(agent)
    power = page.get_by_role("article", name="GPU 0").locator(".metric").nth(3).locator("b")
    power.filter(has_text="300 W").wait_for()
    del exporter.readings[0]["power"]
    power.filter(has_text="missing").wait_for()
    exporter.readings[0]["power"] = 123
    power.filter(has_text="123 W").wait_for()


def test_thresholds_of_rules_are_drawn_at_their_place(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    thresholds = agent.ask("GET", "/v1/ruleset").json["thresholds"]
    marks = {one["value"] for one in thresholds if one["attribute"] == "temperature" and not one["ends"]}
    path = page.get_by_role("article", name="GPU 0").locator(".metric").nth(2).locator(".bar .marks[d^=M]")
    drawn = {float(place) for place in re.findall(r"M([\d.]+) ", path.get_attribute("d") or "")}
    assert drawn == marks == {60.0}  # there is no limit of the board, so the scale is 100


def test_the_node_says_what_is_required_and_which_rule_requires_it(
    agent: RunningAgent, visit: Visit, exporter: Exporter
) -> None:
    page = visit(agent)
    heat(agent, exporter)
    page.locator(".matching a", has_text="prefetch_less_while_hot").wait_for()
    factor = agent.ask("GET", "/v1/directives").json["prefetch_factor"]
    prefetch = page.locator(".directives > div").filter(has_text="Prefetch").locator("dd")
    assert prefetch.inner_text() == f"▲ {factor * 100:.0f} %"
    assert "heat" in page.get_by_role("article", name="GPU 0").locator(".note.signal").text_content()
    assert page.get_by_role("article", name="GPU 1").locator(".note.signal", has_text="heat").count() == 0


def test_every_rule_is_listed_with_its_state(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent, "rules")
    rules = agent.ask("GET", "/v1/rules").json["items"]
    page.locator(".rows > li").nth(len(rules) - 1).wait_for()
    shown = {row["name"]: row["state"] for row in page.evaluate(
        "[...document.querySelectorAll('.rows > li')].map(row => "
        "({name: row.querySelector('.name').textContent, state: row.querySelector('.badge').dataset.state}))"
    )}  # fmt: skip
    assert shown == {one["name"]: one["because"] if one["state"] == "suppressed" else one["state"] for one in rules}
    assert shown["off"] == "disabled" and shown["only_shown"] == "shadow"


def test_an_open_rule_shows_the_truth_of_each_part_per_gpu(
    agent: RunningAgent, visit: Visit, exporter: Exporter
) -> None:
    heat(agent, exporter)
    page = visit(agent, "rules/prefetch_less_while_hot")
    table = page.locator(".detail table")
    table.wait_for()
    condition = agent.ask("GET", "/v1/rules/prefetch_less_while_hot").json["explanation"]["condition"]
    gpus = list(condition["value"])
    assert table.locator("thead th").all_inner_texts()[1:] == [f"GPU {index}" for index in gpus]
    words = {True: "✓ true", False: "✗ false", None: "? missing"}
    first = table.locator("tbody tr").first
    assert first.locator("td").all_inner_texts() == [words[condition["value"][index]] for index in gpus]
    assert condition["parts"][0]["text"] in table.inner_text()
    assert "node.yaml:12:" in page.locator(".detail").inner_text()
    assert page.locator(".detail time").count() > 0, "its episodes"


def test_rules_can_be_found_and_filtered(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent, "rules")
    page.locator(".rows > li").first.wait_for()
    page.get_by_label("Find").fill("gpu_power")
    names = page.locator(".rows > li .name")  # a row's inner text is empty until the browser lays it out
    assert names.all_text_contents() == ["power_draw"]
    page.get_by_label("Find").fill("")
    page.get_by_role("group").get_by_role("button", name="per transfer").click()
    assert names.all_text_contents() == ["hold_large_while_hot"]


def test_signals_have_a_lane_each_with_what_was_on(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    page = visit(agent, "signals")
    heat(agent, exporter)
    lane = page.get_by_role("listitem").filter(has_text="GPU 0")
    lane.locator(".badge[data-state=on]").wait_for()
    exporter.readings[0]["temperature"] = 40
    lane.locator(".badge[data-state=off]").wait_for()
    assert lane.locator("rect").count() >= 1, "the past stays"
    page.get_by_label("lanes without change").check()
    assert page.get_by_role("listitem").count() == len(agent.ask("GET", "/v1/signals").json["items"])


def test_the_time_before_the_agent_is_shown_as_unknown_not_as_off(
    agent: RunningAgent, visit: Visit, exporter: Exporter
) -> None:
    heat(agent, exporter)
    page = visit(agent, "signals")
    page.get_by_role("button", name="1 h").click()
    status = agent.ask("GET", "/v1/status").json
    unknown = page.get_by_role("listitem").first.locator("rect.unknown")
    unknown.wait_for(state="attached")
    share = 100 * (1 - (status["clock"] - status["started_at"]) / 3600)
    assert float(unknown.get_attribute("width")) == pytest.approx(share, abs=1)
    assert "is not known" in page.locator("#view").inner_text()


def test_transfers_name_the_rules_that_hold_them(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    heat(agent, exporter)
    transfer = {"path": "/data/<b>x</b>.tar", "size": 4 << 30}
    agent.ask("PUT", "/v1/transfers/held-1", {"transfer": transfer, "state": "held", "ttl": 60})
    body = {"transfer": {"path": "/a", "size": 1000}, "state": "running", "bytes_moved": 250, "ttl": 60}
    agent.ask("PUT", "/v1/transfers/runs-1", body)
    try:
        page = visit(agent, "transfers")
        row = page.locator("tbody tr").filter(has_text="held-1")
        row.locator("a.rule").first.wait_for()
        held = agent.ask("GET", "/v1/transfers/held-1").json
        assert row.locator("a.rule").all_inner_texts() == held["held_by"] == ["hold_large_while_hot"]
        assert "/data/<b>x</b>.tar" in row.inner_text() and "at most 30 s" in row.inner_text()
        assert "25 %" in page.locator("tbody tr").filter(has_text="runs-1").inner_text()
        agent.ask("DELETE", "/v1/transfers/held-1")
        row.wait_for(state="detached")
    finally:
        for name in ("held-1", "runs-1"):
            agent.ask("DELETE", f"/v1/transfers/{name}")


def test_events_come_as_they_happen(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    page = visit(agent, "events")
    page.get_by_label("Show").select_option("signal")
    heat(agent, exporter, 1)
    page.locator(".event").filter(has_text="heat on · GPU 1").first.wait_for()
    known = agent.ask("GET", "/v1/events?kind=signal&limit=1").json["items"][0]
    assert (known["signal"], known["on"]) == ("heat", True)


def test_the_ruleset_is_shown_with_its_live_state(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    page = visit(agent, "ruleset")
    page.locator(".source .l").nth(5).wait_for()
    source = agent.ask("GET", "/v1/ruleset").json["source"]
    shown = page.evaluate("[...document.querySelectorAll('.source code')].map(one => one.textContent).join('\\n')")
    assert shown == source
    line = page.locator(".source .l").filter(has_text="name: prefetch_less_while_hot")
    assert line.locator(".badge").get_attribute("data-state") == "no-match"
    heat(agent, exporter)
    line.locator(".badge[data-state=match]").wait_for()
    page.locator(".source .l").filter(has_text="heat:").locator(".badge[data-state=on]").wait_for()


def test_what_if_decides_at_once_and_its_address_carries_the_facts(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent, "what-if")
    page.get_by_label("Temperature °C", exact=True).fill("90")
    delay = page.locator(".directives > div").filter(has_text="Delay").locator("dd")
    delay.filter(has_text="30 s").wait_for()
    page = visit(agent, page.url.split("#/")[1])
    page.locator(".directives dd", has_text="30 s").wait_for()
    assert page.get_by_label("Temperature °C", exact=True).input_value() == "90"
    assert agent.ask("GET", "/v1/directives").json["delay"] == 0, "nothing was stored"


def test_an_edited_ruleset_is_tried_against_the_live_snapshot(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent, "what-if")
    page.get_by_label("try an edited ruleset").check()
    page.get_by_label("on the live snapshot").check()
    text = agent.ruleset.read_text().replace("gpu_temperature > 60C", "gpu_temperature > 30C")
    page.locator("#trial").fill(text)
    page.locator(".directives dd", has_text="30 s").wait_for()
    page.locator("#trial").fill(text.replace("gpu_temperature", "gpu_temprature"))
    page.locator(".finding", has_text="gpu_temperature").first.wait_for()
    assert "decides nothing" in page.locator("section [role=status]").inner_text()


def test_hostile_names_are_shown_as_text(agent: RunningAgent, visit: Visit) -> None:
    for view in ("rules", "node", "ruleset", "what-if", "events"):
        page = visit(agent, view, width=360)
        page.get_by_text("document.title").first.wait_for()
        assert page.evaluate("document.images.length") == 1, "the icon only"
        assert page.evaluate("document.scripts.length") == 1
        assert "pwned" not in page.title()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_rule_of_any_name_can_be_opened(agent: RunningAgent, visit: Visit, name: str) -> None:
    page = visit(agent, "rules")
    rule(page, name).get_by_role("button").click()
    rule(page, name).locator(".detail table").wait_for()
    page.reload()
    rule(page, name).locator(".detail table").wait_for()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_its_json_one_click_away(agent: RunningAgent, visit: Visit, view: str) -> None:
    page = visit(agent, view)
    link = page.locator(".heading .json:not([href='#'])")
    link.click()
    page.wait_for_url(re.compile("/v1/|^blob:"))
    assert isinstance(json.loads(page.locator("pre").text_content()), dict)


def test_what_a_rule_does_for_many_transfers_is_one_line(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    names = [f"many-{number}" for number in range(7)]
    for name in names:
        body = {"transfer": {"path": "/a", "size": 4 << 30}, "state": "held", "ttl": 60}
        agent.ask("PUT", f"/v1/transfers/{name}", body)
    try:
        page = visit(agent, "events")
        heat(agent, exporter)
        line = page.locator(".event", has_text=f"hold_large_while_hot started on GPU 0 for {len(names)} transfers")
        line.wait_for()
        events = [e for e in agent.ask("GET", "/v1/events?kind=rule").json["items"] if e["transfer"] in names]
        assert len({e["timestamp"] for e in events if e["edge"] == "start"}) == 1, "all at the same poll"
    finally:
        for name in names:
            agent.ask("DELETE", f"/v1/transfers/{name}")
