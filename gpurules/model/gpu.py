"""What is known of one GPU, and of the processes that use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from typing import Self, TypeAlias

from gpurules.model.ranges import range_of
from gpurules.model.reading import Reader, finite, format_rejected, no_reasons, nothing
from gpurules.model.units import MAX_INTEGER
from gpurules.records import quick

GPUIndex: TypeAlias = int | str
"""A board's index, or ``"1:0"`` for instance 0 of a partitioned GPU 1."""

NUMBERS = (
    "memory", "memory_used", "memory_free", "memory_total", "memory_reserved", "utilization", "memory_busy",
    "temperature", "memory_temperature", "temperature_margin", "power", "power_limit", "energy", "clock_sm",
    "clock_memory", "fan_speed", "pcie_rx", "pcie_tx", "nvlink_rx", "nvlink_tx", "ecc_errors", "xid", "xid_age",
    "process_count", "memory_temperature_limit", "ecc_errors_corrected", "ecc_errors_sram", "ecc_errors_dram",
    "ecc_errors_corrected_sram", "ecc_errors_corrected_dram", "rows_remapped_correctable",
    "rows_remapped_uncorrectable", "retired_pages", "retired_pages_single_bit", "retired_pages_double_bit",
    "pcie_replays", "nvlink_errors", "pcie_gen", "pcie_gen_max", "pcie_width", "pcie_width_max",
)  # fmt: skip
THROTTLE = (
    "throttled", "throttle_thermal", "throttle_power", "throttle_hw_slowdown", "throttle_hw_thermal",
    "throttle_hw_power_brake", "throttle_sw_thermal", "throttle_sw_power_cap", "throttle_sync_boost",
)  # fmt: skip
"""Whether the GPU is slowed down, and why: the reasons of a driver, and what they say together."""
FLAGS = (*THROTTLE, "row_remap_pending", "row_remap_failure", "retired_pages_pending", "mig")
TEXTS = ("uuid", "name")
_TEXTUAL = ("uuid", "name", "vendor", "status", "fabric_state")
_LIMITS = tuple(
    (name, limits.minimum, limits.maximum or MAX_INTEGER) for name in NUMBERS for limits in [range_of(name)]
)
_numbers, _texts, _flags = attrgetter(*NUMBERS), attrgetter(*_TEXTUAL), attrgetter(*FLAGS)
_NO_IDENTITY = frozenset(
    {"", "n/a", "na", "none", "null", "unknown", "not supported", "not available", "unknown error", "gpu is lost"}
)
"""What drivers and tools give where they cannot give a UUID."""
_LONGEST_INDEX = 100
_PLAIN_NUMBERS = (int, float)
_TEXT_OR_NONE, _FLAG_OR_NONE = frozenset((str, type(None))), frozenset((bool, type(None)))
VENDORS = ("nvidia", "amd", "intel", "other")
STATUSES = ("ok", "degraded", "lost", "unavailable")
FABRIC_STATES = ("not_supported", "not_started", "in_progress", "completed", "failed")
"""How far a GPU is in joining the fabric of its NVLink switches; ``failed`` is completed with an error."""


def is_identity(uuid: str) -> bool:
    """Return whether *uuid* can identify a GPU: drivers also answer with nothing, or with ``[N/A]``.

    >>> is_identity("GPU-1f"), is_identity(" "), is_identity("[N/A]")
    (True, False, False)
    """
    return _is_identity(uuid) if len(uuid) <= _LONGEST_INDEX else _is_any_identity(uuid)


def _is_any_identity(uuid: str) -> bool:
    word = uuid.strip().strip("[]()").strip().lower()
    return word not in _NO_IDENTITY and not word.startswith("index ")


_is_identity = lru_cache(maxsize=4096)(_is_any_identity)  # the same GPUs come again at each poll


@dataclass(frozen=True, slots=True)
class GPUProcess:
    """A process that uses a GPU.

    Units: ``memory_used`` in bytes.
    Missing: the driver does not report (``memory_used`` on Windows WDDM and in some containers).
    Source: nvmlDeviceGetComputeRunningProcesses and its graphics and MPS relatives.
    """

    pid: int
    name: str | None = None
    memory_used: int | None = None
    kind: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the process as JSON-ready data."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}


_DERIVED_FROM = {"memory": ("memory_used", "memory_total"), "memory_free": ("memory_used", "memory_total")}
"""What :class:`GPU` derives, and from which attributes."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class GPU:
    """One GPU (or MIG instance) at one point in time.

    Units: memory in bytes, ``memory utilization memory_busy fan_speed`` in percent 0..100, temperatures in celsius,
    power in watts, energy in joules, clocks in hertz, PCIe and NVLink in bytes/second, ``xid_age`` in seconds.
    Missing: None. NaN, infinities and what is outside the range of its attribute (``model.ranges``) are missing too;
    ``missing`` says why.

    >>> GPU(index=0, memory_used=40, memory_total=80).memory
    50.0
    """

    index: GPUIndex = 0
    uuid: str | None = None
    name: str | None = None
    vendor: str | None = None
    status: str | None = None
    memory: float | None = None
    memory_used: float | None = None
    memory_free: float | None = None
    memory_total: float | None = None
    memory_reserved: float | None = None
    utilization: float | None = None
    memory_busy: float | None = None
    temperature: float | None = None
    memory_temperature: float | None = None
    memory_temperature_limit: float | None = None
    temperature_margin: float | None = None
    power: float | None = None
    power_limit: float | None = None
    energy: float | None = None
    clock_sm: float | None = None
    clock_memory: float | None = None
    fan_speed: float | None = None
    throttled: bool | None = None
    throttle_thermal: bool | None = None
    throttle_power: bool | None = None
    throttle_hw_slowdown: bool | None = None
    throttle_hw_thermal: bool | None = None
    throttle_hw_power_brake: bool | None = None
    throttle_sw_thermal: bool | None = None
    throttle_sw_power_cap: bool | None = None
    throttle_sync_boost: bool | None = None
    pcie_rx: float | None = None
    pcie_tx: float | None = None
    nvlink_rx: float | None = None
    nvlink_tx: float | None = None
    ecc_errors: float | None = None
    ecc_errors_corrected: float | None = None
    ecc_errors_sram: float | None = None
    ecc_errors_dram: float | None = None
    ecc_errors_corrected_sram: float | None = None
    ecc_errors_corrected_dram: float | None = None
    row_remap_pending: bool | None = None
    row_remap_failure: bool | None = None
    rows_remapped_correctable: float | None = None
    rows_remapped_uncorrectable: float | None = None
    retired_pages: float | None = None
    retired_pages_single_bit: float | None = None
    retired_pages_double_bit: float | None = None
    retired_pages_pending: bool | None = None
    pcie_replays: float | None = None
    pcie_gen: float | None = None
    pcie_gen_max: float | None = None
    pcie_width: float | None = None
    pcie_width_max: float | None = None
    nvlink_errors: float | None = None
    fabric_state: str | None = None
    xid: float | None = None
    xid_age: float | None = None
    process_count: float | None = None
    mig: bool | None = None
    healthy: bool = True
    labels: Mapping[str, object] = field(default_factory=nothing)
    processes: tuple[GPUProcess, ...] = ()
    missing: Mapping[str, str] = field(default_factory=no_reasons, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Keep only real numbers that can be, and derive ``memory`` and ``memory_free``."""
        if type(self.index) is not int:
            object.__setattr__(self, "index", read_index(self.index, 0))
        for value, (name, minimum, maximum) in zip(_numbers(self), _LIMITS):
            if value is None or (type(value) in _PLAIN_NUMBERS and minimum <= value <= maximum):
                continue  # nearly always
            self._check_number(name, value)
        if not _TEXT_OR_NONE.issuperset(map(type, _texts(self))):
            for value, name in zip(_texts(self), _TEXTUAL):
                if value is not None and not isinstance(value, str):
                    self._refuse(name, f"not a string: {format_rejected(value)}")
        if self.uuid is not None and not is_identity(self.uuid):
            self._refuse("uuid", f"not an identifier: {format_rejected(self.uuid)}")
        if not _FLAG_OR_NONE.issuperset(map(type, _flags(self))):
            for value, name in zip(_flags(self), FLAGS):
                if value is not None and not isinstance(value, bool):
                    self._refuse(name, f"not true or false: {format_rejected(value)}")
        self._derive()

    def _check_number(self, name: str, value: object) -> None:
        read = finite(value)
        if read is None:
            self._refuse(name, f"not a finite number: {format_rejected(value)}")
        elif refusal := range_of(name).refusal(read):
            self._refuse(name, refusal)
        elif read is not value:
            object.__setattr__(self, name, read)

    def _refuse(self, name: str, reason: str) -> None:
        """Make the attribute *name* missing, for *reason*."""
        object.__setattr__(self, name, None)
        object.__setattr__(self, "missing", {**self.missing, name: reason})

    def _derive(self) -> None:
        """Derive the share of memory in use, and the memory that is free, from what is used and in total."""
        used, total = self.memory_used, self.memory_total
        if used is None or total is None:
            return
        if total:
            share = finite(100 * used / total)
            if share is None:
                self._refuse("memory", "memory_used over memory_total is not a finite number")
            else:
                object.__setattr__(self, "memory", share)
                if "memory" in self.missing:  # a share that was given and refused, beside figures that do give one
                    object.__setattr__(self, "missing", {k: v for k, v in self.missing.items() if k != "memory"})
        if self.memory_free is None:
            if total >= used:
                object.__setattr__(self, "memory_free", total - used)
            else:
                self._refuse("memory_free", "memory_used is above memory_total")

    @property
    def identity(self) -> str:
        """What this GPU is known by over time: its UUID, else its index."""
        return self.uuid or f"index {self.index}"

    @property
    def index_number(self) -> int | None:
        """The index as a number; of a MIG instance that of its parent.

        Missing: an index that is neither a number nor ``parent:instance``.
        """
        index = self.index
        if isinstance(index, int):
            return index
        parent = index.partition(":")[0]
        return int(parent) if parent.isdecimal() and len(parent) < 10 else None

    @property
    def is_lost(self) -> bool:
        """Whether the GPU did not answer: unhealthy, or of status ``lost``."""
        return not self.healthy or self.status == "lost"

    def why_missing(self, attribute: str) -> str:
        """Return why *attribute* has no value: its own reason, or that of what it is derived from.

        Missing: empty where the source gave no reason, or where there is a value.

        >>> GPU(missing={"memory_used": "gpu is lost"}).why_missing("memory")
        'gpu is lost'
        """
        if getattr(self, attribute, None) is not None:
            return ""
        names = (attribute, *_DERIVED_FROM.get(attribute, ()))
        return next((reason for name in names if (reason := self.missing.get(name))), "")

    def without_readings(self, status: str, missing: Mapping[str, str] | None = None, keeps_xid: bool = False) -> Self:
        """Return the identity of this GPU alone, as one that does not answer; with *keeps_xid* its last Xid too."""
        return type(self)(
            index=self.index,
            uuid=self.uuid,
            name=self.name,
            vendor=self.vendor,
            mig=self.mig,
            status=status,
            healthy=False,
            xid=self.xid if keeps_xid else None,
            xid_age=self.xid_age if keeps_xid else None,
            missing=missing or no_reasons(),
        )

    @classmethod
    def from_dict(cls, data: object, position: int = 0) -> Self:
        """Return the GPU that JSON *data* describes; *position* is its index where it has none.

        Missing: whatever is absent, null, of the wrong type, not finite or out of range; ``missing`` says why.

        Raises:
            FactError: *data* is not a mapping.
        """
        read = Reader(data, "a GPU")
        values = {name: value for name, value in read.entries() if value is not None and name in _READ}
        vendor = values.get("vendor")
        if isinstance(vendor, str) and vendor not in VENDORS:
            values["vendor"] = "other"
        for name, known in _CLOSED:
            said = values.get(name)
            if isinstance(said, str) and said not in known:
                read.missing[name] = f"no known {name.replace('_', ' ')}: {said[:40]!r}"
                del values[name]
        healthy = read.flag("healthy")
        if "processes" in values:
            values["processes"] = tuple(p for item in read.items("processes") if (p := _process(item)) is not None)
        if "labels" in values:
            values["labels"] = read.mapping("labels")
        reasons = {key: str(reason) for key, reason in read.mapping("missing").items()}
        return cls(
            index=read_index(read.raw("index"), position),
            healthy=healthy is not False,
            missing={**reasons, **read.missing},
            **values,  # type: ignore[arg-type]
        )

    def to_dict(self) -> dict[str, object]:
        """Return the GPU as JSON-ready data; what is missing is left out."""
        data: dict[str, object] = {"index": self.index}
        for name in _PLAIN:
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        if not self.healthy:
            data["healthy"] = False
        if self.labels:
            data["labels"] = dict(self.labels)
        if self.processes:
            data["processes"] = [p.to_dict() for p in self.processes]
        if self.missing:
            data["missing"] = dict(self.missing)
        return data


_PLAIN = tuple(f.name for f in fields(GPU) if f.name not in ("index", "healthy", "labels", "processes", "missing"))
_READ = frozenset((*_PLAIN, "labels", "processes"))
_CLOSED = (("status", STATUSES), ("fabric_state", FABRIC_STATES))
"""Texts with a fixed set of values; an unknown vendor is ``other`` instead."""


def read_index(value: object, position: int) -> GPUIndex:
    """Return an index of JSON; *position* where there is none that people could name a GPU by."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return position
    if isinstance(value, str) and not (value.isprintable() and len(value) <= _LONGEST_INDEX):
        return position
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value


def _process(data: object) -> GPUProcess | None:
    if not isinstance(data, Mapping):
        return None
    pid, name, kind = data.get("pid"), data.get("name"), data.get("kind")
    used = finite(data.get("memory_used"))
    if not isinstance(pid, int):
        return None
    return GPUProcess(
        pid,
        name if isinstance(name, str) else None,
        None if used is None or used < 0 else int(used),
        kind if isinstance(kind, str) else None,
    )
