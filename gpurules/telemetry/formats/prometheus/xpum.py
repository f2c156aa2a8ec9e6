"""The metrics of Intel's XPU Manager exporter, by device or by tile.

Source: https://github.com/intel/xpumanager (rest/prometheus_exporter): a ratio is from 0 to 1.
"""

from collections.abc import Sequence

from gpurules.model import GPU
from gpurules.telemetry.formats.intel.xpu_smi import QUANTITIES, Figures, facts_of, join_tiles
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.samples import Sample, metric_name
from gpurules.telemetry.recordings.lines import Line

_PREFIX = "xpum_"
_CONFLICTING = "[reported twice]"
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
    """Return whether a metric is from this exporter."""
    return name.startswith(_PREFIX)


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether any of the samples is from this exporter."""
    return any(metric_name(line.text).startswith(_PREFIX) for line in head)


def _label(samples: Sequence[Sample], name: str) -> str:
    return next((value for sample in samples if (value := sample.labels.get(name))), "")


def _figures(samples: Sequence[Sample]) -> Figures:
    """Return the values of a GPU; those not reported for the GPU are combined from its tiles."""
    whole: Figures = {}
    tiles: dict[str, Figures] = {}
    for sample in samples:
        labels = sample.labels
        known = _METRICS.get((sample.name, labels.get("location", ""), labels.get("type", "")))
        if known is None:
            continue
        name, times, unit = known
        reading = "N/A" if sample.value is None else f"{round(sample.value * times, 9)!r} {unit}"
        part = labels.get("sub_dev")
        (tiles.setdefault(part, {}) if part else whole).setdefault(name, []).append(reading)
    joined = join_tiles([{name: _only(values) for name, values in figures.items()} for figures in tiles.values()])
    for name, values in whole.items():
        joined[name] = _only([*values, *joined[name]]) if name in joined else _only(values)
    return joined


def _only(values: Sequence[object]) -> list[object]:
    """Return the single value of a quantity; none if there are two different ones, since a label is missing."""
    return list(values[:1]) if len(set(values)) == 1 else [_CONFLICTING]


def _gpu(position: int, samples: Sequence[Sample]) -> GPU:
    figures = _figures(samples)
    values, missing = facts_of(figures)
    reported = {quantity.attribute for name, quantity in QUANTITIES.items() if name in figures}
    bus = _label(samples, "pci_bdf")
    return GPU(
        index=position,
        uuid=_label(samples, "uuid") or None,
        name=_label(samples, "dev_name") or None,
        vendor="intel",
        status="ok",
        mig=False,
        labels={"pci_bus_id": bus} if bus else {},
        missing={attribute: why for attribute, why in missing.items() if attribute in reported},
        **values,  # type: ignore[arg-type]
    )


def gpus_from_samples(samples: Sequence[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape, in the order of their bus addresses, since there is no index."""
    by_name: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        names = [(label, name) for label in ("uuid", "pci_bdf") if (name := sample.labels.get(label))]
        if not names or not is_metric(sample.name):
            continue  # a card with several GPUs has no name, and is not a GPU
        groups = {id(group): group for name in names if (group := by_name.get(name)) is not None}
        group = next(iter(groups.values()), [])
        for other in list(groups.values())[1:]:  # a sample with both names proves that they are the same GPU
            group += other
            by_name.update((name, group) for name, known in by_name.items() if known is other)
        group.append(sample)
        by_name.update(dict.fromkeys(names, group))
    distinct = {id(group): group for group in by_name.values()}.values()
    ordered = sorted(distinct, key=lambda of_gpu: _label(of_gpu, "pci_bdf"))
    return tuple(_gpu(position, of_gpu) for position, of_gpu in enumerate(ordered))


EXPORTER = Exporter("XPU Manager", is_metric, gpus_from_samples)
