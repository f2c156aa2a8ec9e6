"""The page for everyone: any width, light and dark, by keyboard, for screen readers."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.integration.service.agents import RunningAgent
from tests.integration.service.page.conftest import HOSTILE
from tests.integration.service.page.exporter import Exporter
from tests.integration.service.page.test_views import VIEWS, heat

Visit = Callable[..., Any]
AXE = Path(sys.prefix) / "node_modules/axe-core/axe.min.js"
SHOWN = {"node": "article", "rules": ".rows > li", "signals": ".lane", "transfers": ".heading", "events": ".event",
         "ruleset": ".source .l", "what-if": ".reasons > li"}  # fmt: skip


@cache
def axe() -> str:
    return AXE.read_text()


@pytest.mark.parametrize("view", [*VIEWS, "rules/prefetch_less_while_hot"])
def test_axe_finds_nothing_serious(agent: RunningAgent, visit: Visit, exporter: Exporter, view: str) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core")
    heat(agent, exporter)
    page = visit(agent, view)
    page.locator(SHOWN.get(view, ".detail table")).first.wait_for()
    page.evaluate(axe())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run()")
        assert len(found["passes"]) > 10
        wrong = [
            (scheme, one["id"], [node["target"] for node in one["nodes"]][:5])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert wrong == []


@pytest.mark.parametrize("width", [360, 768, 1440, 1920])
def test_no_view_scrolls_sideways(agent: RunningAgent, visit: Visit, width: int) -> None:
    page = visit(agent, width=width)
    for view in (*VIEWS, "rules/hold_large_while_hot"):
        page.evaluate(f"location.hash = '#/{view}'")
        page.locator(SHOWN.get(view, ".detail table")).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colors_follow_the_preference(agent: RunningAgent, visit: Visit, scheme: str) -> None:
    page = visit(agent, scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in ground.strip("rgb()").split(",")) / 3
    assert brightness < 60 if scheme == "dark" else brightness > 200


def focused(page: Any) -> str:
    said: str = page.evaluate("document.activeElement.textContent.trim()")
    return said


def press_until(page: Any, key: str, text: str) -> None:
    for _ in range(40):
        page.keyboard.press(key)
        if text in focused(page):
            return
    raise AssertionError(f"{text!r} was not reached by {key}")


def test_everything_is_reached_by_keyboard_alone(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    page.get_by_role("article").first.wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the view"
    press_until(page, "Tab", "Rules")
    page.keyboard.press("Enter")
    page.locator("nav a[aria-current=page]", has_text="Rules").wait_for()
    page.locator(".rows > li").first.wait_for()
    press_until(page, "Tab", "prefetch_less_while_hot")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.locator(".detail table").wait_for()
    assert page.locator("button[aria-expanded=true]").count() == 1
    page.keyboard.press("Enter")
    page.locator(".detail").wait_for(state="detached")
    assert "prefetch_less_while_hot" in focused(page), "the focus stays"


def test_a_change_keeps_the_focus_and_what_is_open(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    page = visit(agent, "rules")
    row = page.get_by_role("button", name="power_draw")
    row.press("Enter")
    page.locator(".detail table").wait_for()
    exporter.readings[0]["power"] = 690
    page.locator(".detail .true").first.wait_for()
    assert "power_draw" in focused(page)


def test_a_screen_reader_is_notified_of_changes(agent: RunningAgent, visit: Visit, exporter: Exporter) -> None:
    page = visit(agent)
    log = page.get_by_role("log")
    log.filter(has_text="Live.").wait_for(state="attached")
    exporter.is_down = True
    log.filter(has_text="stale").wait_for(state="attached")


def test_bars_have_a_text_for_those_who_do_not_see_them(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent)
    bar = page.get_by_role("article", name="GPU 0").get_by_role("img", name="Temperature")
    title = bar.locator("title")
    title.filter(has_text="heat").wait_for(state="attached")
    assert (title.text_content() or "").startswith("Temperature 40 of 100 °C. Thresholds: > 60 (heat)")


def test_what_names_say_is_set_apart_by_direction(agent: RunningAgent, visit: Visit) -> None:
    page = visit(agent, "rules")
    name = page.locator("bdi.name", has_text=HOSTILE["rtl"])
    name.wait_for()
    assert name.inner_text() == HOSTILE["rtl"]
