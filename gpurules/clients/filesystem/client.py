"""What open files ask of the governor, whichever filesystem they are on."""

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
    """Gives the files of this process their tickets, and counts what could not be done for them in ``uncarried``.

    ``problem`` is why the rules that were asked for are not in force; files go on without them.

    Missing: ``problem`` None: they are.
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
        """Return the ticket of a transfer; where as many wait as may, this waits for a place among them."""
        while True:
            try:
                return self._ask(path, operation, size)
            except QueueFull:
                time.sleep(QUEUE_LOOK_SECONDS)

    async def ticket_async(self, path: str, operation: str, size: float | None = None) -> Ticket:
        """Return the ticket of a transfer, as a task."""
        while True:
            try:
                return self._ask(path, operation, size)
            except QueueFull:
                await asyncio.sleep(QUEUE_LOOK_SECONDS)

    def _ask(self, path: str, operation: str, size: float | None) -> Ticket:
        self._end_lost()
        return self.governor.transfer(self._transfer(path, operation, size))

    # what goes past the scheduler

    @property
    def lets_all_pass(self) -> bool:
        """Whether no rule concerns any file now, and nothing else would hold one up."""
        bypass = self.governor.bypass
        return bypass.is_open_to_all and bypass.is_open(self.options.priority)

    def lets_pass(self, path: str, operation: str, size: float | None = None) -> bool:
        """Return whether no rule concerns that file now, and nothing else would hold it up."""
        bypass = self.governor.bypass
        return bypass.is_open(self.options.priority) and bypass.is_open_to(self._transfer(path, operation, size))

    def _transfer(self, path: str, operation: str, size: float | None) -> Transfer:
        said = self.options
        asked = Transfer(path=path, operation=operation, size=size, priority=said.priority, workload_id=said.workload)
        return self._detection.complete(asked, None if "://" in path else path)

    # tickets that were lost

    def lose(self, ticket: Ticket) -> None:
        """Withdraw the ticket of a file that was never closed.

        That is found out when memory is collected, which may be where the governor's lock is held; so it ends later.
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
        """Whether a rule looks at the size of a transfer."""
        return self.governor.decider.reads_size

    def status(self) -> GovernorStatus:
        """Return what the governor is at."""
        self._end_lost()
        return self.governor.status()

    # staging

    @property
    def parts(self) -> PartOptions:
        """How objects are cut and moved."""
        return PartOptions(piece_size=self.options.block_size, parts_ahead=max(1, self.options.blocks_ahead))

    @property
    def loop(self) -> PartLoop:
        """What moves objects into the staging area."""
        with self._lock:
            if self._loop is None:
                threads = self.parts.pool_size(self.governor.limits.slots)
                pool = ThreadPoolExecutor(threads, thread_name_prefix="gpurules-files")
                self._loop = PartLoop(pool, self.parts, lane=Lane(threads))
            return self._loop

    def area(self, stage: Stage) -> StagingArea | None:
        """Return the area for what a rule stages, with the quota of our own; None without any, which counts."""
        if self.options.staging is None:
            self.count_uncarried(Capability.STAGE)
            return None
        try:
            return self._areas.find(stage.area or self.options.staging)
        except StagingRefused as refused:
            self.governor.count_fault(refused.fault)
            return None

    def report(self, trouble: StoreError) -> None:
        """Count and log that a staged copy can no longer be read; the rest is read directly."""
        self.governor.count_fault(StagingTrouble.fault)
        _LOGGER.warning("%s; the rest is read directly", trouble)

    def count_uncarried(self, target: str) -> None:
        """Count an order of a rule that could not be carried out."""
        self.uncarried[target] += 1
        self.governor.count_uncarried(self.name, target)

    # the kind

    def apply(self, directives: Mapping[str, object]) -> frozenset[str]:
        """Return the targets that this client does not carry out; what it does, the governor applies part by part."""
        left = frozenset(directives) - self.capabilities
        for target in left:
            self.count_uncarried(target)
        return left

    def restore(self) -> None:
        """Do nothing: no setting outlives its transfer."""
