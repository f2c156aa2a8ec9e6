"""Takes the pictures of the page of ``gpurules serve``, for the docs: ``make page-pictures``.

They are of a real agent on the simulated node of ``make serve``, in Chromium, after some minutes, so that there is
something to see. Needs Chromium, and the extra ``dev``.
"""

import json
import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).parent
NODE = HERE.parents[1] / "examples/agent/simulated_node.py"
VIEWS = {
    "node": "node",
    "rules": "rules/delay_on_memory_pressure",
    "signals": "signals",
    "transfers": "transfers",
    "events": "events",
    "ruleset": "ruleset",
    "what-if": "what-if",
}
SIZES = {1440: 900, 360: 780}
SCHEMES = ("dark", "light")
PORT = "8769"
LEAST_SECONDS, MOST_SECONDS = 360.0, 900.0
COLORS = 160


def ask(path: str) -> Any:
    """Return what the agent answers."""
    with urlopen(f"http://127.0.0.1:{PORT}/v1/{path}", timeout=5) as answer:
        return json.load(answer)


def is_busy() -> bool:
    """Return whether there is something to see: a GPU that is hot, transfers that are held and that run."""
    states = {transfer["state"] for transfer in ask("transfers?limit=1000")["items"]}
    return len(ask("status")["matching"]) > 2 and {"held", "running"} <= states


def wait() -> None:
    """Wait until the node is busy, and has a past."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < MOST_SECONDS:
        time.sleep(2)
        if passed > LEAST_SECONDS and is_busy():
            return


def save(picture: bytes, path: Path) -> None:
    """Write a picture with a palette, which takes a third of the bytes."""
    from PIL import Image

    with Image.open(BytesIO(picture)) as image:
        colors = image.convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        colors.save(path, optimize=True)


def take(browser: Any, width: int, scheme: str) -> None:
    """Take a picture of each view."""
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    page = context.new_page()
    for name, view in VIEWS.items():
        page.goto(f"http://127.0.0.1:{PORT}/#/{view}")
        page.wait_for_timeout(1500)
        if name == "ruleset":
            page.get_by_role("button", name="gpurules:coordinator").click()
            page.locator(".source .badge").nth(3).scroll_into_view_if_needed()
        save(page.screenshot(), HERE / f"page-{name}-{width}-{scheme}.png")
    context.close()


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with subprocess.Popen([sys.executable, str(NODE), PORT]) as node, sync_playwright() as playwright:
        try:
            wait()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for width in SIZES:
                for scheme in SCHEMES:
                    take(browser, width, scheme)
            browser.close()
        finally:
            node.send_signal(2)


if __name__ == "__main__":
    main()
