"""The connection of open files, on any filesystem, to the governor."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from gpurules.actions.targets import Stage
from gpurules.clients.client import GOVERNED, Capability
from gpurules.clients.detection import Detection
from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.objects.store import StoreError
from gpurules.clients.pieces.part_loop import PartLoop, PartOptions
from gpurules.clients.staging import StagingArea, StagingAreas, StagingRefused, StagingTrouble
from gpurules.governor import Governor, GovernorStatus, Lane, QueueFull, Ticket
from gpurules.logs import logger
from gpurules.model import Transfer

_LOGGER = logger("gpurules.clients")
QUEUE_LOOK_SECONDS = 0.05


class FileSystemKind:
    """The kind of client, as registered."""

    name = "fsspec"
    capabilities = GOVERNED | {Capability.STAGE, Capability.PREFETCH}

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        from importlib.util import find_spec

        if find_spec("fsspec") is None:
            return "fsspec is not installed; install it with: pip install 'gpurules[fsspec]'"
        return None


class FileClient:
    """Issues tickets for this process's files, and counts directives that it could not carry out in ``uncarried``.

    ``problem`` is the reason why the requested rules are not active; files are then ungoverned.

    Missing: ``problem`` None: they are active.
    """

    name = FileSystemKind.name
    capabilities = FileSystemKind.capabilities

    def __init__(self, governor: Governor, options: FileOptions, problem: str | None = None) -> None:
        self.governor = governor
        self.options = options
        self.problem = problem
        self.uncarried: Counter[str] = Counter()
        self._lost: SimpleQueue[Ticket] = SimpleQueue()
        self._lock = threading.Lock()
        self._loop: PartLoop | None = None
        self._areas = StagingAreas(options.staging_quota)
        self._detection = Detection(governor.decider.engine)

    # tickets

    def ticket(self, path: str, operation: str, size: float | None = None) -> Ticket:
        """Return the ticket of a transfer; if the queue is full, this waits for a place in it."""
        while True:
            try:
                return self._ask(path, operation, size)
            except QueueFull:
                time.sleep(QUEUE_LOOK_SECONDS)

    async def ticket_async(self, path: str, operation: str, size: float | None = None) -> Ticket:
        """Return the ticket of a transfer; the asyncio version of ``ticket``."""
        while True:
            try:
                return self._ask(path, operation, size)
            except QueueFull:
                await asyncio.sleep(QUEUE_LOOK_SECONDS)

    def _ask(self, path: str, operation: str, size: float | None) -> Ticket:
        self._end_lost()
        return self.governor.transfer(self._transfer(path, operation, size))

    # bypassing the scheduler

    @property
    def lets_all_pass(self) -> bool:
        """Whether currently no rule affects any file, and nothing else would delay one."""
        bypass = self.governor.bypass
        return bypass.is_open_to_all and bypass.is_open(self.options.priority)

    def lets_pass(self, path: str, operation: str, size: float | None = None) -> bool:
        """Return whether currently no rule affects that file, and nothing else would delay it."""
        bypass = self.governor.bypass
        return bypass.is_open(self.options.priority) and bypass.is_open_to(self._transfer(path, operation, size))

    def _transfer(self, path: str, operation: str, size: float | None) -> Transfer:
        said = self.options
        asked = Transfer(path=path, operation=operation, size=size, priority=said.priority, workload_id=said.workload)
        return self._detection.complete(asked, None if "://" in path else path)

    # lost tickets

    def lose(self, ticket: Ticket) -> None:
        """Withdraw the ticket of a file that was never closed.

        The garbage collector detects that, possibly while the governor's lock is held; so the ticket is ended later.
        """
        self._lost.put(ticket)

    def _end_lost(self) -> None:
        try:
            while True:
                self._lost.get_nowait().end()
        except Empty:
            pass

    @property
    def reads_size(self) -> bool:
        """Whether a rule reads the size of a transfer."""
        return self.governor.decider.reads_size

    def status(self) -> GovernorStatus:
        """Return the status of the governor."""
        self._end_lost()
        return self.governor.status()

    # staging

    @property
    def parts(self) -> PartOptions:
        """How objects are split into parts and moved."""
        return PartOptions(piece_size=self.options.block_size, parts_ahead=max(1, self.options.blocks_ahead))

    @property
    def loop(self) -> PartLoop:
        """The part loop that moves objects into the staging area."""
        with self._lock:
            if self._loop is None:
                threads = self.parts.pool_size(self.governor.limits.slots)
                pool = ThreadPoolExecutor(threads, thread_name_prefix="gpurules-files")
                self._loop = PartLoop(pool, self.parts, lane=Lane(threads))
            return self._loop

    def area(self, stage: Stage) -> StagingArea | None:
        """Return the staging area that a rule names, with this client's quota; None without one, which is counted."""
        if self.options.staging is None:
            self.count_uncarried(Capability.STAGE)
            return None
        try:
            return self._areas.find(stage.area or self.options.staging)
        except StagingRefused as refused:
            self.governor.count_fault(refused.fault)
            return None

    def report(self, trouble: StoreError) -> None:
        """Count and log that a staged copy is no longer readable; the rest is read directly."""
        self.governor.count_fault(StagingTrouble.fault)
        _LOGGER.warning("%s; the rest is read directly", trouble)

    def count_uncarried(self, target: str) -> None:
        """Count a directive that could not be carried out."""
        self.uncarried[target] += 1
        self.governor.count_uncarried(self.name, target)

    # the kind

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return the targets that this client does not carry out; the governor applies the others part by part."""
        left = frozenset(directives) - self.capabilities
        for target in left:
            self.count_uncarried(target)
        return left

    def restore(self) -> None:
        """Do nothing: no setting outlives a transfer."""
