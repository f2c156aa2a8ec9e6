"""The page of the service: what it weighs, and how long until it shows the first state, in Chromium.

Loads come in pairs, without and with a warm cache; figures are medians. Usage: python benchmarks/page.py [ROUNDS]
"""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from results import write

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LARGE = "version: 1\nname: large\nsettings: {poll_interval: 1s, stale_after: 1h}\nrules:\n" + "".join(
    f"  - {{name: r{number}, condition: gpu_temperature > {20 + number / 10:.1f}, action: reduce_prefetch, "
    f"parameters: {{reduction_factor: 0.5}}}}\n"
    for number in range(1000)
)
NODES = {"8 GPUs, coordinator": (8, None), "64 GPUs, 1,000 rules": (64, LARGE)}
FIRST_STATE = """
new MutationObserver((records, observer) => {
  if (document.querySelector("article.card .reading b:not(:empty)")) {
    window.firstState = performance.now();
    observer.disconnect();
  }
}).observe(document, { subtree: true, childList: true });
"""
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((entry) => !entry.name.includes("/v1/")).map((entry) => [entry.transferSize, entry.decodedBodySize])"""


@contextmanager
def agent(folder: Path, gpus: int, rules: str | None) -> Iterator[str]:
    """Run an agent, and yield its address."""
    ruleset = folder / "node.rules.yaml"
    ruleset.write_text(rules or "version: 1\nname: node\nextends: [gpurules:coordinator]\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = f"synthetic:gpus={gpus},seconds=36000,interval=1,faults=0"
    command = [sys.executable, "-m", "gpurules", "serve", str(ruleset), "--source", source]
    binds = ["--bind", f"tcp:127.0.0.1:{port}"]
    with subprocess.Popen([*command, *binds], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            with urlopen(f"{address}/readyz", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise SystemExit("the agent did not become ready")


def load(page: Any, address: str) -> tuple[float, list[list[int]]]:
    """Load the page; return the seconds until it shows the first state, and the bytes of each file."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_function("() => window.firstState !== undefined")
    return page.evaluate("window.firstState") / 1000, page.evaluate(WEIGHT)


def measure(browser: Any, address: str) -> dict[str, float]:
    """Return the weight of the page and its times."""
    cold, warm, files = [], [], []
    for _ in range(ROUNDS):
        context = browser.new_context()
        context.add_init_script(FIRST_STATE)
        page = context.new_page()
        seconds, files = load(page, address)
        cold.append(seconds)
        warm.append(load(page, address)[0])
        context.close()
    return {
        "requests": len(files),
        "bytes": sum(size for _, size in files),
        "bytes_sent": sum(size for size, _ in files),
        "first_state_seconds": statistics.median(cold),
        "first_state_warm_seconds": statistics.median(warm),
    }


def main() -> None:
    """Print every figure, and write them for programs."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if CHROMIUM is None or sync_playwright is None:
        print("the page is measured where there is Chromium, and Playwright (in the extra test)")
        return
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (gpus, rules) in NODES.items():
            with tempfile.TemporaryDirectory() as folder, agent(Path(folder), gpus, rules) as address:
                found[name] = one = measure(browser, address)
            print(
                f"{name:<22} {one['requests']} requests, {one['bytes'] / 1024:.0f} KiB; first state after "
                f"{one['first_state_seconds'] * 1e3:.0f} ms, {one['first_state_warm_seconds'] * 1e3:.0f} ms cached"
            )
        browser.close()
    write("page", found)


if __name__ == "__main__":
    main()
