"""Azurite, Microsoft's own stand-in for Azure's blobs, in a process of its own (``npm install azurite``)."""

import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import sys
from email.utils import formatdate
from pathlib import Path
from urllib.request import Request, urlopen

from tests.waiting import wait_until, while_running

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and key of every Azurite.

Source: https://github.com/Azure/Azurite#default-storage-account
"""


def program() -> str | None:
    """Return the program, beside this Python or on the PATH; None where it is not installed."""
    beside = Path(sys.prefix) / "node_modules/.bin/azurite-blob"
    return str(beside) if beside.exists() else shutil.which("azurite-blob")


class Azurite:
    """The server; it keeps its blobs in memory, and is killed at the end of ``with``."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        where = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--inMemoryPersistence"]
        self.process = subprocess.Popen(
            [program(), "--silent", "--skipApiVersionCheck", "--disableTelemetry", *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ready(self, container: str) -> None:
        """Wait until it is up, and make *container*."""

        def is_made() -> bool:
            try:
                urlopen(self._create(container), timeout=10).close()
            except OSError:
                return False
            return True

        wait_until(while_running(self.process, is_made), 60, "Azurite answers")

    def _create(self, container: str) -> Request:
        """Return the call that makes *container*, signed as Azure's "Shared Key" wants it."""
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        reported = "".join(f"{name}:{value}\n" for name, value in headers.items())
        text = "PUT" + 12 * "\n" + reported + f"/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
        digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        headers["Content-Length"] = "0"
        return Request(f"{self.endpoint}/{container}?restype=container", method="PUT", headers=headers)

    def __enter__(self) -> "Azurite":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait(10)
