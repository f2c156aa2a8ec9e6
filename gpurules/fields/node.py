"""The fields of the node."""

from typing import Unpack

from gpurules.fields.field import Field, FieldTraits, Scope
from gpurules.model import BOOL, STRING, Datatype, Dimension, number

_COUNT, _SECONDS = number(Dimension.NONE), number(Dimension.SECONDS)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _field(name: str, datatype: Datatype, description: str, source: str, **more: Unpack[FieldTraits]) -> Field:
    return Field(
        name=name, scope=Scope.NODE, attribute=name, datatype=datatype, description=description, source=source, **more
    )


def _count(name: str, description: str, source: str) -> Field:
    return _field(name, _COUNT, description, source, minimum=0, integer=True, always_known=True)


FIELDS = (
    _count("gpu_count", "number of boards in the snapshot (MIG instances do not count)", "the snapshot"),
    _count("gpu_lost_count", "number of boards that did not answer", "the snapshot"),
    _field("host", STRING, "name of the node", "the snapshot"),
    _field("driver_version", STRING, "version of the GPU driver", "nvmlSystemGetDriverVersion"),
    _field(
        "telemetry_age",
        _SECONDS,
        "the engine's clock minus the snapshot's timestamp",
        "the engine",
        minimum=0,
        always_known=True,
    ),
    _field(
        "active_training",
        BOOL,
        "a registered workload of type training is active",
        "the workload registry",
        always_known=True,
    ),
    _field(
        "active_inference",
        BOOL,
        "a registered workload of type inference is active",
        "the workload registry",
        always_known=True,
    ),
    _count("active_workloads", "number of registered workloads", "the workload registry"),
    _count("pending_transfers", "number of pending transfers", "the transfer schedule"),
    _field(
        "pending_bytes",
        number(Dimension.BYTES),
        "bytes of the pending transfers",
        "the transfer schedule",
        minimum=0,
        integer=True,
        always_known=True,
    ),
    _field(
        "hour",
        _COUNT,
        "hour of the day",
        "the snapshot's timestamp in settings.timezone",
        minimum=0,
        maximum=23,
        integer=True,
        always_known=True,
    ),
    _field(
        "weekday",
        STRING,
        "day of the week",
        "the snapshot's timestamp in settings.timezone",
        values=WEEKDAYS,
        always_known=True,
    ),
    _field(
        "time_of_day",
        _SECONDS,
        "seconds since midnight",
        "the snapshot's timestamp in settings.timezone",
        minimum=0,
        maximum=86_400,
        always_known=True,
    ),
)
