"""64 GPUs and 1,000 rules: what an update costs is counted, not timed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.service.agents import RunningAgent

Visit = Callable[..., Any]
GPUS, RULES = 64, 1000
SOURCE = f"synthetic:gpus={GPUS},seconds=36000,interval=1,faults=0"
RULESET = "version: 1\nname: large\nsettings: {poll_interval: 500ms, stale_after: 1h}\nrules:\n" + "".join(
    f"  - {{name: r{number}, condition: gpu_temperature > {20 + number / 10:.1f}, action: reduce_prefetch, "
    f"parameters: {{reduction_factor: 0.5}}, priority: {number}}}\n"
    for number in range(RULES)
)
WATCH = """async () => {
  const { listen } = await import("/page/agent.js");
  for (const one of document.querySelectorAll("#view article, #view .rows > li")) one.isMarked = true;
  window.counts = { updates: 0, added: 0, attributes: 0, texts: 0 };
  listen((sections) => sections.has("snapshot") && window.counts.updates++);
  new MutationObserver((records) => {
    for (const record of records) {
      if (record.type === "attributes") window.counts.attributes++;
      else for (const node of record.addedNodes) window.counts[node.nodeType === 1 ? "added" : "texts"]++;
    }
  }).observe(document.getElementById("view"), { subtree: true, childList: true, attributes: true });
}"""


@pytest.fixture(scope="module")
def large(begin: Callable[..., RunningAgent]) -> RunningAgent:
    return begin(source=SOURCE, rules=RULESET)


def updates(page: Any, count: int = 3) -> dict[str, int]:
    """Return what the open view changed in the next updates."""
    page.evaluate(WATCH)
    page.evaluate(
        "(count) => new Promise((done) => { const id = setInterval(() => "
        "window.counts.updates >= count && (clearInterval(id), done()), 50); })",
        count,
    )
    found: dict[str, int] = page.evaluate("window.counts")
    return found


def test_cards_of_64_gpus_are_updated_in_place(large: RunningAgent, visit: Visit) -> None:
    page = visit(large)
    page.locator("article").nth(GPUS - 1).wait_for(state="attached")
    page.locator(".notes .note").first.wait_for(state="attached")
    counts = updates(page)
    assert page.evaluate("[...document.querySelectorAll('article')].every((card) => card.isMarked)")
    metrics = 4 * GPUS * counts["updates"]
    assert counts["attributes"] <= 6 * metrics and counts["texts"] <= 3 * metrics
    assert page.locator("#view *").count() < 40 * 4 * GPUS


def test_a_thousand_rules_are_listed_once_and_only_changes_are_drawn(large: RunningAgent, visit: Visit) -> None:
    page = visit(large, "rules")
    page.locator(".rows > li").nth(RULES - 1).wait_for(state="attached")
    counts = updates(page)
    assert page.evaluate("[...document.querySelectorAll('.rows > li')].every((row) => row.isMarked)")
    assert counts["added"] < RULES, "states that changed draw a badge, not the list"
    assert page.locator("article").count() == 0, "other views are not drawn"


def test_changes_within_a_frame_are_drawn_together(large: RunningAgent, visit: Visit) -> None:
    page = visit(large, "events")
    drawn = page.evaluate(
        """async () => {
          const { listen, notify } = await import("/page/agent.js");
          let calls = 0;
          listen((sections) => sections.has("probe") && calls++);
          for (let count = 0; count < 500; count++) notify("probe");
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return calls;
        }"""
    )
    assert drawn == 1


def test_the_time_of_a_frame_is_recorded(
    large: RunningAgent, visit: Visit, record_property: Callable[[str, object], None]
) -> None:
    page = visit(large)
    page.locator("article").nth(GPUS - 1).wait_for(state="attached")
    page.evaluate(
        "() => { window.long = []; new PerformanceObserver((list) => window.long.push("
        "...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask' }); }"
    )
    updates(page)
    record_property("frames_longer_than_50_ms", page.evaluate("window.long"))
