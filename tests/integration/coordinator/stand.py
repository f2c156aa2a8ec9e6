"""A node to test on: a clock moved by hand, a scripted source, an endpoint that keeps what it gets."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from gpurules.engine import Coordinator, CoordinatorOptions, PollReport
from gpurules.engine.inspection import queued_events
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads
from gpurules.telemetry import EndOfTelemetry
from tests.http_server import QuietHTTPServer
from tests.waiting import wait_until

START = 1767225600.0
GIB = 2**30


def gpu(percent: float | None = 50, index: int = 0, **facts: Any) -> GPU:
    used = None if percent is None else percent * GIB
    return GPU(index=index, uuid=f"GPU-{index}", name="H100", memory_used=used, memory_total=100 * GIB, **facts)


class Clock:
    """Wall clock and steady clock, moved by hand; ``set_by`` moves the wall clock alone, as an administrator does."""

    def __init__(self) -> None:
        self.now = START
        self.steady_now = 1000.0

    def __call__(self) -> float:
        return self.now

    def steady(self) -> float:
        return self.steady_now

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.steady_now += seconds

    def set_by(self, seconds: float) -> None:
        self.now += seconds


class Script:
    """A source that answers with its GPUs as they are now, unless it is made to fail, to hang or to end."""

    name = "script"

    def __init__(self, clock: Callable[[], float], gpus: tuple[GPU, ...] = (gpu(),)) -> None:
        self.clock = clock
        self.gpus = gpus
        self.error: BaseException | None = None
        self.has_ended = False
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0
        self.under_way = 0
        self.most_under_way = 0
        self.closed = 0

    def read(self) -> Snapshot:
        self.reads += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        now = self.clock()
        self.gate.wait(10)
        self.under_way -= 1
        if self.has_ended:
            raise EndOfTelemetry("the script ends")
        if self.error is not None:
            raise self.error
        return Snapshot(timestamp=now, host="node-1", gpus=self.gpus)

    def hang(self) -> None:
        self.gate.clear()

    def recover(self) -> None:
        self.gate.set()

    def close(self) -> None:
        self.closed += 1


@dataclass
class Node:
    """A coordinator on a clock and a source that are moved by hand."""

    clock: Clock
    source: Script
    coordinator: Coordinator
    errors: list[str] = field(default_factory=list)

    def poll(self, *percents: float | None, after: float = 5.0) -> PollReport:
        """Let time go on, and poll with GPUs that are so full."""
        self.clock.advance(after)
        if percents:
            self.source.gpus = tuple(gpu(percent, index) for index, percent in enumerate(percents))
        return self.coordinator.poll()

    def poll_and_deliver(self, *percents: float | None, after: float = 5.0) -> PollReport:
        """Poll, and wait until every effect has run.

        A change or repetition that meets an earlier one in the queue is superseded, so without the wait its delivery
        depends on how soon the worker gets its turn.
        """
        report = self.poll(*percents, after=after)
        wait_until(lambda: not any(queued_events(self.coordinator).values()), what="an empty queue of effects")
        return report

    def blind(self, after: float = 5.0) -> PollReport:
        """Let time go on, and poll while the source fails."""
        self.source.error = RuntimeError("the driver is gone")
        try:
            return self.poll(after=after)
        finally:
            self.source.error = None


@contextmanager
def node(text: str, gpus: tuple[GPU, ...] = (gpu(),), **options: Any) -> Iterator[Node]:
    """A node under the ruleset *text* (or the one loaded already), not polled yet."""
    clock = Clock()
    source = Script(clock, gpus)
    ruleset = loads(text) if isinstance(text, str) else text
    given = CoordinatorOptions(**{"stop_timeout": 2.0, "read_timeout": 5.0, **options})
    coordinator = Coordinator(ruleset, source, clock=clock, steady=clock.steady, options=given)
    try:
        yield Node(clock, source, coordinator)
    finally:
        source.recover()
        coordinator.stop()


def ruleset(*rules: str, settings: str = "", signals: str = "") -> str:
    """The text of a ruleset of rules in flow style."""
    head = ["version: 1", "name: tested"]
    head += [f"settings: {settings}"] if settings else []
    head += [f"signals: {signals}"] if signals else []
    return "\n".join([*head, "rules:", *(f"  - {rule}" for rule in rules)]) + "\n"


@dataclass
class Received:
    """What one call brought."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Endpoint:
    """An HTTP endpoint that answers with the next of its statuses (the last one from then on)."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses or (200,))
        self.received: list[Received] = []
        self.behave: Callable[[BaseHTTPRequestHandler], None] | None = None
        self._closing = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                endpoint.received.append(Received(self.path, dict(self.headers.items()), body))
                if endpoint.behave is not None:
                    endpoint.behave(self)
                    return
                status = endpoint.statuses.pop(0) if len(endpoint.statuses) > 1 else endpoint.statuses[0]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Do not answer until the endpoint is closed; for ``behave``."""
        self._closing.wait(60)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
