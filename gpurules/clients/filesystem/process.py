"""The governors of this process's URLs: opened on first use, one for each set of options."""

import threading

from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.options import FileOptions
from gpurules.engine import Coordinator, CoordinatorOptions, Engine
from gpurules.engine.threads import shutdown
from gpurules.errors import GpurulesError
from gpurules.governor import Governor
from gpurules.logs import logger
from gpurules.rules import load, loads

_LOGGER = logger("gpurules.clients")
NO_RULES = "version: 1\nname: none\nrules: []\n"


class Process:
    """The clients of this process by their options; cleared in a forked child, which has no threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[FileOptions, FileClient] = {}
        self._governors: dict[tuple[str, str], tuple[Governor, Coordinator | None, str | None]] = {}
        self._used: Governor | None = None
        shutdown.add(self)

    def use(self, governor: Governor | None) -> None:
        """Let URLs that name no ruleset follow *governor*; None undoes that."""
        with self._lock:
            self._used = governor
            self._clients.clear()

    def client_of(self, options: FileOptions) -> FileClient:
        """Return the client for *options*; never raises on errors of rules or telemetry: files are then ungoverned."""
        client = self._clients.get(options)
        if client is None:
            with self._lock:
                client = self._clients.get(options) or self._clients.setdefault(options, self._open(options))
        return client

    def _open(self, options: FileOptions) -> FileClient:
        if self._used is not None and options.ruleset is None:
            return FileClient(self._used, options)
        named = options.ruleset or "gpurules:default", options.source or "auto"
        if named not in self._governors:
            self._governors[named] = _governor(*named)
        governor, _, problem = self._governors[named]
        return FileClient(governor, options, problem)

    def stop(self, timeout: float | None = None) -> None:
        """Forget everything; coordinators are stopped separately."""
        with self._lock:
            self._clients.clear()
            self._governors.clear()

    def after_fork(self) -> None:
        """Start over: the governors that were opened here poll in the parent."""
        self._lock = threading.Lock()
        self._clients, self._governors = {}, {}


def _governor(ruleset: str, source: str) -> tuple[Governor, Coordinator | None, str | None]:
    """Return a governor for *ruleset* and *source*; if that fails, one without rules, and the reason.

    Effects are not called: that is the job of the node's single agent.
    """
    try:
        coordinator = Coordinator(load(ruleset), source, options=CoordinatorOptions(dry_run=True))
        coordinator.__enter__()  # polls once, so that the first file is opened by current telemetry
        return Governor(coordinator), coordinator, None
    except (GpurulesError, OSError, ValueError) as error:
        problem = f"the rules {ruleset!r} on {source!r} are not in force: {error}"
        _LOGGER.warning("%s; files are read and written without them", problem)
        return Governor(Engine(loads(NO_RULES))), None, problem


_PROCESS = Process()
client_of = _PROCESS.client_of
use = _PROCESS.use
