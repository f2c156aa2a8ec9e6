"""Reads one board: its own facts, its processes and its MIG instances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gpurules.model import GPU, GPUProcess
from gpurules.telemetry.mig import ON_BOTH, Instance, with_instances
from gpurules.telemetry.nvml.calls import NvmlCall
from gpurules.telemetry.nvml.counters import ATTRIBUTES, CounterPoll, GpuFacts, read_counters
from gpurules.telemetry.nvml.library import FAILURES, GPU_IS_LOST, NOT_TEXT, REASONS, CallFailed, Handle, Library
from gpurules.telemetry.nvml.processes import Namer, read_processes
from gpurules.telemetry.nvml.readings import MEMORY, READINGS, read_memory, read_temperature
from gpurules.telemetry.tracking.counter_rates import CounterRates
from gpurules.telemetry.tracking.gpu_tracker import mark_lost

NO_SHARE = "NVML does not report it for a MIG instance"
_FAILED = frozenset(REASONS[code] for code in FAILURES)
_PROCESSES = "process_count"
_MOST_INSTANCES = 64
"""No GPU can be split further: a larger number is not a count."""


@dataclass(frozen=True, slots=True)
class BoardReader:
    """Reads boards; ``rates`` holds the counters of the previous poll."""

    library: Library
    rates: CounterRates
    namer: Namer

    def read(self, handle: Handle, board: GPU, poll: CounterPoll) -> tuple[GPU, ...]:
        """Return the GPU of *handle*, whose identity is in *board*, followed by its MIG instances.

        Missing: each fact whose call failed, with the reason; all if the GPU is lost.
        """
        try:
            facts = self._facts(handle, poll)
            processes = self._processes(facts, handle, poll)
            instances = self._instances(handle, poll)
            failures = [reason for reason in facts.missing.values() if reason in _FAILED]
            if not facts.values:
                self._check(handle)
        except _Lost as error:
            return (mark_lost(board, error.reason),)
        whole = replace(
            board,
            status="degraded" if failures else "ok",
            processes=processes,
            missing={**board.missing, **facts.missing},
            **facts.values,
        )
        reasons = {name: reason for name, reason in facts.missing.items() if name in ON_BOTH}
        parts = (replace(part, facts=_with_reasons(part.facts, reasons)) for part in instances)
        return with_instances(whole, tuple(parts))

    def _facts(self, handle: Handle, poll: CounterPoll) -> GpuFacts:
        facts = GpuFacts()
        for reading in READINGS:
            if poll.wanted.any_of(reading.attributes):
                self._take(facts, reading, handle)
        with _failing(facts, [name for name in ATTRIBUTES if name in poll.wanted.attributes]):
            counted = read_counters(self.library, handle, poll, self.rates)
            facts.values |= counted.values
            facts.missing |= counted.missing
        return facts

    def _check(self, handle: Handle) -> None:
        """Check whether a GPU that reported nothing responds at all, by a call that every GPU supports."""
        try:
            read_temperature(self.library, handle)
        except CallFailed as error:
            if error.code in FAILURES or error.code == GPU_IS_LOST:
                raise _Lost(error.reason) from None

    def _take(self, facts: GpuFacts, reading: NvmlCall, handle: Handle) -> None:
        with _failing(facts, reading.attributes):
            values = reading.read(self.library, handle)
            for attribute in reading.attributes:
                facts.put(attribute, values.get(attribute), "not reported by this driver")

    def _processes(self, facts: GpuFacts, handle: Handle, poll: CounterPoll) -> tuple[GPUProcess, ...]:
        found: tuple[GPUProcess, ...] = ()
        if _PROCESSES in poll.wanted.attributes:
            with _failing(facts, (_PROCESSES,)):
                found = read_processes(self.library, handle, self.namer)
                facts.values[_PROCESSES] = len(found)
        return found

    def _instances(self, handle: Handle, poll: CounterPoll) -> tuple[Instance, ...]:
        """Return the MIG instances; none if the board is not, or cannot be, partitioned."""
        try:
            if self.library.ask("nvmlDeviceGetMigMode", handle)[0] != 1:
                return ()
            most = min(int(self.library.ask("nvmlDeviceGetMaxMigDeviceCount", handle)), _MOST_INSTANCES)
        except CallFailed as error:
            _raise_if_lost(error)
            return ()
        found = (self._instance(handle, index, poll) for index in range(most))
        return tuple(instance for instance in found if instance is not None)

    def _instance(self, board: Handle, index: int, poll: CounterPoll) -> Instance | None:
        ask = self.library.ask
        try:
            handle = ask("nvmlDeviceGetMigDeviceHandleByIndex", board, index)
            uuid = self._uuid(handle)
        except CallFailed as error:
            _raise_if_lost(error)
            return None
        facts = GpuFacts(missing={"utilization": NO_SHARE, "memory_busy": NO_SHARE})
        if poll.wanted.any_of(MEMORY):
            self._take(facts, NvmlCall(MEMORY, read_memory), handle)
        processes = self._processes(facts, handle, poll)
        return Instance(
            index=index,
            gpu_instance=_number(lambda: ask("nvmlDeviceGetGpuInstanceId", handle)),
            compute_instance=_number(lambda: ask("nvmlDeviceGetComputeInstanceId", handle)),
            facts=GPU(missing=facts.missing, **facts.values),
            processes=processes if _PROCESSES in facts.values else None,
            uuid=uuid,
            profile=_profile(_text(lambda: ask("nvmlDeviceGetName", handle))),
        )

    def _uuid(self, instance: Handle) -> str | None:
        try:
            return str(self.library.ask("nvmlDeviceGetUUID", instance)).strip() or None
        except CallFailed as error:
            if error.code != NOT_TEXT:
                raise
            return None


class _Lost(Exception):
    """The GPU is lost, so further calls are pointless."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _failing:
    """Records the error of a call as the reason why *attributes* are missing."""

    def __init__(self, facts: GpuFacts, attributes: Sequence[str]) -> None:
        self._facts = facts
        self._attributes = attributes

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, CallFailed):
            return False
        _raise_if_lost(error)
        self._facts.missing |= dict.fromkeys(self._attributes, error.reason)
        return True


def _raise_if_lost(error: CallFailed) -> None:
    if error.code == GPU_IS_LOST:
        raise _Lost(error.reason) from None


def _with_reasons(facts: GPU, reasons: dict[str, str]) -> GPU:
    return replace(facts, missing={**reasons, **facts.missing})


def _number(ask: Callable[[], int]) -> int | None:
    try:
        return int(ask())
    except CallFailed:
        return None


def _text(ask: Callable[[], str]) -> str:
    try:
        return str(ask())
    except CallFailed:
        return ""


def _profile(name: str) -> str | None:
    """Return ``3g.20gb`` of ``NVIDIA A100-SXM4-40GB MIG 3g.20gb``."""
    return name.partition(" MIG ")[2] or None
