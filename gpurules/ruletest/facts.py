"""Facts of a test: merged with the defaults, changed at a path, and turned into the objects of the model."""

import re
from collections.abc import Mapping
from copy import deepcopy

from gpurules.errors import GpurulesError
from gpurules.facts import CheckedFacts, TimeError, check, read_time
from gpurules.fields import Field
from gpurules.ruletest.case import Data

BLANK = "_"
"""What stands for a fact that is missing."""

_PATH = re.compile(r"gpus?\[([^\]]+)\]\.(\w+)|(transfer|workload|node|snapshot)\.(\w+)")
_ORIGINS = frozenset({"age", "created", "started"})


class FactsError(GpurulesError):
    """A path of facts names nothing."""


def merge_facts(defaults: Data, given: Data) -> Data:
    """Return *given* over *defaults*: GPUs are merged by index, and those of *given* are all there are.

    A path that is given stands for its own file type and framework, whatever those of the defaults are.
    """
    result = deepcopy(defaults)
    for kind, value in given.items():
        before = result.get(kind)
        if not isinstance(value, Mapping) or not isinstance(before, dict):
            result[kind] = deepcopy(value)
            continue
        if kind == "transfer" and "path" in value:  # its type and framework are derived from the path that is given
            before = {key: old for key, old in before.items() if key not in ("file_type", "framework")}
        if _ORIGINS & set(value):  # an age and the time that it counts from say the same
            before = {key: old for key, old in before.items() if key not in _ORIGINS}
        both = {**before, **deepcopy(dict(value))}
        if isinstance(value.get("gpus"), list) and isinstance(before.get("gpus"), list):
            both["gpus"] = _gpus(before["gpus"], value["gpus"])
        result[kind] = both
    _drop_node_facts(result, given)
    return result


def _drop_node_facts(result: Data, given: Data) -> None:
    """Let labels of the snapshot that are given stand, whatever the defaults say of the node by the same names."""
    snapshot, node, own = given.get("snapshot"), result.get("node"), given.get("node")
    labels = snapshot.get("labels") if isinstance(snapshot, Mapping) else None
    if isinstance(labels, Mapping) and isinstance(node, dict):
        for name in labels:
            if not isinstance(own, Mapping) or name not in own:
                node.pop(name, None)


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


def set_path(data: Data, path: str, text: str | None) -> None:
    """Set the fact at *path* (``gpu[0].memory``, ``transfer.size``) of *data*; None makes it missing.

    Raises:
        FactsError: the path names nothing.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise FactsError(
            f"{path!r} is not the path of a fact; write gpu[0].memory, transfer.size, workload.type or node.…"
        )
    index, attribute, kind, name = match.groups()
    if index is None:
        holder = data.setdefault(kind, {})
        assert isinstance(holder, dict)
        holder[name] = text
        if kind == "node":
            _drop_label(data, name)
        return
    gpu = _gpu(data, index)
    if attribute == "memory":
        gpu.pop("memory_used", None)
    gpu[attribute] = text


def _drop_label(data: Data, name: str) -> None:
    """Take a fact of the node out of the labels of the snapshot, where it would show through when it is missing."""
    snapshot = data.get("snapshot")
    labels = snapshot.get("labels") if isinstance(snapshot, dict) else None
    if isinstance(labels, dict):
        labels.pop(name, None)


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
        raise FactsError(f"only a GPU can be gone, and {path!r} is not one")
    gpu, snapshot = _gpu(data, match[1]), data["snapshot"]
    assert isinstance(snapshot, dict)
    snapshot["gpus"] = [one for one in snapshot["gpus"] if one is not gpu]


def facts(data: Data, declared: Mapping[str, Field], timestamp: float) -> CheckedFacts:
    """Return the facts that *data* describes, read at *timestamp*.

    Raises:
        FactError: something is wrong with them; the message has all of it.
    """
    snapshot = data.get("snapshot")
    at = {**(snapshot if isinstance(snapshot, Mapping) else {}), "timestamp": timestamp}
    return check({**data, "snapshot": at}, declared, timestamp, BLANK).sound()


def timestamp_of(given: Data) -> float:
    """Return when *given* is. Units: seconds since 1970. Missing: 0 where it says no time, or none that can be read."""
    snapshot = given.get("snapshot")
    stamp = snapshot.get("timestamp") if isinstance(snapshot, Mapping) else None
    try:
        return 0.0 if stamp is None else read_time(stamp)
    except TimeError:
        return 0.0
