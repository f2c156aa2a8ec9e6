"""The traffic of a GPU and the temperature of its memory, which NVML reports as field values.

PCIe and NVLink are counters, and so become rates from the second poll on. If a board has no PCIe counters, the driver
can measure the traffic for 20 ms in each direction, which is done only for fields requested by name.

Source: nvmlDeviceGetFieldValues, nvmlDeviceGetPcieThroughput; scope 2**32-1 is the sum over all links.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpurules.telemetry.nvml.library import NOT_SUPPORTED, REASONS, CallFailed, Handle, Library
from gpurules.telemetry.tracking.counter_rates import CounterRates

ALL_LINKS = 2**32 - 1
MOST_LINKS = 18
_KIB = 1024
_UNSIGNED_INT = 1
_MEMORY_TEMPERATURE = 82
_PCIE = {"pcie_tx": 197, "pcie_rx": 198}
_NVLINK = {"nvlink_tx": 138, "nvlink_rx": 139}
_DIRECTION = {"pcie_tx": 0, "pcie_rx": 1}
SLOW = "takes 20 ms; sampled only on request"
ATTRIBUTES = ("memory_temperature", *_PCIE, *_NVLINK)
"""What this module gives."""


@dataclass(slots=True)
class GpuFacts:
    """Values by attribute, and why others are missing."""

    values: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def put(self, attribute: str, value: float | str | None, reason: str | None) -> None:
        """Add a value, or the reason why there is none."""
        if value is not None:
            self.values[attribute] = value
        else:
            self.missing[attribute] = reason or "no value"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The GPU attributes to sample, and those requested by name."""

    attributes: frozenset[str]
    by_name: frozenset[str] = frozenset()

    def any_of(self, attributes: Collection[str]) -> bool:
        """Whether any of *attributes* is to be sampled."""
        return not self.attributes.isdisjoint(attributes)


@dataclass(frozen=True, slots=True)
class CounterPoll:
    """One poll of one GPU: the GPU, the time and the request.

    Units: ``at`` in seconds of a monotonic clock.
    """

    owner: str
    at: float
    wanted: Wanted


def read_counters(library: Library, handle: Handle, poll: CounterPoll, rates: CounterRates) -> GpuFacts:
    """Return the requested field values; counters as rates.

    Units: bytes/second; celsius.

    Raises:
        CallFailed: the call as a whole fails.
    """
    facts = GpuFacts()
    wanted = [name for name in ATTRIBUTES if name in poll.wanted.attributes]
    if not wanted:
        return facts
    answers = _field_values(library, handle, wanted)
    for name in wanted:
        value, reason = answers[name]
        if value is not None and name != "memory_temperature":
            value, reason = rates.rate(poll.owner, name, value, poll.at)
        elif name in _PCIE and value is None:
            value, reason = _measure(library, handle, name, poll.wanted)
        facts.put(name, value, reason)
    return facts


Answer = tuple[float | None, str | None]


def _field_values(library: Library, handle: Handle, wanted: Collection[str]) -> Mapping[str, Answer]:
    """Return the field values by attribute: celsius, or bytes counted."""
    asked: dict[str, tuple[int, int]] = {}
    for name in wanted:
        asked[name] = (_NVLINK[name], ALL_LINKS) if name in _NVLINK else (_PCIE.get(name, _MEMORY_TEMPERATURE), 0)
    answers = library.ask("nvmlDeviceGetFieldValues", handle, list(asked.values()))
    found = {name: _answer(answer, name) for name, answer in zip(asked, answers)}
    for name in _NVLINK:
        if name in found and found[name][0] is None:
            found[name] = _sum_of_links(library, handle, name, found[name][1])
    return found


def _answer(answer: Any, name: str) -> Answer:
    code = int(answer.nvmlReturn)
    if code:
        return None, REASONS.get(code, f"NVML error {code}")
    narrow = int(answer.valueType) == _UNSIGNED_INT
    if narrow and name in _PCIE:  # a 32-bit byte counter wraps within a second, so a rate over a poll would be wrong
        return None, REASONS[NOT_SUPPORTED]
    value = int(answer.value.uiVal if narrow else answer.value.ullVal)
    return float(value * _KIB) if name in _NVLINK else value, None


def _sum_of_links(library: Library, handle: Handle, name: str, reason: str | None) -> Answer:
    """Return the sum over the links that respond, for drivers that do not provide the sum."""
    answers = library.ask("nvmlDeviceGetFieldValues", handle, [(_NVLINK[name], link) for link in range(MOST_LINKS)])
    counts = [count for answer in answers if (count := _answer(answer, name)[0]) is not None]
    return (sum(counts), None) if counts else (None, reason)


def _measure(library: Library, handle: Handle, name: str, wanted: Wanted) -> Answer:
    if name not in wanted.by_name:
        return None, SLOW
    try:
        return library.ask("nvmlDeviceGetPcieThroughput", handle, _DIRECTION[name]) * _KIB, None
    except CallFailed as error:
        return None, error.reason
