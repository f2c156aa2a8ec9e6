"""One browser, one exporter and a few agents for all tests of the page."""

import shutil
from asyncio import events
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.service.agents import RunningAgent, start_agent
from tests.integration.service.page.exporter import Exporter
from tests.waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = {
    "script": "<script>document.title='pwned'</script><img src=x onerror=alert(1)>",
    "rtl": "قاعدة \u05d0\u05d1\u05d2 (GPU) 5 < 7",
    "long": "w" * 100,
    "path": "../../v1/reload?x=1#/rules",
}
RULES = f"""\
version: 1
name: page
settings: {{poll_interval: 200ms, stale_after: 2s}}
signals:
  heat: {{condition: gpu_temperature > 60C, until: gpu_temperature < 55C}}
rules:
  - name: hold_large_while_hot
    description: A hot GPU gets a rest.
    condition: heat AND transfer_size > 1GiB
    action: delay_transfer
    parameters: {{delay: 30s}}
  - name: prefetch_less_while_hot
    condition: heat
    action: reduce_prefetch
    parameters: {{reduction_factor: 0.5}}
  - name: power_draw
    condition: gpu_power > 650W
    action: reduce_prefetch
    parameters: {{reduction_factor: 0.8}}
  - name: only_shown
    condition: gpu_utilization > 50
    mode: shadow
    action: pause_transfer
  - name: off
    enabled: false
    condition: gpu_utilization > 50
    action: pause_transfer
  - name: "{HOSTILE["script"]}"
    condition: gpu_memory > 20
    action: increase_priority
    parameters: {{priority_boost: 1}}
  - name: "{HOSTILE["rtl"]}"
    condition: gpu_memory > 99
    action: reduce_prefetch
    parameters: {{reduction_factor: 0.9}}
  - name: {HOSTILE["long"]}
    condition: gpu_memory > 99
    action: reduce_prefetch
    parameters: {{reduction_factor: 0.9}}
  - name: "{HOSTILE["path"]}"
    condition: gpu_memory > 99
    action: reduce_prefetch
    parameters: {{reduction_factor: 0.9}}
"""
TCP = ("--bind", "tcp:127.0.0.1:0")


@dataclass
class Seen:
    """What a page did that it must not do."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def address(agent: RunningAgent) -> str:
    """Return the address of the page."""
    return next(one for one in agent.addresses if "127.0.0.1" in one).replace("tcp:", "http://").rstrip("/")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        enter_loop(browser)
        browser.close()
    events._set_running_loop(None)


def enter_loop(browser: Any) -> None:
    """Make Playwright's loop that of this thread: it runs all the while, in a greenlet."""
    events._set_running_loop(browser._loop)


@pytest.fixture(autouse=True)
def _loop_of_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have Playwright's loop during a test only: in other tests it would be in the way of ``asyncio.run``."""
    if "browser" not in request.fixturenames:
        yield
        return
    enter_loop(request.getfixturevalue("browser"))
    yield
    events._set_running_loop(None)


@pytest.fixture(scope="session")
def exporter() -> Iterator[Exporter]:
    exporter = Exporter()
    yield exporter
    exporter.close()


@pytest.fixture(scope="session")
def begin(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningAgent]]:
    """Return a function that starts an agent on TCP, too."""
    running: list[RunningAgent] = []

    def start(*options: str, rules: str = RULES, source: str, folder: Path | None = None) -> RunningAgent:
        agent = start_agent(folder or tmp_path_factory.mktemp("page"), *(options or TCP), rules=rules, source=source)
        running.append(agent)
        assert agent.process.poll() is None, agent.said
        return agent

    yield start
    for agent in running:
        agent.kill()


@pytest.fixture(scope="session")
def shared_agent(begin: Callable[..., RunningAgent], exporter: Exporter) -> RunningAgent:
    return begin(source=exporter.source)


@pytest.fixture
def agent(shared_agent: RunningAgent, exporter: Exporter) -> RunningAgent:
    """The agent of the exporter, whose readings are the usual ones at first."""
    if exporter.reset():
        wait_until(lambda: _is_at_rest(shared_agent))
    return shared_agent


def _is_at_rest(agent: RunningAgent) -> bool:
    """Whether a poll has seen the usual readings: no signal is on, and the state is fresh."""
    signals = agent.ask("GET", "/v1/signals").json["items"]
    return not any(signal["on"] for signal in signals) and not agent.ask("GET", "/v1/directives").json["stale"]


@pytest.fixture(scope="session")
def tab(browser: Any) -> Iterator[tuple[Any, Seen]]:
    """A tab that every test uses, and what it does that it must not do."""
    enter_loop(browser)
    seen, context = Seen(), browser.new_context()
    context.set_default_timeout(8000)
    page = context.new_page()
    page.on("console", lambda message: message.type == "error" and seen.errors.append(message.text))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    yield page, seen
    enter_loop(browser)
    context.close()


@pytest.fixture
def visit(tab: tuple[Any, Seen]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a view; at the end, the page had no error and asked no other origin."""
    page, seen = tab
    homes = ["blob:"]

    def go(agent: RunningAgent, view: str = "node", *, width: int = 1440, scheme: str = "light") -> Any:
        homes.append(address(agent))
        page.goto("about:blank")
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{address(agent)}/#/{view}")
        page.locator("#connection[data-state]").wait_for()
        return page

    seen.errors, seen.requests = [], []
    yield go
    page.goto("about:blank")
    assert seen.errors == []
    assert [url for url in seen.requests if not url.startswith(tuple(homes))] == []


@pytest.fixture
def with_errors(tab: tuple[Any, Seen], visit: Callable[..., Any]) -> Iterator[None]:
    """For a test that takes the agent away: failed requests are errors of the console, which are expected here."""
    yield
    seen = tab[1]
    seen.errors = [error for error in seen.errors if not error.startswith("Failed to load resource: net::ERR_")]
