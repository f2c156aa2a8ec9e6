"""The fields of the workload that a transfer serves."""

from typing import Unpack

from gpurules.fields.field import Field, FieldTraits, Scope
from gpurules.model import STRING, Datatype, Dimension, number

WORKLOAD_TYPES = ("training", "inference", "preprocessing", "evaluation", "tuning", "other")
ACCESS_PATTERNS = ("sequential", "random", "strided", "unknown")
_SECONDS, _COUNT = number(Dimension.SECONDS), number(Dimension.NONE)


def _field(name: str, attribute: str, datatype: Datatype, description: str, **more: Unpack[FieldTraits]) -> Field:
    return Field(
        name=name,
        scope=Scope.WORKLOAD,
        attribute=attribute,
        datatype=datatype,
        description=description,
        source="the workload registry",
        **more,
    )


FIELDS = (
    _field("workload_id", "id", STRING, "id of the workload"),
    _field("workload_type", "type", STRING, "type of the workload", values=WORKLOAD_TYPES),
    _field("workload_priority", "priority", _COUNT, "priority of the workload, higher first", integer=True),
    _field("workload_age", "age", _SECONDS, "time from the workload's start to the snapshot", minimum=0),
    _field(
        "memory_footprint",
        "memory_footprint",
        number(Dimension.BYTES),
        "expected GPU memory use",
        minimum=0,
        integer=True,
    ),
    _field("access_pattern", "access_pattern", STRING, "access pattern of its reads", values=ACCESS_PATTERNS),
    _field(
        "io_throughput",
        "io_throughput",
        number(Dimension.BYTES_PER_SECOND),
        "storage traffic that it generates",
        minimum=0,
    ),
    _field("batch_size", "batch_size", _COUNT, "samples per batch", minimum=0, integer=True),
    _field("epoch_time", "epoch_time", _SECONDS, "duration of an epoch", minimum=0),
)
