"""A real Alertmanager that is started, killed, and asked what it knows."""

import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

CONFIGURATION = "route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n"
START_SECONDS = 30.0


class Alertmanager:
    """One process at a time, on a port that stays the same."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "alertmanager.yml").write_text(CONFIGURATION, encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            OSError: it does not answer in time.
        """
        arguments = [
            f"--config.file={self._folder}/alertmanager.yml",
            f"--storage.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([self._program, *arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.get("/-/ready")
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def alerts(self) -> dict[str, dict[str, str]]:
        """Return the annotations of the alerts that fire, by name."""
        return {one["labels"]["alertname"]: one["annotations"] for one in json.loads(self.get("/api/v2/alerts"))}

    def get(self, path: str) -> bytes:
        """Return what it answers to a GET of *path*."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return bytes(answer.read())
