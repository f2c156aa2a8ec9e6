"""Runs the application on uvicorn, on any number of listeners; when stopped, it drains."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

from gpurules.logs import logger
from gpurules.service.agent import Agent
from gpurules.service.web.listeners import Listener, Security
from gpurules.service.web.protocol import LimitedProtocol, most_connections
from gpurules.service.web.systemd import Notifier

_LOGGER = logger("gpurules.service")
DRAIN_SECONDS = 5
KEEP_ALIVE_SECONDS = 120
_HUNG_POLLS = 20
"""Number of intervals without a poll after which the watchdog is not fed, so that systemd restarts the agent."""


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


class HTTPServer:
    """Serves *agent* in a thread of its own; ``stop`` drains it."""

    def __init__(self, app: Any, agent: Agent, listeners: Sequence[Listener], security: Security) -> None:
        self._app = app
        self._agent = agent
        self._listeners = listeners
        self._security = security
        self._notifier = Notifier()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._is_up = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gpurules-service", daemon=True)

    def start(self) -> None:
        """Start, and return when the server accepts requests.

        Raises:
            BindError: TLS cannot be set up.
        """
        self._context = self._security.context()
        most_connections()
        self._thread.start()
        self._is_up.wait(30)
        if self._error is not None:
            raise self._error
        self._notifier.send("READY=1", "STATUS=answering requests")

    def stop(self) -> None:
        """Accept no more connections, finish pending requests, end streams, then return."""
        self._notifier.send("STOPPING=1")
        self._agent.is_draining = True
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stopping.set)
        if self._thread.ident is not None:
            self._thread.join(DRAIN_SECONDS + 3)
        for listener in self._listeners:
            listener.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:  # passed to the thread that waits for the start
            self._error = error
            _LOGGER.error("the service has ended: %s", error)
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._agent.revisions.attach(self._loop)
        logging_level = logging.WARNING
        servers = []
        for is_tls in (False, True):
            sockets = [one.socket for one in self._listeners if one.is_tls is is_tls]
            if sockets:
                config = self._config(is_tls, logging_level)
                servers.append((_Server(config), sockets))
        tasks = [asyncio.create_task(server.serve(sockets)) for server, sockets in servers]
        while not all(server.started for server, _ in servers) and not any(task.done() for task in tasks):
            await asyncio.sleep(0.005)
        self._is_up.set()
        feeding = asyncio.create_task(self._feed())
        await asyncio.wait([asyncio.create_task(self._stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        self._agent.is_draining = True
        self._agent.revisions.wake()
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        feeding.cancel()
        self._agent.revisions.detach()

    def _config(self, is_tls: bool, level: int) -> uvicorn.Config:
        config = uvicorn.Config(
            self._app,
            http=LimitedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=level,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        config.load()
        if is_tls:
            config.ssl = self._context
        return config

    async def _feed(self) -> None:
        """Report to systemd that the agent is alive while polls continue."""
        seconds = self._notifier.watchdog_seconds()
        if seconds is None:
            return
        while True:
            interval = self._agent.coordinator.engine.ruleset.settings.poll_interval
            if time.monotonic() - self._agent.polled_at < max(60.0, _HUNG_POLLS * interval):
                self._notifier.send("WATCHDOG=1")
            await asyncio.sleep(seconds)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
