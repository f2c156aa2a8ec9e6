"""Which metric carries which field, by exporter; here: those that the agent itself serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gpurules.backends.backend import UnsupportedError
from gpurules.fields import AMBIENT, FIELDS, Field, Scope
from gpurules.language.terms import ir
from gpurules.model import Kind

Entry = TypeVar("Entry")

PREFIX = "gpurules_"
_NODE_METRICS = {
    "gpu_count": "gpurules_gpus",
    "gpu_lost_count": "gpurules_gpus_lost",
    "telemetry_age": "gpurules_telemetry_age_seconds",
    "active_workloads": "gpurules_active_workloads",
    "pending_transfers": "gpurules_pending_transfers",
}


@dataclass(frozen=True, slots=True)
class TextLabel:
    """The label that carries a string field, and the metric that bears it."""

    metric: str
    label: str


@dataclass(frozen=True, slots=True)
class MetricNaming:
    """The names of one exporter.

    ``numbers`` and ``bools`` (where TRUE, where FALSE) are expressions, ``{by}`` standing for the labels of a GPU;
    ``series`` are plain selectors that windows can be taken of, with the factor that makes the unit canonical;
    ``constants`` are texts that are the same on every GPU, such as the vendor.
    Missing: ``why`` says why a field has no metric, for those for which more can be said than that.
    """

    name: str
    gpu_labels: tuple[str, ...]
    node_labels: tuple[str, ...]
    gpus: str
    nodes: str
    numbers: Mapping[str, str] = field(default_factory=dict)
    bools: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    series: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    texts: Mapping[str, TextLabel] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)

    def metric(self, table: Mapping[str, Entry], term: ir.Read | ir.Window) -> Entry:
        """Return what *table* says of the field of *term*.

        Raises:
            UnsupportedError: the field is of a transfer or a workload, or the exporter has no metric for it.
        """
        known = term.field
        if known.scope not in AMBIENT:
            raise UnsupportedError(f"there are no series per {known.scope}, which {known.name} needs", term.span)
        found = table.get(known.name)
        if found is None:
            raise UnsupportedError(self.why.get(known.name) or f"{self.name} has no metric for {known.name}", term.span)
        return found


def own_metric(known: Field) -> str | None:
    """Return the metric under which the agent serves a field of a GPU or the node; None where it has none."""
    if known.scope is Scope.NODE:
        return _NODE_METRICS.get(known.name)
    is_served = known.scope is Scope.GPU and not known.declared and known.datatype.kind is not Kind.STRING
    return PREFIX + known.name if is_served else None


def _own() -> MetricNaming:
    metrics = {known: metric for known in FIELDS.values() if (metric := own_metric(known)) is not None}
    numbers = {known.name: metric for known, metric in metrics.items() if known.datatype.kind is Kind.NUMBER}
    bools = {known.name: metric for known, metric in metrics.items() if known.datatype.kind is Kind.BOOL}
    info = {name: TextLabel("gpurules_gpu_info", name.removeprefix("gpu_")) for name in ("gpu_name", "gpu_vendor")}
    return MetricNaming(
        name="gpurules",
        gpu_labels=("instance", "gpu", "uuid"),
        node_labels=("instance",),
        gpus="gpurules_gpu_info",
        nodes="gpurules_gpus",
        numbers=numbers,
        bools={name: (f"{metric} == 1", f"{metric} == 0") for name, metric in bools.items()},
        series={name: (metric, 1.0) for name, metric in numbers.items()},
        texts={
            **info,
            "gpu_status": TextLabel("gpurules_gpu_status", "status"),
            "gpu_uuid": TextLabel("gpurules_gpu_info", "uuid"),
        },
    )


GPURULES = _own()
