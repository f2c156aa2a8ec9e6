"""What dcgm-exporter tells of GPUs, as Prometheus samples.

Source: the field identifiers of DCGM (dcgm_fields.h), and the counter lists that dcgm-exporter ships.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from gpurules.model import GPU, UNITS, Snapshot
from gpurules.model.units import Dimension, Unit
from gpurules.telemetry.formats.cells import Number, scaled
from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.formats.mig import Instance, with_instances
from gpurules.telemetry.formats.nvidia_smi_cells import reasons_of_bitmask, throttle_flags
from gpurules.telemetry.formats.prometheus import Sample, is_comment, parse_sample, read_scrapes, time_of
from gpurules.telemetry.formats.recording import Recording

_PLAIN = Unit("", Dimension.NONE, 1)
_SHARE = Unit("", Dimension.PERCENT, 100)
_MILLIJOULE = Unit("mJ", Dimension.JOULES, 1, 1000)
_FIELDS: dict[str, tuple[tuple[str, Unit], ...]] = {
    "memory_used": (("DCGM_FI_DEV_FB_USED", UNITS["MiB"]), ("dcgm_fb_used", UNITS["MiB"])),
    "memory_free": (("DCGM_FI_DEV_FB_FREE", UNITS["MiB"]), ("dcgm_fb_free", UNITS["MiB"])),
    "memory_total": (("DCGM_FI_DEV_FB_TOTAL", UNITS["MiB"]),),
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
}  # fmt: skip
"""Attribute to DCGM field and what its number counts, best first; lower case names are those of the 1.x exporter."""

_REASONS = ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS")
_BLANKS = frozenset({0x7FFFFFF0 + n for n in range(16)} | {140737488355328.0 + n for n in range(16)})
_BLANK_FROM = 0x7FFFFFFFFFFFFFF0
BLANK = "blank in DCGM"
_COMMON_LABELS = frozenset(
    {"gpu", "UUID", "uuid", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION", "GPU_I_ID", "GPU_I_PROFILE"}
)


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether the first sample is one of DCGM."""
    first = next((parse_sample(line.text) for line in head if not is_comment(line)), None)
    return first is not None and first.name.startswith(("DCGM_", "dcgm_")) and "gpu" in first.labels


@dataclass(slots=True)
class _Entity:
    """The samples of one GPU or MIG instance, and all their labels."""

    values: dict[str, float | None] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Take one more sample; of several with the same name, as one for each pod, the first stands."""
        self.values.setdefault(sample.name, sample.value)
        for key, value in sample.labels.items():
            if value:
                self.labels.setdefault(key, value)


def _value(number: float, unit: Unit) -> Number:
    plain: Number = int(number) if number.is_integer() else number
    return round(scaled(plain, unit), 9) if unit is _SHARE else scaled(plain, unit)


def _facts(entity: _Entity) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for attribute, choices in _FIELDS.items():
        for name, unit in choices:
            if name not in entity.values:
                continue
            number = entity.values[name]
            if number is None or number in _BLANKS or number >= _BLANK_FROM:
                missing.setdefault(attribute, BLANK)
                continue
            values[attribute] = _value(number, unit)
            missing.pop(attribute, None)
            break
    return values, missing


def _memory(values: dict[str, Number]) -> None:
    """Complete the memory: DCGM's total is used, free and reserved; without the last there is a share only."""
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
    return GPU(
        index=index,
        uuid=entity.labels.get("UUID") or entity.labels.get("uuid"),
        name=entity.labels.get("modelName"),
        vendor="nvidia",
        status="ok",
        mig=False,
        labels={key: value for key, value in entity.labels.items() if key not in _COMMON_LABELS},
        missing=missing,
        **{**values, **_throttle(entity)},  # type: ignore[arg-type]
    )


def _index(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 10 else text


def gpus_from_samples(samples: Iterable[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape, each before its MIG instances; an instance's index is its GPU instance id.

    On a partitioned GPU the exporter repeats what is of the whole chip for each instance, so there it is taken once.
    """
    entities: dict[tuple[int | str, str], _Entity] = {}
    for sample in samples:
        if "gpu" in sample.labels and sample.name.lower().startswith("dcgm_"):
            key = (_index(sample.labels["gpu"]), sample.labels.get("GPU_I_ID", ""))
            entities.setdefault(key, _Entity()).add(sample)
    boards = dict.fromkeys(board for board, _ in entities)
    return tuple(gpu for board in boards for gpu in _with_parts(board, entities))


def _with_parts(board: int | str, entities: dict[tuple[int | str, str], _Entity]) -> Iterator[GPU]:
    parts = [(part, entity) for (of, part), entity in entities.items() if of == board and part]
    whole = _gpu(board, entities.get((board, "")) or parts[0][1])
    instances = tuple(
        Instance(int(part), int(part), 0, _gpu(board, entity), profile=entity.labels.get("GPU_I_PROFILE"))
        for part, entity in parts
        if part.isdecimal() and len(part) < 6
    )
    return iter(with_instances(whole, instances))


def read(recording: Recording) -> Iterator[Snapshot]:
    """Walk through the scrapes of a file, one snapshot each."""
    for samples in read_scrapes(recording):
        labels = [sample.labels for sample in samples]
        yield Snapshot(
            timestamp=time_of(samples, recording),
            host=next((host for label in labels if (host := label.get("Hostname"))), None),
            driver_version=next((v for label in labels if (v := label.get("DCGM_FI_DRIVER_VERSION"))), None),
            gpus=gpus_from_samples(samples),
        )
