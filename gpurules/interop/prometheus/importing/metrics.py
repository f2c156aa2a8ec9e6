"""Which field each metric of an exporter is, and how its number relates to that of the field."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpurules.backends.promql import own_metric
from gpurules.fields import FIELDS, Field, Scope
from gpurules.model import Kind
from gpurules.telemetry.formats.prometheus import dcgm, nvidia_gpu_exporter

MASKS = frozenset({"DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"})
REASON_BITS: Mapping[int, str | None] = {
    0x4: "gpu_throttle_sw_power_cap",
    0x8: "gpu_throttle_hw_slowdown",
    0x10: "gpu_throttle_sync_boost",
    0x20: "gpu_throttle_sw_thermal",
    0x40: "gpu_throttle_hw_thermal",
    0x80: "gpu_throttle_hw_power_brake",
}
"""The bits of a mask of clock-event reasons (nvml.h, nvmlClocksEventReasons) that have a field."""
GPU_LABELS = frozenset({"gpu", "UUID", "uuid", "gpu_index", "index", "minor_number", "gpu_id", "device", "GPU_I_ID"})
NODE_LABELS = frozenset(
    {"instance", "Hostname", "hostname", "host", "node", "nodename", "kubernetes_node", "exported_instance"}
)
CONSTANT_LABELS = frozenset(
    {"job", "cluster", "env", "environment", "region", "modelName", "name", "service", "endpoint"}
)
"""Labels that are the same on all series of a GPU's exporter."""
_VENDORS = {"DCGM_": "nvidia", "dcgm_": "nvidia", "nvidia_": "nvidia", "amd_": "amd", "rocm_": "amd", "xpum_": "intel"}


@dataclass(frozen=True, slots=True)
class MetricField:
    """The field that a metric is; the number of the field is that of the metric times ``factor``."""

    field: Field
    factor: float = 1.0


def _table() -> dict[str, MetricField]:
    found: dict[str, MetricField] = {}
    for attribute, choices in dcgm.METRICS.items():
        for name, unit in choices:
            found[name] = MetricField(FIELDS[f"gpu_{attribute}"], unit.numerator / unit.denominator)
    for attribute, name in dcgm.FLAGS.items():
        found[name] = MetricField(FIELDS[f"gpu_{attribute}"])
    for attribute, names in nvidia_gpu_exporter.METRICS.items():
        for name in names:
            factor = 100.0 if name.endswith("_ratio") else 1.0
            found[nvidia_gpu_exporter.PREFIX + name] = MetricField(FIELDS[f"gpu_{attribute}"], factor)
    for known in FIELDS.values():
        own = own_metric(known)
        if own is not None and known.scope in (Scope.GPU, Scope.NODE) and known.datatype.kind is not Kind.STRING:
            found[own] = MetricField(known)
    return found


METRIC_FIELDS: Mapping[str, MetricField] = _table()
"""Every metric that is known, with its field."""


def vendor_of(metric: str) -> str | None:
    """Return the vendor whose exporter has a metric of that name; None where the name does not say."""
    return next((vendor for prefix, vendor in _VENDORS.items() if metric.startswith(prefix)), None)


def family_of(metric: str) -> str:
    """Return whose metric it is: those of two exporters never have the same labels."""
    words = metric.split("_")
    return "_".join(words[:2] if words[0] == "nvidia" else words[:1]).lower()
