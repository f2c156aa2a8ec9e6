"""What the latest snapshot says of each GPU, as samples for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gpurules.backends.promql.naming import PREFIX, own_metric
from gpurules.diagnostics.excerpt import visible
from gpurules.fields import FIELDS, Scope
from gpurules.model import GPU, Snapshot
from gpurules.strict_json import dumps

_MAX_LABEL = 200


class GpuSample(NamedTuple):
    """One sample: the name of its metric, the labels with their values, and the number."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    value: float


class GpuMetric(NamedTuple):
    """A metric of GPUs: the attribute that it shows, and what it says."""

    name: str
    attribute: str
    text: str
    is_counter: bool


GPU_METRICS = tuple(
    GpuMetric(metric, known.attribute, f"{known.description[0].upper()}{known.description[1:]}.", known.counter)
    for known in FIELDS.values()
    if known.scope is Scope.GPU and (metric := own_metric(known)) is not None
)
"""The readings of GPUs that are served, under the names of their fields, in canonical units."""
INFO, STATUS = "gpurules_gpu_info", "gpurules_gpu_status"


def gpu_labels(gpu: GPU) -> tuple[tuple[str, str], ...]:
    """Return the labels that identify a GPU."""
    return (("gpu", visible(str(gpu.index))), ("uuid", _label(gpu.uuid)))


def gpu_samples(snapshot: Snapshot) -> Iterator[GpuSample]:
    """Yield the samples of all GPUs, metric by metric; a missing reading has none."""
    for gpu in snapshot.gpus:
        more = (("name", _label(gpu.name)), ("vendor", _label(gpu.vendor)))
        yield GpuSample(INFO, (*gpu_labels(gpu), *more), 1)
    for gpu in snapshot.gpus:
        if gpu.status is not None:
            yield GpuSample(STATUS, (*gpu_labels(gpu), ("status", gpu.status)), 1)
    for metric in GPU_METRICS:
        for gpu in snapshot.gpus:
            value = getattr(gpu, metric.attribute)
            if value is not None:
                yield GpuSample(metric.name, gpu_labels(gpu), float(value))


def _label(text: str | None) -> str:
    return visible(text or "")[:_MAX_LABEL]


def series_name(metric: str, labels: Mapping[str, str]) -> str:
    """Return a series as Prometheus writes it."""
    inside = ", ".join(f"{name}={dumps(value)}" for name, value in labels.items())
    return f"{metric}{{{inside}}}"


def node_series(
    snapshot: Snapshot, instance: str, node: Mapping[str, object] | None = None
) -> Iterator[tuple[str, float]]:
    """Yield the series that the agent *instance* serves of a snapshot, each with its value; *node* has other facts."""
    base, given = {"instance": instance}, node or {}
    count = given.get("gpu_count")
    yield series_name(f"{PREFIX}gpus", base), float(count if isinstance(count, int) else snapshot.gpu_count)
    yield series_name(f"{PREFIX}gpus_lost", base), float(snapshot.gpu_lost_count)
    for name in ("active_workloads", "pending_transfers"):
        value = given.get(name, 0)
        yield series_name(PREFIX + name, base), float(value) if isinstance(value, int | float) else 0.0
    for sample in gpu_samples(snapshot):
        yield series_name(sample.metric, {**base, **dict(sample.labels)}), sample.value
