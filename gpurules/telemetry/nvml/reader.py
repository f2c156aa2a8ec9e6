"""Reads snapshots of a node from NVML in this process: may hang with the driver."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from gpurules.backoff import Backoff
from gpurules.fields.gpu import FIELDS
from gpurules.model import GPU, Snapshot
from gpurules.telemetry.live.poll import NO_SUBJECT, PollRequest
from gpurules.telemetry.nvml.board import BoardReader
from gpurules.telemetry.nvml.counters import CounterPoll, Wanted
from gpurules.telemetry.nvml.library import (
    FAILURES,
    GPU_IS_LOST,
    NO_PERMISSION,
    REMEDIES,
    UNINITIALIZED,
    CallFailed,
    Handle,
    Library,
)
from gpurules.telemetry.nvml.processes import Namer, name_of_process
from gpurules.telemetry.nvml.readings import MEMORY
from gpurules.telemetry.nvml.xid import XidListener
from gpurules.telemetry.source import TelemetryError
from gpurules.telemetry.tracking.counter_rates import CounterRates
from gpurules.telemetry.tracking.gpu_tracker import mark_lost

Clock = Callable[[], float]
MOST_GPUS = 4096
"""More than this is not a count, but what a driver answers that does not know."""
__all__ = ["NvmlClocks", "NvmlReader"]
_ATTRIBUTES = {field.name: field.attribute for field in FIELDS}
_ALL = frozenset((*_ATTRIBUTES.values(), *MEMORY))


@dataclass(frozen=True, slots=True)
class NvmlClocks:
    """The clocks: seconds since 1970, and a monotonic one."""

    wall: Clock = time.time
    steady: Clock = time.monotonic


@dataclass(slots=True)
class _Node:
    """The state between polls: the index of each board, and the boards that ever responded."""

    names: dict[int, GPU] = field(default_factory=dict)
    boards: set[str] = field(default_factory=set)


class NvmlReader:
    """Reads the GPUs of this node through NVML.

    NVML enumerates the boards when it is initialized. So while a board is lost, NVML is reinitialized from time to time
    (after ``Backoff`` seconds), and finds the board if it is back.
    """

    def __init__(
        self,
        library: Library | None = None,
        clocks: NvmlClocks | None = None,
        namer: Namer = name_of_process,
        retry: Backoff | None = None,
        xid_wait: float = 0.5,
    ) -> None:
        self._library = library or Library()
        self._clocks = clocks or NvmlClocks()
        self._rates = CounterRates()
        self._boards = BoardReader(self._library, self._rates, namer)
        self._xid = XidListener(self._library, self._clocks.steady, xid_wait)
        self._retry = retry or Backoff(first=10.0, most=300.0)
        self._node = _Node()

    @property
    def place(self) -> tuple[str, str] | None:
        """The current call and its subject; None between polls."""
        return self._library.place

    def read(self, request: PollRequest | None = None) -> Snapshot:
        """Return the current readings of NVML, of the fields in *request*.

        Missing: a fact whose call failed; ``GPU.missing`` says why.

        Raises:
            TelemetryError: NVML cannot be initialized, or does not list the GPUs.
        """
        request = request or PollRequest()
        self._library.skipped = request.skipped
        wanted = sampling_of(request.fields)
        try:
            try:
                return self._snapshot(wanted)
            except CallFailed as error:
                if error.code != UNINITIALIZED:
                    raise
                self._stop()  # other code in this process shut NVML down
                return self._snapshot(wanted)
        except CallFailed as error:
            raise TelemetryError(f"NVML does not list the GPUs: {error.reason}; see dmesg and nvidia-smi") from None

    def close(self) -> None:
        """Stop listening and shut NVML down."""
        self._stop()

    def _stop(self) -> None:
        self._xid.stop()
        self._library.stop()
        self._node.names.clear()

    def _snapshot(self, wanted: Wanted) -> Snapshot:
        library, now, at = self._library, self._clocks.wall(), self._clocks.steady()
        library.subject = NO_SUBJECT
        self._restart_if_lost(at)
        library.start()
        count = int(library.ask("nvmlDeviceGetCount"))
        if count > MOST_GPUS:
            raise TelemetryError(f"NVML says that this node has {count} GPUs; see dmesg and nvidia-smi")
        handles: list[tuple[Handle, str]] = []
        gpus: list[GPU] = []
        problems: list[str] = []
        for index in range(count):
            try:
                gpus += self._board(index, CounterPoll("", at, wanted), handles)
            except CallFailed as error:
                if error.code != NO_PERMISSION:
                    raise
                problems.append(
                    f"GPU {index} is skipped because it cannot be opened; a container sees only its own GPUs"
                )
        library.subject = NO_SUBJECT
        if problems and not gpus:
            raise TelemetryError(f"NVML: {REMEDIES[NO_PERMISSION]}")
        if wanted.any_of(("xid", "xid_age")):
            gpus = self._with_xids(gpus, handles, at)
        self._note_the_lost(gpus, at)
        return Snapshot(
            timestamp=now, driver_version=self._driver_version(), gpus=tuple(gpus), problems=tuple(problems)
        )

    def _driver_version(self) -> str | None:
        try:
            return str(self._library.ask("nvmlSystemGetDriverVersion"))
        except CallFailed:
            return None

    def _board(self, index: int, poll: CounterPoll, handles: list[tuple[Handle, str]]) -> tuple[GPU, ...]:
        self._library.subject = f"GPU {index}"
        missing: dict[str, str] = {}
        try:
            handle = self._library.ask("nvmlDeviceGetHandleByIndex", index)
            uuid = self._text("uuid", "nvmlDeviceGetUUID", handle, missing)
            self._library.subject = uuid or f"GPU {index}"
            name = self._text("name", "nvmlDeviceGetName", handle, missing)
        except CallFailed as error:
            if error.code in (UNINITIALIZED, NO_PERMISSION):
                raise
            known = self._node.names.get(index, GPU(index=index, vendor="nvidia", mig=False))
            return (mark_lost(known, error.reason),)
        board = GPU(index=index, uuid=uuid, name=name, vendor="nvidia", mig=False, missing=missing)
        if any(board.identity == other for _, other in handles):  # counters of one are not those of the other
            board = replace(board, uuid=None, missing={**missing, "uuid": f"of two GPUs: {uuid!r}"})
        self._node.names[index] = board
        handles.append((handle, board.identity))
        return self._boards.read(handle, board, replace(poll, owner=board.identity))

    def _text(self, attribute: str, function: str, handle: Handle, missing: dict[str, str]) -> str | None:
        """Return a text; if the GPU returns none, *missing* gets the reason."""
        try:
            return str(self._library.ask(function, handle))
        except CallFailed as error:
            if error.code in FAILURES or error.code == GPU_IS_LOST:
                raise
            missing[attribute] = error.reason
            return None

    def _with_xids(self, gpus: list[GPU], handles: list[tuple[Handle, str]], at: float) -> list[GPU]:
        if not self._xid.is_listening:
            self._xid.start(handles)
        latest = self._xid.latest
        board, with_xids = "", []
        for gpu in gpus:
            board = board if gpu.mig else gpu.identity
            if board in latest:
                xid, since = latest[board]
                with_xids.append(replace(gpu, xid=xid, xid_age=max(0.0, at - since)))
            else:
                reason = self._xid.reason(board)
                with_xids.append(replace(gpu, missing={**gpu.missing, "xid": reason, "xid_age": reason}))
        return with_xids

    def _note_the_lost(self, gpus: list[GPU], at: float) -> None:
        well = {gpu.identity for gpu in gpus if not gpu.mig and not gpu.is_lost}
        self._node.boards |= well
        self._rates.keep(self._node.boards)
        is_any_lost = any(gpu.is_lost for gpu in gpus) or not self._node.boards <= well
        if not is_any_lost:
            self._retry.succeed()
        elif not self._retry.is_failing:
            self._retry.fail(at)

    def _restart_if_lost(self, at: float) -> None:
        if self._retry.is_failing and self._retry.remaining(at) <= 0:
            self._retry.fail(at)
            self._stop()


def sampling_of(fields: Collection[str] | None) -> Wanted:
    """Return the attributes to sample for *fields*, which may include unknown ones; None: all that are cheap.

    >>> sorted(sampling_of({"gpu_power", "hour"}).attributes)
    ['power']
    >>> sampling_of({"gpu_memory"}).any_of({"memory_total"})
    True
    """
    if fields is None:
        return Wanted(_ALL)
    attributes = {_ATTRIBUTES[name] for name in fields if name in _ATTRIBUTES}
    if "memory" in attributes:
        attributes.update(("memory_used", "memory_total"))
    return Wanted(frozenset(attributes), frozenset(attributes))
