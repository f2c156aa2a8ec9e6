"""What the exporter of Intel's XPU Manager tells of GPUs, by device or by tile.

Source: https://github.com/intel/xpumanager (rest/prometheus_exporter): a ratio is from 0 to 1.
"""

from collections.abc import Sequence

from gpurules.model import GPU
from gpurules.telemetry.formats.intel.xpu_smi import QUANTITIES, Figures, facts_of
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.samples import Sample, metric_name
from gpurules.telemetry.recordings.lines import Line

_PREFIX = "xpum_"
_METRICS = {
    ("xpum_engine_ratio", "", ""): ("XPUM_STATS_GPU_UTILIZATION", 100, "%"),
    ("xpum_power_watts", "", ""): ("XPUM_STATS_POWER", 1, "W"),
    ("xpum_temperature_celsius", "gpu", ""): ("XPUM_STATS_GPU_CORE_TEMPERATURE", 1, "C"),
    ("xpum_temperature_celsius", "mem", ""): ("XPUM_STATS_MEMORY_TEMPERATURE", 1, "C"),
    ("xpum_frequency_mhz", "gpu", "actual"): ("XPUM_STATS_GPU_FREQUENCY", 1, "MHz"),
    ("xpum_memory_used_bytes", "", ""): ("XPUM_STATS_MEMORY_USED", 1, "B"),
    ("xpum_memory_ratio", "", ""): ("XPUM_STATS_MEMORY_UTILIZATION", 100, "%"),
    ("xpum_memory_bandwidth_ratio", "", ""): ("XPUM_STATS_MEMORY_BANDWIDTH", 100, "%"),
}
"""Metric, location and type to the figure, how often its number counts, and in what."""


def is_metric(name: str) -> bool:
    """Tell whether a metric is one of this exporter."""
    return name.startswith(_PREFIX)


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether one of the samples is one of this exporter."""
    return any(metric_name(line.text).startswith(_PREFIX) for line in head)


def _identity(sample: Sample) -> str | None:
    """Return whose a sample is; a card of several GPUs has no identity, and is none."""
    return sample.labels.get("uuid") or sample.labels.get("pci_bdf") or None


def _figures(samples: Sequence[Sample]) -> Figures:
    """Return the figures of a GPU; what it does not tell as a whole is that of its tiles."""
    whole: Figures = {}
    tiles: Figures = {}
    for sample in samples:
        labels = sample.labels
        known = _METRICS.get((sample.name, labels.get("location", ""), labels.get("type", "")))
        if known is None:
            continue
        name, times, unit = known
        told = "N/A" if sample.value is None else f"{round(sample.value * times, 9)!r} {unit}"
        (tiles if labels.get("sub_dev") else whole).setdefault(name, []).append(told)
    return {**tiles, **{name: values[:1] for name, values in whole.items()}}


def _gpu(position: int, samples: Sequence[Sample]) -> GPU:
    figures, labels = _figures(samples), samples[0].labels
    values, missing = facts_of(figures)
    told = {quantity.attribute for name, quantity in QUANTITIES.items() if name in figures}
    bus = labels.get("pci_bdf")
    return GPU(
        index=position,
        uuid=labels.get("uuid") or None,
        name=labels.get("dev_name") or None,
        vendor="intel",
        status="ok",
        mig=False,
        labels={"pci_bus_id": bus} if bus else {},
        missing={attribute: why for attribute, why in missing.items() if attribute in told},
        **values,  # type: ignore[arg-type]
    )


def gpus_from_samples(samples: Sequence[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape, in the order of their bus addresses: it does not tell an index."""
    by_gpu: dict[str, list[Sample]] = {}
    for sample in samples:
        if is_metric(sample.name) and (identity := _identity(sample)) is not None:
            by_gpu.setdefault(identity, []).append(sample)
    ordered = sorted(by_gpu.values(), key=lambda own: own[0].labels.get("pci_bdf", ""))
    return tuple(_gpu(position, own) for position, own in enumerate(ordered))


EXPORTER = Exporter("XPU Manager", is_metric, gpus_from_samples)
