"""A real Alertmanager (Debian's ``prometheus-alertmanager``) that can be stopped and started again."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIGURATION = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n"


def now() -> float:
    """Return the time to the millisecond, as Alertmanager keeps it."""
    return round(time.time(), 3)


class RealAlertmanager:
    """One process, on a port that stays the same."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        (folder / "alertmanager.yml").write_text(CONFIGURATION)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Iterator["RealAlertmanager"]:
        """Start one; skip the test where there is none."""
        if PROGRAM is None:
            pytest.skip("prometheus-alertmanager is not installed")
        made = cls(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert PROGRAM is not None
        arguments = [
            f"--config.file={self._folder}/alertmanager.yml",
            f"--storage.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        log = (self._folder / "log").open("ab")
        try:
            self._process = subprocess.Popen([PROGRAM, *arguments], stdout=log, stderr=log)
        finally:
            log.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                self._get("/-/ready")
                return
            except OSError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of that name that fire."""
        query = urllib.parse.urlencode({"filter": f'alertname="{name}"'})
        return list(json.loads(self._get(f"/api/v2/alerts?{query}")))

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return bytes(answer.read())

    @staticmethod
    def seconds(text: str) -> float:
        """Return a time of Alertmanager in seconds since 1970."""
        return datetime.fromisoformat(text).timestamp()
