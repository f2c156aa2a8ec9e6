"""Keeps the node's directives current in a background thread, and detects when an agent is back."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from gpurules.logs import logger
from gpurules.remote.connection.link import Link
from gpurules.strict_json import loads

_LOGGER = logger("gpurules.remote")
_JITTER = Random()
"""Of our own: the generator of the module belongs to the program that embeds this."""
MAX_WAIT = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Directives:
    """The node's decision as reported by the agent, and its expiry.

    Units: ``expires`` in seconds of ``time.monotonic``.
    """

    body: bytes
    revision: int
    expires: float
    facts: "dict[str, Any]"


class StateFollower:
    """Fetches the node's directives, waits for changes, and calls *on_news*.

    ``latest`` is the last response. Missing: None before the first response.
    """

    def __init__(self, link: Link, on_news: Callable[[Directives], None]) -> None:
        self._link = link
        self._on_news = on_news
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self.latest: Directives | None = None
        self.is_connected: bool | None = None

    def start(self) -> None:
        """Start, unless it is running or was stopped."""
        if self._thread is None and not self._stopping.is_set():
            with self._lock:
                if self._thread is None and not self._stopping.is_set():
                    self._thread = threading.Thread(target=self._run, name="gpurules-remote", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        stopping, pause = self._stopping, FIRST_PAUSE
        while not stopping.is_set():
            try:
                self.look()
            except (OSError, ValueError) as error:
                if stopping.is_set():
                    return
                self._note(False, error)
                stopping.wait(pause * _JITTER.uniform(0.5, 1.5))
                pause = min(LONGEST_PAUSE, 2 * pause)
            else:
                self._note(True, None)
                pause = FIRST_PAUSE

    def look(self) -> None:
        """Send one request; if the directives are known, it waits until they change or are about to expire.

        Raises:
            OSError: the agent has not responded.
            ValueError: the response is not the node's directives.
        """
        known = self.latest
        path, wait = "/v1/directives", 0.0
        if known is not None and self.is_connected:
            wait = max(0.2, min(MAX_WAIT, (known.expires - time.monotonic()) / 2))
            path = f"/v1/directives?wait={wait:.3f}&revision={known.revision}"
        answer = self._link.call(self._link.head("GET", path), timeout=wait + max(1.0, self._link.timeout))
        if answer.status != 200:
            raise ValueError(f"the agent answered {answer.status} to {path.partition('?')[0]}")
        data = loads(answer.body)
        try:
            expires = time.monotonic() + float(data["expires_in"])
            fresh = Directives(answer.body, int(data["revision"]), expires, data.get("agent") or {})
        except (KeyError, TypeError) as error:
            raise ValueError(f"the answer has no directives: {error!r}") from None
        self.latest = fresh
        if known is None or known.revision != fresh.revision or not self.is_connected:
            self._on_news(fresh)

    def _note(self, is_connected: bool, error: Exception | None) -> None:
        if is_connected is self.is_connected:
            return
        if is_connected and self.is_connected is False:
            _LOGGER.info("the agent at %s answers again", self._link.address)
        elif not is_connected:
            _LOGGER.warning("the agent at %s does not answer: %s", self._link.address, error)
        self.is_connected = is_connected

    def stop(self) -> None:
        """Send no further request."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait until the current request has ended, at most *timeout* seconds."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def after_fork(self) -> None:
        """Start over in a forked child on the next use: the thread belongs to the parent."""
        self._lock, self._thread, self._stopping = threading.Lock(), None, threading.Event()
        self.is_connected = None
