"""Makes clients that are controlled by settings follow the rules of a node."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Self

from gpurules.clients.client import Client
from gpurules.engine import Coordinator, Engine
from gpurules.engine.coordinator import on_news
from gpurules.engine.workloads import Schedule
from gpurules.errors import GpurulesError
from gpurules.governor.decider import Announcing
from gpurules.logs import logger
from gpurules.model import Transfer
from gpurules.plugins import contain

_LOGGER = logger("gpurules.clients")
LOOK_SECONDS = 1.0
STOP_SECONDS = 30.0


class Follower:
    """Applies the node's directives to *clients*, in a thread of its own, in ``with``; then restores them.

    *node* is a coordinator, or an engine such as that of ``connect()``; directives that an engine's clients cannot
    carry out are counted in ``schedule``. *transfer* has the facts for rules, such as the path of a mount. If telemetry
    is stale, no directive applies. A client that fails is retried at the next update and stops no other; what it could
    not carry out is counted.
    """

    def __init__(self, node: Coordinator | Engine, clients: Iterable[Client], transfer: Transfer | None = None) -> None:
        self._node = node
        self.schedule = node.schedule if isinstance(node, Coordinator) else Schedule()
        self._clients = tuple(clients)
        self._transfer = transfer
        self._applied: dict[str, Mapping[str, object]] = {}
        self._wake = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="gpurules-follower", daemon=True)
        self.failed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Start."""
        self._unsubscribe = self._follow()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and restore everything."""
        self._unsubscribe()
        self._is_over = True
        self._wake.set()
        self._thread.join(STOP_SECONDS)
        for client in self._clients:
            self._try(client, client.restore)

    def _follow(self) -> Callable[[], None]:
        """Wake up on news; an engine that announces none is polled every second."""
        if isinstance(self._node, Coordinator):
            return on_news(self._node, self._wake.set)
        if isinstance(self._node, Announcing):
            return self._node.on_change(self._wake.set)
        return lambda: None

    def _run(self) -> None:
        while not self._is_over:
            self.look()
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def look(self) -> None:
        """Apply the current directives to each client for which they have changed."""
        decision = self._node.decide(self._transfer)
        asked = {} if decision.stale else dict(decision.directives)
        for client in self._clients:
            if self._applied.get(client.name, {}) == asked:
                continue
            if self._try(client, partial(self._apply, client, asked)):
                self._applied[client.name] = asked

    def _apply(self, client: Client, asked: Mapping[str, object]) -> None:
        for target in client.apply(asked):
            self.schedule.count_uncarried(client.name, target)

    def _try(self, client: Client, act: Callable[[], object]) -> bool:
        try:
            contain(act, client.name)()
        except GpurulesError as error:  # a client may be foreign code
            self.failed[client.name] += 1
            if self.failed[client.name] == 1:
                _LOGGER.warning("%s does not follow the rules: %s", client.name, error)
            return False
        return True
