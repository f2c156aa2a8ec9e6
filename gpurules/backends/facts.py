"""All that one evaluation may look at, and how each field is read from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import TypeAlias

from gpurules.fields import Field, Scope
from gpurules.fields.detection import detect_file_type, detect_framework, file_extension, file_name
from gpurules.fields.node import WEEKDAYS
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS
from gpurules.language.terms.printer import spell
from gpurules.model import GPU, Datatype, Kind, Snapshot, Transfer, Value, Workload
from gpurules.model.reading import finite
from gpurules.records import Record, record

NO_TRANSFER, NO_WORKLOAD = Transfer(), Workload()
NO_NODE: Mapping[str, object] = MappingProxyType({})

SlotKey: TypeAlias = tuple[str, ...]
"""The name of a signal or window in a row of derived state."""


@record
class SlotLayout(Record):
    """Where derived state is in the rows that the engine hands over: one row for each GPU, and one for the node."""

    gpu: Mapping[SlotKey, int] = field(default_factory=dict)
    node: Mapping[SlotKey, int] = field(default_factory=dict)


EMPTY_LAYOUT = SlotLayout()


def series_name(window: ir.Window) -> str:
    """Return what the samples of *window* are kept under: its field, or its expression."""
    return window.field.name if window.operand is None else spell(window.operand)


def slot_key(term: ir.Signal | ir.Window) -> SlotKey:
    """Return the key of a signal or window; equal windows share one."""
    match term:
        case ir.Signal(name):
            return ("signal", name)
        case ir.Window(function, _, seconds, parameter):
            return ("window", function, series_name(term), repr(seconds), repr(parameter))


@record
class EvaluationContext(Record):
    """What stays the same over many evaluations: how times and files are read.

    Units: ``telemetry_age`` in seconds.
    """

    zone: tzinfo = UTC
    file_types: tuple[tuple[str, str], ...] = ()
    telemetry_age: float = 0.0


@record
class Facts(Record):
    """One situation: a snapshot, what it is asked about, and the derived state of the node.

    ``signals`` are the start conditions of signals, and ``ends`` when those end that ``keep_for`` alone holds on, by
    signal and GPU: explanations show them, nothing else looks at them.

    Shape: ``rows`` has one row for each of ``gpus``, laid out by ``layout``.
    Missing: ``layout`` None: there is no history, and a window holds just this snapshot.
    """

    snapshot: Snapshot
    gpus: Sequence[GPU]
    transfer: Transfer = NO_TRANSFER
    workload: Workload = NO_WORKLOAD
    node: Mapping[str, object] = field(default_factory=lambda: NO_NODE)
    context: EvaluationContext = field(default_factory=EvaluationContext)
    layout: SlotLayout | None = None
    rows: Sequence[tuple[Value, ...]] = ()
    node_row: tuple[Value, ...] = ()
    signals: Mapping[str, ir.Term] = field(default_factory=dict)
    ends: Mapping[tuple[str, str | None], float] = field(default_factory=dict)

    def in_scope(self, devices: Sequence[object]) -> "Facts":
        """Return the same facts with only the GPUs whose index is among *devices*."""
        kept = [i for i, gpu in enumerate(self.gpus) if gpu.index in devices]
        return Facts(
            self.snapshot,
            tuple(self.gpus[i] for i in kept),
            self.transfer,
            self.workload,
            self.node,
            self.context,
            self.layout,
            tuple(self.rows[i] for i in kept) if self.rows else (),
            self.node_row,
            self.signals,
            self.ends,
        )


def coerce(value: object, datatype: Datatype) -> Value:
    """Return *value* if it is of *datatype* and finite, else None."""
    match datatype.kind:
        case Kind.NUMBER:
            return finite(value)
        case Kind.BOOL:
            return value if isinstance(value, bool) else None
        case _:
            return value if isinstance(value, str) else None


def age(since: float | None, timestamp: float) -> float | None:
    """Return the seconds from *since* to *timestamp*, never below 0.

    Missing: *since* is, or the two are further apart than a number can say.
    """
    return None if since is None else finite(max(0.0, timestamp - since))


def _local(snapshot: Snapshot, context: EvaluationContext) -> datetime | None:
    try:
        return datetime.fromtimestamp(snapshot.timestamp, context.zone)
    except (OverflowError, ValueError, OSError):
        return None


def _hour(snapshot: Snapshot, context: EvaluationContext) -> Value:
    local = _local(snapshot, context)
    return None if local is None else local.hour


def _weekday(snapshot: Snapshot, context: EvaluationContext) -> Value:
    local = _local(snapshot, context)
    return None if local is None else WEEKDAYS[local.weekday()]


def _time_of_day(snapshot: Snapshot, context: EvaluationContext) -> Value:
    local = _local(snapshot, context)
    if local is None:
        return None
    whole = local.hour * 3600 + local.minute * 60 + local.second
    return whole + local.microsecond / 1e6 if local.microsecond else whole


NODE_READERS: Mapping[str, Callable[[Snapshot, EvaluationContext], Value]] = {
    "gpu_count": lambda snapshot, _: snapshot.gpu_count,
    "gpu_lost_count": lambda snapshot, _: snapshot.gpu_lost_count,
    "host": lambda snapshot, _: snapshot.host,
    "driver_version": lambda snapshot, _: snapshot.driver_version,
    "telemetry_age": lambda _, context: context.telemetry_age,
    "active_training": lambda *_: False,
    "active_inference": lambda *_: False,
    "active_workloads": lambda *_: 0,
    "pending_transfers": lambda *_: 0,
    "pending_bytes": lambda *_: 0,
    "hour": _hour,
    "weekday": _weekday,
    "time_of_day": _time_of_day,
}
"""How each node field is read where it is not given by hand."""


def read_node(wanted: Field, node: Mapping[str, object], snapshot: Snapshot, context: EvaluationContext) -> Value:
    """Return a node field: the value given by hand, else what the snapshot reports."""
    given = node.get(wanted.name)
    if given is not None:
        return coerce(given, wanted.datatype)
    if wanted.declared:
        return coerce(snapshot.labels.get(wanted.name), wanted.datatype)
    return NODE_READERS[wanted.name](snapshot, context)


def transfer_file_type(transfer: Transfer, context: EvaluationContext) -> Value:
    """Return the file type: given, else derived from the path."""
    return transfer.file_type or detect_file_type(transfer.path, context.file_types)


def transfer_framework(transfer: Transfer, workload: Workload) -> Value:
    """Return the framework: given, else of the workload, else derived from the path."""
    return transfer.framework or workload.framework or detect_framework(transfer.path)


def transfer_name(transfer: Transfer) -> Value:
    """Return the last component of the path."""
    return None if transfer.path is None else file_name(transfer.path)


def transfer_extension(transfer: Transfer) -> Value:
    """Return the last suffix of the path."""
    return None if transfer.path is None else file_extension(transfer.path)


def read(wanted: Field, facts: Facts, gpu: GPU | None) -> Value:
    """Return the value of a field, of *gpu* where it is a per-GPU field."""
    transfer, workload = facts.transfer, facts.workload
    match wanted.scope, wanted.attribute:
        case Scope.NODE, _:
            return read_node(wanted, facts.node, facts.snapshot, facts.context)
        case Scope.GPU, attribute:
            holder: object = gpu
        case Scope.TRANSFER, "age":
            return age(transfer.created, facts.snapshot.timestamp)
        case Scope.TRANSFER, "file_name":
            return transfer_name(transfer)
        case Scope.TRANSFER, "file_extension":
            return transfer_extension(transfer)
        case Scope.TRANSFER, "file_type":
            return transfer_file_type(transfer, facts.context)
        case Scope.TRANSFER, "framework":
            return transfer_framework(transfer, workload)
        case Scope.WORKLOAD, "age":
            return age(workload.started, facts.snapshot.timestamp)
        case Scope.TRANSFER, attribute:
            holder = transfer
        case _, attribute:
            holder = workload
    if wanted.declared:
        labels: Mapping[str, object] = getattr(holder, "labels", NO_NODE)
        return coerce(labels.get(wanted.name), wanted.datatype)
    value: Value = getattr(holder, attribute, None)
    return value


def instant(term: ir.Window, value: Value) -> Value:
    """Return the value of a window that holds one sample (or, where *value* is None, none)."""
    if value is None:
        return None
    match term.function:
        case "count_over_time":
            return 1
        case "stddev_over_time":
            return 0.0
        case "changes":
            return 0
        case function:
            return None if FUNCTIONS[function].needs_two else value
