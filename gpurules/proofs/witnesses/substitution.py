"""Facts with another value of a field, a signal or a window."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpurules.backends import Facts
from gpurules.backends.facts import slot_key
from gpurules.fields import Field, Scope
from gpurules.language.terms import ir
from gpurules.model import GPU, Value


def with_value(facts: Facts, term: ir.Term, place: int | None, value: Value) -> Facts | None:
    """Return *facts* with *value* for *term*, of the GPU at *place*; None where that cannot be said of facts."""
    match term:
        case ir.Read(read) if read.is_per_gpu:
            if place is None:
                return None
            return replace(facts, gpus=_with(facts.gpus, place, _changed_gpu(facts.gpus[place], read, value)))
        case ir.Read(read):
            return _changed_field(facts, read, value)
        case ir.Window() if facts.layout is None:
            return with_value(facts, term.sample, place, value)
        case ir.Signal() | ir.Window():
            return _changed_state(facts, term, place, value)
        case _:
            return None


def _with(gpus: Sequence[GPU], place: int, gpu: GPU) -> tuple[GPU, ...]:
    return (*gpus[:place], gpu, *gpus[place + 1 :])


def _labeled(labels: Mapping[str, object], name: str, value: Value) -> dict[str, object]:
    return {**{k: v for k, v in labels.items() if k != name}, **({} if value is None else {name: value})}


def _changed_gpu(gpu: GPU, read: Field, value: Value) -> GPU:
    if read.declared:
        return replace(gpu, labels=_labeled(gpu.labels, read.name, value))
    total = gpu.memory_total
    changes: dict[str, object] = {"index" if read.attribute == "index_number" else read.attribute: value}
    if read.attribute == "memory":
        used = value * total / 100 if isinstance(value, int | float) and total is not None else None
        changes |= {"memory_used": used, "memory_free": None}
    elif read.attribute in ("memory_used", "memory_total"):
        changes |= {"memory": None, "memory_free": None}
    return replace(gpu, **changes)  # type: ignore[arg-type]


def _changed_field(facts: Facts, read: Field, value: Value) -> Facts | None:
    """Return *facts* with another value of a field of the node, the transfer or the workload."""
    if read.scope is Scope.NODE:
        return None if value is None else replace(facts, node={**facts.node, read.name: value})
    of_transfer = read.scope is Scope.TRANSFER
    labels = facts.transfer.labels if of_transfer else facts.workload.labels
    changes: dict[str, object]
    if read.declared:
        changes = {"labels": _labeled(labels, read.name, value)}
    elif read.attribute == "age":
        since = facts.snapshot.timestamp - value if isinstance(value, int | float) else None
        changes = {"created" if of_transfer else "started": since}
    elif read.attribute in ("file_name", "file_extension"):
        changes = {"path": with_path_part(facts.transfer.path, read.attribute, value)}
    else:
        changes = {read.attribute: value}
    if of_transfer:
        return replace(facts, transfer=replace(facts.transfer, **changes))  # type: ignore[arg-type]
    return replace(facts, workload=replace(facts.workload, **changes))  # type: ignore[arg-type]


def with_path_part(path: str | None, attribute: str, value: Value) -> str | None:
    """Return *path* with another file name or extension, None where that is to be missing."""
    if value is None:
        return None
    folder, slash, name = (path or "").rpartition("/")
    if attribute == "file_name":
        return f"{folder}{slash}{value}"
    stem = name.rpartition(".")[0] or name or "file"
    return f"{folder}{slash}{stem}{value}"


def _changed_state(facts: Facts, term: ir.Signal | ir.Window, place: int | None, value: Value) -> Facts | None:
    if facts.layout is None:
        return None
    key = slot_key(term)
    if not ir.is_per_gpu(term):
        column = facts.layout.node[key]
        return replace(facts, node_row=(*facts.node_row[:column], value, *facts.node_row[column + 1 :]))
    if place is None:
        return None
    column, row = facts.layout.gpu[key], facts.rows[place]
    rows = [*facts.rows]
    rows[place] = (*row[:column], value, *row[column + 1 :])
    return replace(facts, rows=tuple(rows))
