"""The metrics of the exporter all-smi, for GPUs of any vendor.

Source: https://github.com/lablup/all-smi (src/api/metrics/gpu.rs). Older releases wrote 0 without a sensor, so a
temperature, power, clock or memory size of 0 is not a reading.
"""

from collections.abc import Mapping, Sequence

from gpurules.model import GPU
from gpurules.telemetry.formats.cells import Number
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.samples import Sample, metric_name
from gpurules.telemetry.recordings.lines import Line

_PREFIX = "all_smi_gpu_"
_FIELDS: Mapping[str, tuple[str, int, bool]] = {
    "utilization": ("utilization", 1, True),
    "memory_used_bytes": ("memory_used", 1, True),
    "memory_total_bytes": ("memory_total", 1, False),
    "temperature_celsius": ("temperature", 1, False),
    "power_consumption_watts": ("power", 1, False),
    "power_limit_current_watts": ("power_limit", 1, False),
    "frequency_mhz": ("clock_sm", 10**6, False),
    "pcie_gen_current": ("pcie_gen", 1, False),
    "pcie_width_current": ("pcie_width", 1, False),
}
"""Metric to attribute, how often its number counts, and whether it may be 0."""
_VENDORS = ("nvidia", "amd", "intel", "apple")
_ZERO = "0, which all-smi writes if there is no sensor"


def is_metric(name: str) -> bool:
    """Return whether a metric is a GPU metric of this exporter."""
    return name.startswith(_PREFIX)


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether any of the samples is from this exporter."""
    return any(metric_name(line.text).startswith(_PREFIX) for line in head)


def _label(sample: Sample, *names: str) -> str | None:
    return next((value for name in names if (value := sample.labels.get(name))), None)


_ROWS = {"correctable": "rows_remapped_correctable", "uncorrectable": "rows_remapped_uncorrectable"}
_REMAP_FLAGS = {"remapping_pending": "row_remap_pending", "remapping_failed": "row_remap_failure"}


def _repairs(samples: Sequence[Sample]) -> dict[str, Number | bool]:
    """Return the facts about remapped memory rows."""
    found: dict[str, Number | bool] = {}
    for sample in samples:
        name = sample.name.removeprefix(_PREFIX)
        if sample.value is None:
            continue
        if name == "remapped_rows" and (attribute := _ROWS.get(sample.labels.get("cause", ""))) is not None:
            found[attribute] = int(sample.value)
        elif name in _REMAP_FLAGS:
            found[_REMAP_FLAGS[name]] = sample.value != 0
    return found


def _facts(samples: Sequence[Sample]) -> tuple[dict[str, Number], dict[str, str]]:
    values: dict[str, Number] = {}
    missing: dict[str, str] = {}
    for sample in samples:
        known = _FIELDS.get(sample.name.removeprefix(_PREFIX))
        if known is None:
            continue
        attribute, times, may_be_zero = known
        if sample.value is None or (sample.value == 0 and not may_be_zero):
            missing[attribute] = "n/a" if sample.value is None else _ZERO
        else:
            value = sample.value * times
            values[attribute] = int(value) if value.is_integer() else value
    if "memory_total" in missing and values.get("memory_used") == 0:
        missing["memory_used"] = missing["memory_total"]
        del values["memory_used"]
    return values, missing


def _gpu(position: int, samples: Sequence[Sample]) -> GPU:
    first = samples[0]
    values, missing = _facts(samples)
    index, name = _label(first, "gpu_index", "index") or "", _label(first, "gpu")
    return GPU(
        index=int(index) if index.isdecimal() and len(index) < 10 else position,
        uuid=_label(first, "gpu_uuid", "uuid"),
        name=name,
        vendor=next((vendor for vendor in _VENDORS if vendor in (name or "").lower()), None),
        status="ok",
        mig=False,
        missing=missing,
        **{**values, **_repairs(samples)},  # type: ignore[arg-type]
    )


def gpus_from_samples(samples: Sequence[Sample]) -> tuple[GPU, ...]:
    """Return the GPUs of a scrape; a sample without a UUID and an index belongs to none."""
    by_gpu: dict[tuple[str | None, str | None], list[Sample]] = {}
    for sample in samples:
        identity = (_label(sample, "gpu_uuid", "uuid"), _label(sample, "gpu_index", "index"))
        if is_metric(sample.name) and any(identity):
            by_gpu.setdefault(identity, []).append(sample)
    return tuple(_gpu(position, own) for position, own in enumerate(by_gpu.values()))


def _driver(samples: Sequence[Sample]) -> str | None:
    infos = (sample.labels for sample in samples if sample.name == f"{_PREFIX}info")
    return next((version for info in infos if (version := info.get("driver_version"))), None)


EXPORTER = Exporter("all-smi", is_metric, gpus_from_samples, _driver)
