"""Facts of a test: merged with the defaults, changed at a path, and turned into the objects of the model."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields

from gpurules.errors import GpurulesError
from gpurules.fields import FIELDS, Field, Scope
from gpurules.model import GPU, Dimension, Kind, QuantityError, Snapshot, Transfer, Workload, parse_amount
from gpurules.registry import did_you_mean
from gpurules.rules.yaml_nodes import plain_value
from gpurules.ruletest.case import Data

KINDS = ("snapshot", "transfer", "workload", "node")
_PATH = re.compile(r"gpus?\[([^\]]+)\]\.(\w+)|(transfer|workload|node|snapshot)\.(\w+)")
_KNOWN = {
    Scope.GPU: frozenset(f.name for f in fields(GPU)),
    Scope.TRANSFER: frozenset(f.name for f in fields(Transfer)) | {"age"},
    Scope.WORKLOAD: frozenset(f.name for f in fields(Workload)) | {"age"},
    Scope.NODE: frozenset(f.name for f in FIELDS.values() if f.scope is Scope.NODE),
}
_TEXTS = frozenset({"index", "id", "dataset_files", "model_files", "missing"})
_SECONDS = frozenset({"age", "created", "started", "timestamp", "last_activity"})


class FactsError(GpurulesError):
    """Facts of a test can not be read."""


@dataclass(frozen=True, slots=True)
class Given:
    """The facts of one moment. Missing: without a transfer or workload their fields are missing."""

    snapshot: Snapshot
    transfer: Transfer | None
    workload: Workload | None
    node: Mapping[str, object] | None


def merged(defaults: Data, given: Data) -> Data:
    """Return *given* over *defaults*: GPUs are merged by index, and those of *given* are all there are.

    A path that is given stands for its own file type and framework, whatever those of the defaults are.
    """
    result = deepcopy(defaults)
    for kind, value in given.items():
        before = result.get(kind)
        if not isinstance(value, Mapping) or not isinstance(before, dict):
            result[kind] = deepcopy(value)
            continue
        if kind == "transfer" and "path" in value:  # its type and framework are told from the path that is given
            before = {key: old for key, old in before.items() if key not in ("file_type", "framework")}
        both = {**before, **deepcopy(dict(value))}
        if isinstance(value.get("gpus"), list) and isinstance(before.get("gpus"), list):
            both["gpus"] = _gpus(before["gpus"], value["gpus"])
        result[kind] = both
    return result


def _gpus(defaults: list[object], given: list[object]) -> list[object]:
    known = {_index(gpu, n): gpu for n, gpu in enumerate(defaults) if isinstance(gpu, Mapping)}
    result: list[object] = []
    for n, gpu in enumerate(given):
        if not isinstance(gpu, Mapping):
            result.append(gpu)
            continue
        base = dict(known.get(_index(gpu, n), {}))
        if "memory" in gpu:  # a percentage that is given stands, whatever bytes the defaults have
            base.pop("memory_used", None)
        result.append({**base, **gpu})
    return result


def _index(gpu: Mapping[str, object], position: int) -> str:
    return str(gpu.get("index", position))


def put(data: Data, path: str, text: str | None) -> None:
    """Set the fact at *path* (``gpu[0].memory``, ``transfer.size``) of *data*; None makes it missing.

    Raises:
        FactsError: the path names nothing.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise FactsError(f"{path!r} is no path of a fact; write gpu[0].memory, transfer.size, workload.type or node.…")
    index, attribute, kind, name = match.groups()
    if index is None:
        holder = data.setdefault(kind, {})
        assert isinstance(holder, dict)
        holder[name] = text
        return
    gpu = _gpu(data, index)
    if attribute == "memory":
        gpu.pop("memory_used", None)
    gpu[attribute] = text


def _gpu(data: Data, index: str) -> dict[str, object]:
    snapshot = data.setdefault("snapshot", {})
    assert isinstance(snapshot, dict)
    gpus = snapshot.setdefault("gpus", [])
    for n, gpu in enumerate(gpus):
        if isinstance(gpu, dict) and _index(gpu, n) == index:
            return gpu
    gpus.append({"index": index})
    found: dict[str, object] = gpus[-1]
    return found


def remove_gpu(data: Data, path: str) -> None:
    """Take the GPU of *path* out of the snapshot."""
    match = _PATH.fullmatch(path)
    if match is None or match[1] is None:
        raise FactsError(f"only a GPU can be gone, and {path!r} is none")
    gpu, snapshot = _gpu(data, match[1]), data["snapshot"]
    assert isinstance(snapshot, dict)
    snapshot["gpus"] = [one for one in snapshot["gpus"] if one is not gpu]


def facts(data: Data, declared: Mapping[str, Field], timestamp: float) -> Given:
    """Return the facts that *data* describes, read at *timestamp*.

    Raises:
        FactsError: one can not be read; the message says which and why.
    """
    snapshot = _mapping(data.get("snapshot"), "snapshot")
    gpus = snapshot.get("gpus") or []
    if not isinstance(gpus, list):
        raise FactsError("gpus must be a list")
    read = {
        "timestamp": timestamp,
        "host": snapshot.get("host"),
        "driver_version": snapshot.get("driver_version"),
        "gpus": [_typed(_mapping(gpu, "a GPU"), Scope.GPU, declared, timestamp) for gpu in gpus],
        "labels": snapshot.get("labels"),
    }
    for key in snapshot:
        if key not in read:
            raise FactsError(f"a snapshot has no {key!r}; {did_you_mean(key, read) or 'it has gpus'}")
    transfer, workload, node = (data.get(kind) for kind in ("transfer", "workload", "node"))
    return Given(
        Snapshot.from_dict(read),
        None if transfer is None else Transfer.from_dict(_of(transfer, Scope.TRANSFER, declared, timestamp)),
        None if workload is None else Workload.from_dict(_of(workload, Scope.WORKLOAD, declared, timestamp)),
        None if node is None else _of(node, Scope.NODE, declared, timestamp),
    )


def _of(data: object, scope: Scope, declared: Mapping[str, Field], timestamp: float) -> dict[str, object]:
    return _typed(_mapping(data, scope.value), scope, declared, timestamp)


def _mapping(data: object, what: str) -> dict[str, object]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise FactsError(f"{what} must be a mapping")
    return {str(key): value for key, value in data.items()}


def _typed(data: dict[str, object], scope: Scope, declared: Mapping[str, Field], timestamp: float) -> dict[str, object]:
    known = {f.attribute: f for f in FIELDS.values() if f.scope is scope}
    result: dict[str, object] = {}
    labels = dict(_mapping(data.get("labels"), "labels"))
    for name, value in data.items():
        field = declared.get(name)
        if field is not None and field.scope is scope:
            labels[name] = _read(value, field, name)
        elif name not in _KNOWN[scope]:
            names = [*_KNOWN[scope], *(f.name for f in declared.values() if f.scope is scope)]
            raise FactsError(f"a {scope.value} has no {name!r}; {did_you_mean(name, names) or 'see gpurules fields'}")
        elif name != "labels":
            result[name] = _read(value, known.get(name), name)
    for own, origin in (("age", "created"), ("age", "started")):
        if own in result and origin in _KNOWN[scope]:
            result[origin] = timestamp - float(str(result.pop(own)))
    return {**result, "labels": labels} if labels else result


def _read(value: object, field: Field | None, name: str) -> object:
    """Return a fact in its canonical unit."""
    if isinstance(value, list | dict):
        return value if name in _TEXTS else _plain(value)
    if not isinstance(value, str) or name in _TEXTS:
        return value
    if value == "_":
        return None
    if field is not None and field.datatype.kind is Kind.STRING:
        return value
    wanted = Dimension.SECONDS if name in _SECONDS else field.datatype.dimension if field else None
    if (field is None and name not in _SECONDS) or (field and field.datatype.kind is Kind.BOOL):
        return plain_value(value)
    try:
        amount = parse_amount(value.removeprefix("-"))
    except QuantityError as error:
        raise FactsError(f"{name} is no quantity: {error}") from None
    if amount.dimension not in (Dimension.NONE, wanted):
        raise FactsError(f"{name} is in {wanted}, and {value!r} in {amount.dimension}")
    return -amount.value if value.startswith("-") else amount.value


def _plain(value: object) -> object:
    """Return what is no field, such as a list of processes, with its numbers and truth values read."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return plain_value(value) if isinstance(value, str) else value
