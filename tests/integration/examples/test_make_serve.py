"""``make serve``, as a user runs it: an agent on a simulated node with eight GPUs and traffic, until Ctrl-C."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.slow


def answer(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
        body: bytes = response.read()
        return body


def waited(condition: Callable[[], Any], seconds: float = 60.0) -> Any:

    def checked() -> Any:
        with suppress(OSError):
            return condition()

    return wait_until(checked, seconds)


def has_ended(port: int) -> bool:
    """Return whether no one answers; make does not wait for the agent, which has as long as it takes to drain."""
    try:
        answer(port, "/healthz")
    except OSError:
        return True
    return False


def test_make_serve_shows_a_node_with_traffic(root: Path, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    venv = Path(sys.executable).parent.parent
    command = ["make", "serve", f"PORT={port}", f"VENV={venv}", "-o", f"{venv}/installed-serve"]  # it is installed
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log, start_new_session=True)
        try:
            rows = waited(lambda: json.loads(answer(port, "/v1/transfers"))["items"])
            assert rows[0]["transfer"]["size"] > 0 and rows[0]["state"] in ("running", "held", "paused")
            assert len(waited(lambda: json.loads(answer(port, "/v1/snapshot")))["gpus"]) == 8
            assert b"<title>" in answer(port, "/")
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
    said = (tmp_path / "log").read_text()
    assert f"http://127.0.0.1:{port}/" in said and "Traceback" not in said
    waited(lambda: has_ended(port))
