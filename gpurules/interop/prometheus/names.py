"""The metrics of exporters that carry the fields of the language."""

from collections.abc import Mapping

from gpurules.backends.promql import GPURULES, MetricNaming, TextLabel
from gpurules.model.units import UNITS, Unit
from gpurules.telemetry.formats.prometheus import dcgm, nvidia_gpu_exporter

_DERIVED = ("memory_total",)
"""Attributes that dcgm-exporter often leaves to be computed from others."""


def _canonical(unit: Unit) -> float:
    return unit.numerator / unit.denominator


_DCGM_NUMBERS: Mapping[str, tuple[str, float]] = {
    f"gpu_{attribute}": (choices[0][0], _canonical(choices[0][1]))
    for attribute, choices in dcgm.METRICS.items()
    if attribute not in _DERIVED
}
_DCGM_FLAGS = {f"gpu_{attribute}": metric for attribute, metric in dcgm.FLAGS.items()}
_MASK = "(DCGM_FI_DEV_CLOCKS_EVENT_REASONS or DCGM_FI_DEV_CLOCK_THROTTLE_REASONS)"
_BITS: Mapping[str, tuple[int, ...]] = {
    "gpu_throttled": (0x8, 0x20, 0x40, 0x80),
    "gpu_throttle_thermal": (0x20, 0x40),
    "gpu_throttle_power": (0x4, 0x80),
    "gpu_throttle_sw_power_cap": (0x4,),
    "gpu_throttle_hw_slowdown": (0x8,),
    "gpu_throttle_sync_boost": (0x10,),
    "gpu_throttle_sw_thermal": (0x20,),
    "gpu_throttle_hw_thermal": (0x40,),
    "gpu_throttle_hw_power_brake": (0x80,),
}
"""The bits of the mask of clock-event reasons that each field is about (nvml.h, nvmlClocksEventReasons)."""
_USED, _FREE, _RESERVED, _TOTAL = (
    f"max by {{by}} (DCGM_FI_DEV_FB_{part})" for part in ("USED", "FREE", "RESERVED", "TOTAL")
)
_DCGM_TOTAL = f"{_TOTAL} or on {{by}} ({_USED} + on {{by}} {_FREE} + on {{by}} {_RESERVED})"
_DCGM_SHARE = (
    f"100 * {_USED} / on {{by}} ({_DCGM_TOTAL}) or on {{by}} (100 * {_USED} / on {{by}} ({_USED} + on {{by}} {_FREE}))"
)
_DCGM_LABELS = ("instance", "Hostname", "gpu", "UUID", "modelName", "GPU_I_ID")


def _scaled(metric: str, factor: float) -> str:
    return metric if factor == 1 else f"{metric} * {factor!r}".replace(".0 ", " ").removesuffix(".0")


def _bits(bits: tuple[int, ...]) -> tuple[str, str]:
    """Return where one of *bits* of the mask is set, and where none is."""
    count = " + ".join(f"floor({_MASK} / {bit}) % 2" for bit in bits)
    return f"({count}) > 0", f"({count}) == 0"


DCGM = MetricNaming(
    name="dcgm",
    gpu_labels=_DCGM_LABELS,
    node_labels=("instance",),
    gpus='{__name__=~"DCGM_FI_DEV_(GPU_TEMP|FB_USED|GPU_UTIL|POWER_USAGE)"}',
    nodes='{__name__=~"DCGM_FI_DEV_(GPU_TEMP|FB_USED|GPU_UTIL|POWER_USAGE)"}',
    numbers={
        **{name: _scaled(*entry) for name, entry in _DCGM_NUMBERS.items()},
        "gpu_memory": _DCGM_SHARE,
        "gpu_memory_total": f"({_DCGM_TOTAL}) * {_canonical(UNITS['MiB']):.0f}",
        "gpu_count": 'count by (instance) (group by (instance, gpu) ({__name__=~"DCGM_FI_DEV_(GPU_TEMP|FB_USED)"}))',
    },
    bools={
        **{name: (f"{metric} > 0", f"{metric} == 0") for name, metric in _DCGM_FLAGS.items()},
        **{name: _bits(bits) for name, bits in _BITS.items()},
    },
    series=_DCGM_NUMBERS,
    texts={
        "gpu_name": TextLabel("DCGM_FI_DEV_GPU_TEMP", "modelName"),
        "gpu_uuid": TextLabel("DCGM_FI_DEV_GPU_TEMP", "UUID"),
    },
    constants={"gpu_vendor": "nvidia"},
    why={
        "gpu_lost_count": "dcgm-exporter stops reporting a GPU that is lost; alert on absent() or on the count",
        "gpu_healthy": "dcgm-exporter stops reporting a GPU that is lost; alert on absent() or on the count",
        "gpu_status": "dcgm-exporter stops reporting a GPU that is lost; alert on absent() or on the count",
        "telemetry_age": "series of an exporter that does not answer are gone; alert on `up == 0`",
        "gpu_xid_age": "dcgm-exporter has no time of the last Xid",
    },
)
_SMI_NUMBERS: Mapping[str, tuple[str, float]] = {
    f"gpu_{attribute}": (nvidia_gpu_exporter.PREFIX + names[0], 100.0 if names[0].endswith("_ratio") else 1.0)
    for attribute, names in nvidia_gpu_exporter.METRICS.items()
}
NVIDIA_GPU_EXPORTER = MetricNaming(
    name="nvidia_gpu_exporter",
    gpu_labels=("instance", "uuid"),
    node_labels=("instance",),
    gpus="nvidia_smi_gpu_info",
    nodes="nvidia_smi_gpu_info",
    numbers={
        **{name: _scaled(*entry) for name, entry in _SMI_NUMBERS.items()},
        "gpu_memory": "100 * max by {by} (nvidia_smi_memory_used_bytes)"
        " / on {by} max by {by} (nvidia_smi_memory_total_bytes)",
        "gpu_count": "count by (instance) (nvidia_smi_gpu_info)",
    },
    series=_SMI_NUMBERS,
    texts={
        "gpu_name": TextLabel("nvidia_smi_gpu_info", "name"),
        "gpu_uuid": TextLabel("nvidia_smi_gpu_info", "uuid"),
    },
    constants={"gpu_vendor": "nvidia"},
    why={"telemetry_age": "series of an exporter that does not answer are gone; alert on `up == 0`"},
)
NAMINGS: Mapping[str, MetricNaming] = {naming.name: naming for naming in (DCGM, NVIDIA_GPU_EXPORTER, GPURULES)}
"""The namings that rules can be exported in."""
