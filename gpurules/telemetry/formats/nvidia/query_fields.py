"""Builds a GPU from the values that nvidia-smi reports under its query field names.

In every format (CSV, XML, text), a GPU's record is a mapping from query fields to cells, so only this module knows the
meaning of query fields.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from gpurules.model import GPU, UNITS, Dimension, GPUIndex, GPUProcess
from gpurules.model.ranges import range_of
from gpurules.model.reading import EMPTY
from gpurules.telemetry.formats.cells import (
    FAILED,
    LOST,
    PLAIN_NUMBER,
    Number,
    read_number,
    reason_of_absence,
    scale_number,
)
from gpurules.telemetry.formats.nvidia.health import (
    REASONS,
    fabric_of_text,
    read_flag,
    reasons_of_bitmask,
    throttle_flags,
    with_page_total,
)


@dataclass(frozen=True, slots=True)
class QueryQuantity:
    """A number of the model, and its query fields, best first."""

    attribute: str
    dimension: Dimension
    unit: str
    names: tuple[str, ...]

    def refusal(self, value: Number) -> str | None:
        """Return why *value* is out of range for this quantity; None if it is valid."""
        return range_of(self.attribute).refusal(value)


QUANTITIES = (
    QueryQuantity("memory_total", Dimension.BYTES, "MiB", ("memory.total",)),
    QueryQuantity("memory_used", Dimension.BYTES, "MiB", ("memory.used",)),
    QueryQuantity("memory_free", Dimension.BYTES, "MiB", ("memory.free",)),
    QueryQuantity("memory_reserved", Dimension.BYTES, "MiB", ("memory.reserved",)),
    QueryQuantity("utilization", Dimension.PERCENT, "%", ("utilization.gpu",)),
    QueryQuantity("memory_busy", Dimension.PERCENT, "%", ("utilization.memory",)),
    QueryQuantity("temperature", Dimension.CELSIUS, "C", ("temperature.gpu",)),
    QueryQuantity("memory_temperature", Dimension.CELSIUS, "C", ("temperature.memory",)),
    QueryQuantity("temperature_margin", Dimension.CELSIUS, "C", ("temperature.gpu.tlimit",)),
    QueryQuantity("power", Dimension.WATTS, "W", ("power.draw", "power.draw.average", "power.draw.instant")),
    QueryQuantity("power_limit", Dimension.WATTS, "W", ("enforced.power.limit", "power.limit")),
    QueryQuantity("clock_sm", Dimension.HERTZ, "MHz", ("clocks.current.sm",)),
    QueryQuantity("clock_memory", Dimension.HERTZ, "MHz", ("clocks.current.memory",)),
    QueryQuantity("fan_speed", Dimension.PERCENT, "%", ("fan.speed",)),
    QueryQuantity("pcie_rx", Dimension.BYTES_PER_SECOND, "KB/s", ("pcie.rx",)),
    QueryQuantity("pcie_tx", Dimension.BYTES_PER_SECOND, "KB/s", ("pcie.tx",)),
    QueryQuantity("ecc_errors", Dimension.NONE, "", ("ecc.errors.uncorrected.volatile.total",)),
    QueryQuantity("memory_temperature_limit", Dimension.CELSIUS, "C", ("temperature.memory.limit",)),
    *(
        QueryQuantity(attribute, Dimension.NONE, "", names)
        for attribute, names in {
            "ecc_errors_corrected": ("ecc.errors.corrected.volatile.total",),
            "ecc_errors_sram": ("ecc.errors.uncorrected.volatile.sram",),
            "ecc_errors_dram": (
                "ecc.errors.uncorrected.volatile.dram", "ecc.errors.uncorrected.volatile.device_memory",
            ),
            "ecc_errors_corrected_sram": ("ecc.errors.corrected.volatile.sram",),
            "ecc_errors_corrected_dram": (
                "ecc.errors.corrected.volatile.dram", "ecc.errors.corrected.volatile.device_memory",
            ),
            "rows_remapped_correctable": ("remapped_rows.correctable",),
            "rows_remapped_uncorrectable": ("remapped_rows.uncorrectable",),
            "retired_pages_single_bit": ("retired_pages.single_bit_ecc.count",),
            "retired_pages_double_bit": ("retired_pages.double_bit.count",),
            "pcie_replays": ("pcie.replays",),
            "pcie_gen": ("pcie.link.gen.gpucurrent", "pcie.link.gen.current"),
            "pcie_gen_max": ("pcie.link.gen.max",),
            "pcie_width": ("pcie.link.width.current",),
            "pcie_width_max": ("pcie.link.width.max",),
        }.items()
    ),
)  # fmt: skip
"""Units: what nvidia-smi means where it prints none (``nounits``)."""
ONLY_IN_TREE = frozenset(
    {"pcie.rx", "pcie.tx", "pcie.replays", "temperature.memory.limit", "remapped_rows.correctable",
     "remapped_rows.uncorrectable", "remapped_rows.pending", "remapped_rows.failure"}
)  # fmt: skip
"""What -q prints and --query-gpu does not know, by names like those of the others."""

FLAGS = {
    "remapped_rows.pending": "row_remap_pending",
    "remapped_rows.failure": "row_remap_failure",
    "retired_pages.pending": "retired_pages_pending",
}
"""The query fields that say yes or no, and their attributes."""
FABRIC = ("fabric.state", "fabric.status")
EVENTS = "clocks_event_reasons."

ALIASES = {
    "gpu_name": "name", "gpu_uuid": "uuid", "gpu_bus_id": "pci.bus_id", "gpu_index": "index", "gpu.index": "index",
    "clocks.sm": "clocks.current.sm", "clocks.mem": "clocks.current.memory", "used_memory": "used_gpu_memory",
    "clocks.current.mem": "clocks.current.memory",
}  # fmt: skip
TEXTS = ("timestamp", "index", "uuid", "name", "pci.bus_id", "pstate", "driver_version", "hostname", "mig.mode.current")
KNOWN = frozenset(
    {name for quantity in QUANTITIES for name in quantity.names}
    | set(TEXTS)
    | {EVENTS + reason for reason in (*REASONS, "active")}
    | set(FLAGS)
    | set(FABRIC)
)
"""The query fields that become facts."""

QUANTITY_OF = {name: quantity for quantity in QUANTITIES for name in quantity.names}
"""The quantity that each query field gives."""
READINGS = frozenset(QUANTITY_OF) | {EVENTS + reason for reason in (*REASONS, "active")} | set(FLAGS)
"""The query fields that are readings, and not just a time, a name or an identity."""


def query_name(name: str) -> str:
    """Return the current name of a query field that has been renamed.

    >>> query_name("clocks_throttle_reasons.sw_power_cap")
    'clocks_event_reasons.sw_power_cap'
    """
    name = name.strip().lower().replace("clocks_throttle_reasons.", EVENTS)
    return ALIASES.get(name, name)


def read_text(cells: Mapping[str, str], name: str) -> str | None:
    """Return a cell's text; None if the cell is absent or says that there is no value."""
    text = cells.get(name)
    return None if text is None else _text(text) if len(text) <= _LONGEST else _text.__wrapped__(text)


@lru_cache(maxsize=1 << 13)
def _text(text: str) -> str | None:
    return None if reason_of_absence(text) is not None else text.strip()


def gpu_from_cells(
    cells: Mapping[str, str],
    position: GPUIndex = 0,
    units: Mapping[str, str] | None = None,
    processes: tuple[GPUProcess, ...] | None = None,
) -> GPU:
    """Return the GPU that *cells* describe; *units* are the header's units of cells without their own.

    Missing: see ``GPU.missing`` for what the recording names but does not report.
    """
    names = tuple(cells) if len(cells) < _MOST_COLUMNS else tuple(KNOWN.intersection(cells))
    quantities, events, labels = _plan(names, tuple(units.items()) if units else ())
    values, missing = _quantities(cells, quantities)
    throttle = _throttle(cells, events, missing) if events else {}
    with_page_total(values)
    status = _status(missing, bool(values)) if missing else "ok"
    uuid, index = read_text(cells, "uuid"), read_text(cells, "index")
    return GPU(
        index=index_of(index, position),
        uuid=uuid,
        name=read_text(cells, "name"),
        vendor="nvidia",
        status=status,
        healthy=status != "lost",
        mig=uuid is not None and uuid.startswith("MIG-"),
        memory=_share(values),
        labels={key: text for key, name in labels if (text := read_text(cells, name)) is not None} or EMPTY,
        processes=processes or (),
        process_count=None if processes is None else len(processes),
        missing=missing,
        fabric_state=fabric_of_text(cells[FABRIC[0]], cells.get(FABRIC[1], "")) if FABRIC[0] in cells else None,
        **values,  # type: ignore[arg-type]
        **throttle,
        **_flags(cells, missing),
    )


_LABELS = (("pci_bus_id", "pci.bus_id"), ("pstate", "pstate"))
_LONGEST, _MOST_COLUMNS, _MOST_CELLS = 80, 256, 8192
"""Characters of a cell that are looked at; names, and cells of a column, that are kept: what is kept is bounded."""


def index_of(text: str | None, position: GPUIndex) -> GPUIndex:
    """Return the index in a cell, or *position* if it has none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else text or position


class _Column(dict[str, tuple[Number | None, str | None]]):
    """A cache of the parsed cells of one column, since most cells of a log repeat."""

    def __init__(self, name: str, unit: str | None) -> None:
        self._dimension = QUANTITY_OF[name].dimension
        self._range = range_of(QUANTITY_OF[name].attribute)
        self._unit = unit or QUANTITY_OF[name].unit
        own = UNITS.get(self._unit)
        is_usual = not self._unit or (own is not None and own.dimension is self._dimension)
        self._own: tuple[str | None, ...] = (None, self._unit) if is_usual else ()
        self._own_unit = own

    def __missing__(self, text: str) -> tuple[Number | None, str | None]:
        """Return the value of a cell, or why it has none."""
        value: Number | None
        plain = PLAIN_NUMBER.fullmatch(text)
        if plain is not None and plain[3] in self._own:  # the case of nearly every number
            figure = float(text[: plain.end(2)]) if plain[2] else int(plain[1])
            value, reason = (scale_number(figure, self._own_unit) if self._own_unit else figure), None
        else:
            value, reason = read_number(text[:_LONGEST], self._dimension, self._unit)
        if value is not None and (refusal := self._range.refusal(value)):
            value, reason = None, refusal
        if len(text) <= _LONGEST:
            if len(self) >= _MOST_CELLS:
                self.clear()
            self[text] = value, reason
        return value, reason


_column = lru_cache(maxsize=128)(_Column)
Quantities: TypeAlias = tuple[tuple[str, str, _Column], ...]
"""Columns that are quantities, each with its attribute and the values of its cells."""


def _quantities(cells: Mapping[str, str], quantities: Quantities) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for name, attribute, column in quantities:
        if attribute in values:
            continue
        value, reason = column[cells[name]]
        if value is not None:
            values[attribute] = value
            missing.pop(attribute, None)
        else:
            missing.setdefault(attribute, reason or "no value")
    return values, missing


@lru_cache(maxsize=64)
def _plan(
    names: tuple[str, ...], units: tuple[tuple[str, str], ...]
) -> tuple[Quantities, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the plan for reading the columns *names*, computed once per header.

    First quantities, the best column of each first; then clock event reasons; then labels.
    """
    present, unit_of = frozenset(names), dict(units)
    return (
        tuple(
            (name, quantity.attribute, _column(name, unit_of.get(name)))
            for quantity in QUANTITIES
            for name in quantity.names
            if name in present
        ),
        tuple(name for name in (EVENTS + reason for reason in (*REASONS, "active")) if name in present),
        tuple((label, name) for label, name in _LABELS if name in present),
    )


def _share(values: Mapping[str, Number]) -> float | None:
    """Return the share of memory in use if no total is recorded; the reserve then counts as neither."""
    used, free = values.get("memory_used"), values.get("memory_free")
    if "memory_total" in values or used is None or free is None or not 0 < used + free < math.inf:
        return None
    return 100 * used / (used + free)


def _flags(cells: Mapping[str, str], missing: dict[str, str]) -> dict[str, bool | None]:
    found: dict[str, bool | None] = {}
    for name, attribute in FLAGS.items():
        if name in cells:
            found[attribute], reason = read_flag(cells[name])
            if reason is not None:
                missing[attribute] = reason
    return found


def _reason(cells: Mapping[str, str], reason: str, mask: Mapping[str, bool | None]) -> bool | None:
    said = read_flag(cells.get(EVENTS + reason, ""))[0]
    return mask.get(reason) if said is None else said


def _throttle(cells: Mapping[str, str], events: tuple[str, ...], missing: dict[str, str]) -> Mapping[str, bool | None]:
    texts = tuple([cells[name] for name in events])
    known = _throttle_of if sum(map(len, texts)) < _LONGEST * len(texts) else _throttle_of.__wrapped__
    facts, reasons = known(events, texts)
    missing.update(reasons)
    return facts


@lru_cache(maxsize=1024)
def _throttle_of(
    events: tuple[str, ...], texts: tuple[str, ...]
) -> tuple[Mapping[str, bool | None], Mapping[str, str]]:
    """Return the throttle facts of the clock event reasons, and why some are missing."""
    cells = dict(zip(events, texts))
    mask = (read_text(cells, EVENTS + "active") or "").lower()
    try:
        active = int(mask, 16) if mask.startswith("0x") and len(mask) <= 18 else None
    except ValueError:
        active = None
    known = {} if active is None else reasons_of_bitmask(active)
    facts = throttle_flags({reason: _reason(cells, reason, known) for reason in REASONS})
    is_engaged = facts["throttle_hw_slowdown"] is True
    otherwise = "hw slowdown is active, but its cause is not reported" if is_engaged else "not recorded"
    why = next((r for text in texts if (r := reason_of_absence(text)) not in (None, "not active")), otherwise)
    return facts, {attribute: why for attribute, fact in facts.items() if fact is None}


def _status(missing: Mapping[str, str], has_values: bool) -> str:
    """Return the overall status of the GPU."""
    reasons = set(missing.values())
    if reasons & LOST or (not has_values and reasons & FAILED):
        return "lost"
    return "degraded" if reasons & FAILED else "ok"


def process_from_cells(cells: Mapping[str, str]) -> GPUProcess | None:
    """Return the process in the cells of a compute-apps query or of -q; None without a pid."""
    pid, _ = read_number(cells.get("pid", ""), Dimension.NONE)
    if not isinstance(pid, int) or pid < 0:
        return None
    used, _ = read_number(cells.get("used_gpu_memory", ""), Dimension.BYTES, "MiB")
    return GPUProcess(
        pid=pid,
        name=read_text(cells, "process_name"),
        memory_used=None if used is None or used < 0 else int(used),
        kind=read_text(cells, "type"),
    )
