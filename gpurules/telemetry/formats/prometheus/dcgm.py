"""The metrics of dcgm-exporter, as Prometheus samples.

Source: the field identifiers of DCGM (dcgm_fields.h), and the counter lists that dcgm-exporter ships.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gpurules.model import GPU, UNITS
from gpurules.model.gpu import FABRIC_STATES
from gpurules.model.reading import sum_in_order
from gpurules.model.units import Dimension, Unit
from gpurules.telemetry.formats.cells import Number, scale_number
from gpurules.telemetry.formats.nvidia.health import reasons_of_bitmask, throttle_flags, with_page_total
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.samples import POD, Sample, metric_name, parse_sample
from gpurules.telemetry.mig import OF_THE_CHIP, Instance, with_instances
from gpurules.telemetry.recordings.lines import Line

_PLAIN = Unit("", Dimension.NONE, 1)
_SHARE = Unit("", Dimension.PERCENT, 100)
_MILLIJOULE = Unit("mJ", Dimension.JOULES, 1, 1000)
METRICS: dict[str, tuple[tuple[str, Unit], ...]] = {
    "memory_used": (("DCGM_FI_DEV_FB_USED", UNITS["MiB"]), ("dcgm_fb_used", UNITS["MiB"])),
    "memory_free": (("DCGM_FI_DEV_FB_FREE", UNITS["MiB"]), ("dcgm_fb_free", UNITS["MiB"])),
    "memory_total": (("DCGM_FI_DEV_FB_TOTAL", UNITS["MiB"]), ("dcgm_fb_total", UNITS["MiB"])),
    "memory_reserved": (("DCGM_FI_DEV_FB_RESERVED", UNITS["MiB"]),),
    "utilization": (
        ("DCGM_FI_DEV_GPU_UTIL", UNITS["%"]), ("dcgm_gpu_utilization", UNITS["%"]),
        ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", _SHARE),
    ),
    "memory_busy": (
        ("DCGM_FI_DEV_MEM_COPY_UTIL", UNITS["%"]), ("dcgm_mem_copy_utilization", UNITS["%"]),
        ("DCGM_FI_PROF_DRAM_ACTIVE", _SHARE),
    ),
    "temperature": (("DCGM_FI_DEV_GPU_TEMP", UNITS["C"]), ("dcgm_gpu_temp", UNITS["C"])),
    "memory_temperature": (("DCGM_FI_DEV_MEMORY_TEMP", UNITS["C"]), ("dcgm_memory_temp", UNITS["C"])),
    "power": (("DCGM_FI_DEV_POWER_USAGE", UNITS["W"]), ("dcgm_power_usage", UNITS["W"])),
    "power_limit": (("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", UNITS["W"]), ("DCGM_FI_DEV_POWER_MGMT_LIMIT", UNITS["W"])),
    "energy": (
        ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", _MILLIJOULE), ("dcgm_total_energy_consumption", _MILLIJOULE),
    ),
    "clock_sm": (("DCGM_FI_DEV_SM_CLOCK", UNITS["MHz"]), ("dcgm_sm_clock", UNITS["MHz"])),
    "clock_memory": (("DCGM_FI_DEV_MEM_CLOCK", UNITS["MHz"]), ("dcgm_memory_clock", UNITS["MHz"])),
    "fan_speed": (("DCGM_FI_DEV_FAN_SPEED", UNITS["%"]),),
    "pcie_rx": (("DCGM_FI_PROF_PCIE_RX_BYTES", _PLAIN),),
    "pcie_tx": (("DCGM_FI_PROF_PCIE_TX_BYTES", _PLAIN),),
    "nvlink_rx": (("DCGM_FI_PROF_NVLINK_RX_BYTES", _PLAIN),),
    "nvlink_tx": (("DCGM_FI_PROF_NVLINK_TX_BYTES", _PLAIN),),
    "ecc_errors": (("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", _PLAIN), ("dcgm_ecc_dbe_volatile_total", _PLAIN)),
    "xid": (("DCGM_FI_DEV_XID_ERRORS", _PLAIN), ("dcgm_xid_errors", _PLAIN)),
    "memory_temperature_limit": (("DCGM_FI_DEV_MEM_MAX_OP_TEMP", UNITS["C"]),),
    "ecc_errors_corrected": (("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", _PLAIN), ("dcgm_ecc_sbe_volatile_total", _PLAIN)),
    "ecc_errors_sram": (("DCGM_FI_DEV_ECC_DBE_VOL_SRM", _PLAIN),),
    "ecc_errors_dram": (("DCGM_FI_DEV_ECC_DBE_VOL_DEV", _PLAIN),),
    "ecc_errors_corrected_sram": (("DCGM_FI_DEV_ECC_SBE_VOL_SRM", _PLAIN),),
    "ecc_errors_corrected_dram": (("DCGM_FI_DEV_ECC_SBE_VOL_DEV", _PLAIN),),
    "rows_remapped_correctable": (("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", _PLAIN),),
    "rows_remapped_uncorrectable": (("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", _PLAIN),),
    "retired_pages_single_bit": (("DCGM_FI_DEV_RETIRED_SBE", _PLAIN), ("dcgm_retired_pages_sbe", _PLAIN)),
    "retired_pages_double_bit": (("DCGM_FI_DEV_RETIRED_DBE", _PLAIN), ("dcgm_retired_pages_dbe", _PLAIN)),
    "pcie_replays": (("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", _PLAIN), ("dcgm_pcie_replay_counter", _PLAIN)),
    "pcie_gen": (("DCGM_FI_DEV_PCIE_LINK_GEN", _PLAIN),),
    "pcie_gen_max": (("DCGM_FI_DEV_PCIE_MAX_LINK_GEN", _PLAIN),),
    "pcie_width": (("DCGM_FI_DEV_PCIE_LINK_WIDTH", _PLAIN),),
    "pcie_width_max": (("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", _PLAIN),),
}  # fmt: skip
"""Attribute to DCGM field and what its number counts, best first; lower case names are those of the 1.x exporter."""
FLAGS = {
    "row_remap_pending": "DCGM_FI_DEV_ROW_REMAP_PENDING",
    "row_remap_failure": "DCGM_FI_DEV_ROW_REMAP_FAILURE",
    "retired_pages_pending": "DCGM_FI_DEV_RETIRED_PENDING",
}
_LINK_ERRORS = tuple(
    f"DCGM_FI_DEV_NVLINK_{kind}_ERROR_COUNT_TOTAL" for kind in ("CRC_FLIT", "CRC_DATA", "REPLAY", "RECOVERY")
)
"""Counters whose sum over those that a page has are the errors of NVLink."""
_FABRIC = "DCGM_FI_DEV_FABRIC_MANAGER_STATUS"

_REASONS = ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS")
_BLANKS = frozenset({0x7FFFFFF0 + n for n in range(16)} | {140737488355328.0 + n for n in range(16)})
_BLANK_FROM = 0x7FFFFFFFFFFFFFF0
BLANK = "blank in DCGM"
ADVICE = "map a metric to its standard name with --map OLD=NEW, as in --map gpu_util=DCGM_FI_DEV_GPU_UTIL"
_FABRIC_STATES = dict(enumerate(FABRIC_STATES))
"""The numbers of dcgmFabricManagerStatus_t; from 5 on the state is unknown."""
_COMMON_LABELS = frozenset(
    {"gpu", "UUID", "uuid", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION", "GPU_I_ID", "GPU_I_PROFILE"}
)
_GPU_LABELS = POD - {"err_code", "err_msg"} | {"pci_bus_id", "instance", "job", "node", "cluster"}
"""Labels that are of a GPU even where a scrape has only one metric of it."""
_SERIES_LABELS = frozenset({"err_code", "err_msg"})
"""Labels that are of one metric, even where it is the only one."""
_PREFIX = "dcgm_"
_NAMES = {
    name.lower(): name
    for name in (
        *(name for choices in METRICS.values() for name, _ in choices),
        *_REASONS,
        *FLAGS.values(),
        *_LINK_ERRORS,
        _FABRIC,
    )
}
"""The metrics that are read, by their names in lower case, as some scrapers write them."""


def is_metric(name: str) -> bool:
    """Return whether a metric is from DCGM."""
    return name[:5].lower() == _PREFIX


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether any of the samples is from DCGM; pages start with those of the exporter itself."""
    samples = (parse_sample(line.text) for line in head if is_metric(metric_name(line.text)))
    return any(sample is not None and "gpu" in sample.labels for sample in samples)


@dataclass(slots=True)
class _Entity:
    """The samples of one GPU or MIG instance, and their common labels."""

    values: dict[str, float | None] = field(default_factory=dict)
    series: list[Mapping[str, str]] = field(default_factory=list)
    unknown: int = 0

    def add(self, sample: Sample) -> None:
        """Add a sample; of several with the same name, such as one for each pod, the first is used."""
        name = _NAMES.get(sample.name.lower())
        if name is None:
            self.unknown += 1
        else:
            self.values.setdefault(name, sample.value)
        if not self.series or self.series[-1] is not sample.labels:
            self.series.append(sample.labels)

    def label(self, *names: str) -> str | None:
        """Return the first of these labels with a value in any series."""
        return next((value for labels in self.series for name in names if (value := labels.get(name))), None)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the GPU: the known ones, and those common to all its series of several metrics."""
        shared = dict(self.series[0])
        for labels in self.series[1:]:
            shared = {key: value for key, value in shared.items() if labels.get(key) == value}
        is_shared = len(self.values) + self.unknown > 1 and len(self.values) > 0
        found: dict[str, str] = {}
        for labels in self.series:
            for key, value in labels.items():
                is_own = key in _GPU_LABELS or (is_shared and key in shared and key not in _SERIES_LABELS)
                if value and is_own and key not in _COMMON_LABELS:
                    found.setdefault(key, value)
        return found


def _value(number: float, unit: Unit) -> Number:
    plain: Number = int(number) if number.is_integer() else number
    return round(scale_number(plain, unit), 9) if unit is _SHARE else scale_number(plain, unit)


def _facts(entity: _Entity) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for attribute, choices in METRICS.items():
        for name, unit in choices:
            if name not in entity.values:
                continue
            number = entity.values[name]
            if number is None or _is_blank(number):
                missing.setdefault(attribute, BLANK)
                continue
            values[attribute] = _value(number, unit)
            missing.pop(attribute, None)
            break
    with_page_total(values)
    _link_errors(entity, values, missing)
    return values, missing


def _is_blank(number: float) -> bool:
    return number in _BLANKS or number >= _BLANK_FROM


def _link_errors(entity: _Entity, values: dict[str, Number], missing: dict[str, str]) -> None:
    """Sum the counters of NVLink; if one is blank there is no sum, because it would drop and jump with it."""
    counts = [entity.values[name] for name in _LINK_ERRORS if name in entity.values]
    known = [int(count) for count in counts if count is not None and not _is_blank(count)]
    if counts and len(known) == len(counts):
        values["nvlink_errors"] = sum_in_order(known)
    elif counts:
        missing["nvlink_errors"] = BLANK


def _states(entity: _Entity, missing: dict[str, str]) -> dict[str, bool | str | None]:
    """Return the boolean facts and the fabric state."""
    found: dict[str, bool | str | None] = {}
    for attribute, name in (*FLAGS.items(), ("fabric_state", _FABRIC)):
        number = entity.values.get(name)
        if number is not None and not _is_blank(number):
            is_flag = attribute in FLAGS
            found[attribute] = number != 0 if is_flag else _FABRIC_STATES.get(int(number))
        elif name in entity.values:
            missing[attribute] = BLANK
    return found


def _memory(values: dict[str, Number]) -> None:
    """Complete the memory facts: the total is used, free and reserved; without the last, only the share is known."""
    used, free, reserved = (values.get(f"memory_{part}") for part in ("used", "free", "reserved"))
    if "memory_total" in values or used is None or free is None or not 0 < used + free < math.inf:
        return
    if reserved is not None:
        values["memory_total"] = used + free + reserved
    else:
        values["memory"] = 100 * used / (used + free)


def _throttle(entity: _Entity) -> dict[str, bool | None]:
    mask = next((m for name in _REASONS if (m := entity.values.get(name)) is not None), None)
    return {} if mask is None or not 0 <= mask < 1 << 16 else throttle_flags(reasons_of_bitmask(int(mask)))


def _gpu(index: int | str, entity: _Entity) -> GPU:
    values, missing = _facts(entity)
    _memory(values)
    states = _states(entity, missing)
    return GPU(
        index=index,
        uuid=entity.label("UUID", "uuid"),
        name=entity.label("modelName"),
        vendor="nvidia",
        status="ok",
        mig=False,
        labels=entity.labels,
        missing=missing,
        **{**values, **_throttle(entity), **states},  # type: ignore[arg-type]
    )


def _index(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 10 else text


def gpus_from_samples(samples: Iterable[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape, each before its MIG instances; an instance's index is its GPU instance id.

    On a partitioned GPU the exporter repeats chip-wide values for each instance, so they are read once.
    """
    entities: dict[_Board, dict[str, _Entity]] = {}
    for sample in samples:
        labels = sample.labels
        if "gpu" in labels and is_metric(sample.name):
            board = (labels["gpu"], labels.get("UUID") or labels.get("uuid") or "")
            parts = entities.setdefault(board, {})
            entity = parts.get(part := labels.get("GPU_I_ID", ""))
            if entity is None:
                entity = parts[part] = _Entity()
            entity.add(sample)
    return tuple(gpu for (index, _), parts in entities.items() for gpu in _with_parts(_index(index), parts))


_Board: TypeAlias = tuple[str, str]
"""The label ``gpu`` and the UUID: neither alone distinguishes GPUs of several nodes, or of partitions."""


def _with_parts(index: int | str, parts: dict[str, _Entity]) -> Iterator[GPU]:
    """Return a board and its MIG instances.

    The exporter repeats chip-wide values for each instance, and they may be in no series of the board.
    """
    gpus = {part: _gpu(index, entity) for part, entity in parts.items()}
    instances = tuple(
        Instance(int(part), int(part), 0, gpus[part], profile=parts[part].label("GPU_I_PROFILE"))
        for part in gpus
        if part.isdecimal() and len(part) < 6
    )
    first = next(gpu for part, gpu in gpus.items() if part or len(gpus) == 1)
    board = gpus.get("", first)
    chip = {
        name: value
        for name in OF_THE_CHIP
        if getattr(board, name) is None
        and (value := next((v for gpu in gpus.values() if (v := getattr(gpu, name)) is not None), None)) is not None
    }
    if "" not in gpus and instances:
        board = replace(board, utilization=None, memory_busy=None, labels={})
    labels = {**{key: value for key, value in first.labels.items() if key == "pci_bus_id"}, **board.labels}
    missing = {name: why for name, why in board.missing.items() if name not in chip}
    whole = replace(board, **chip, name=board.name or first.name, labels=labels, missing=missing)
    return iter(with_instances(whole, instances))


def _driver(samples: Sequence[Sample]) -> str | None:
    return next((v for sample in samples if (v := sample.labels.get("DCGM_FI_DRIVER_VERSION"))), None)


def _why_unread(samples: Sequence[Sample]) -> str | None:
    if any(sample.name.lower() in _NAMES for sample in samples):
        return None
    names = ", ".join(dict.fromkeys(sample.name for sample in samples[:400]))
    return f"none of the metrics is known: {names[:200]}; {ADVICE}"


EXPORTER = Exporter("dcgm-exporter", is_metric, gpus_from_samples, _driver, _why_unread)
