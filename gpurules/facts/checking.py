"""Holds typed facts against what there is to know: unknown keys, units, ranges, members, indexes; all that is wrong."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.facts.attributes import KINDS, Attribute, AttributeShape, attributes, derived_from
from gpurules.facts.times import TimeError, read_time
from gpurules.facts.values import ValueProblem, format_value, read_value
from gpurules.fields import Field, Scope
from gpurules.model import FactError, Snapshot, Transfer, Workload
from gpurules.registry import did_you_mean

Path: TypeAlias = tuple[str | int, ...]
"""Where a fact stands: keys, and places in lists."""

_INDEX = re.compile(r"\d{1,9}(?::\d{1,9})?", re.ASCII)
_WORDS = {"gpu": "a GPU", "process": "a process", "node": "the node"}


@dataclass(frozen=True, slots=True)
class FactProblem:
    """One thing that is wrong with typed facts; ``at_key`` says that the key is wrong, not its value."""

    path: Path
    message: str
    hint: str | None = None
    at_key: bool = False

    @property
    def text(self) -> str:
        """What is wrong, and what to do, without the place."""
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def __str__(self) -> str:
        """Return the place and what is wrong there."""
        return f"{place(self.path)}: {self.text}"


def place(path: Path) -> str:
    """Return the place of a fact in words.

    >>> place(("snapshot", "gpus", 1, "power"))
    'snapshot.gpus[1].power'
    """
    found = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return found.removeprefix(".")


@dataclass(frozen=True, slots=True)
class CheckedFacts:
    """What was typed, read; what is wrong of it is missing, and among ``problems``.

    Missing: ``transfer``, ``workload`` and ``node`` are None where they were not given.
    """

    snapshot: Snapshot
    transfer: Transfer | None
    workload: Workload | None
    node: Mapping[str, object] | None
    problems: tuple[FactProblem, ...] = ()
    is_timed: bool = True
    """Whether the snapshot said when it was taken."""

    def sound(self) -> "CheckedFacts":
        """Return the same facts.

        Raises:
            FactError: something is wrong with them; the message has all of it.
        """
        if self.problems:
            raise FactError("; ".join(map(str, self.problems)))
        return self


def check(
    data: Mapping[str, object], declared: Mapping[str, Field], now: float | None = None, blank: str | None = None
) -> CheckedFacts:
    """Return the facts of *data* (``snapshot transfer workload node``, each a mapping), held against all fields.

    *declared* are the fields that the ruleset declares; *blank* is a text that stands for a fact that is missing.

    Units: *now*, which a snapshot without a time is of, in seconds since 1970.
    Missing: whatever is wrong, with a problem at its place; without *now* nothing can be given as an age.
    """
    checker = _Checker(declared, now, blank)
    checker.unknown_kinds(data)
    snapshot = checker.snapshot(data.get("snapshot"))
    objects = {kind: checker.part(data.get(kind), kind) for kind in KINDS[1:]}
    transfer, workload, node = (objects[kind] for kind in KINDS[1:])
    return CheckedFacts(
        Snapshot.from_dict(snapshot),
        None if transfer is None else Transfer.from_dict(transfer),
        None if workload is None else Workload.from_dict(workload),
        node,
        tuple(checker.problems),
        checker.is_timed,
    )


class _Checker:
    """Walks through facts; ``problems`` collects whatever is wrong."""

    def __init__(self, declared: Mapping[str, Field], now: float | None, blank: str | None) -> None:
        self.problems: list[FactProblem] = []
        self.is_timed = False
        self._now, self._blank = now, blank
        self._declared = {
            scope.value: {name: field for name, field in declared.items() if field.scope is scope} for scope in Scope
        }

    def _complain(self, path: Path, message: str, hint: str | None = None, at_key: bool = False) -> None:
        self.problems.append(FactProblem(path, message, hint, at_key))

    def unknown_kinds(self, data: Mapping[str, object]) -> None:
        """Note the keys of *data* that are not kinds of facts."""
        for key in data:
            if key not in KINDS:
                hint = did_you_mean(str(key), KINDS) or f"known facts: {', '.join(KINDS)}"
                self._complain((str(key),), f"unknown facts {str(key)[:60]!r}", hint, at_key=True)

    def snapshot(self, data: object) -> dict[str, object]:
        """Return a snapshot as the model reads it."""
        found = self.part(data, "snapshot") or {}
        timestamp = found.get("timestamp")
        if isinstance(timestamp, float):
            self._now, self.is_timed = timestamp, True
        return {**found, "timestamp": self._now}

    def part(self, data: object, kind: str, path: Path | None = None) -> dict[str, object] | None:
        """Return an object of *kind* as the model reads it, declared fields among its labels; None where none is."""
        path = (kind,) if path is None else path
        if data is None:
            return None
        if not isinstance(data, Mapping):
            self._complain(path, f"expected a mapping, got {format_value(data)}")
            return None
        known, declared = attributes(kind), self._declared.get(kind, {})
        result: dict[str, object] = {}
        labels: dict[str, object] = {}
        for key, value in data.items():
            name, at = str(key), (*path, str(key))
            if name in declared:
                (result if kind == "node" else labels)[name] = self._value(value, declared[name], at)
            elif name not in known:
                self._unknown(name, kind, at)
            elif known[name].shape is AttributeShape.LABELS:
                labels.update(self._labels(value, kind, at))
            else:
                result[name] = self._attribute(value, known[name], at, data)
        self._turn_ages(result, data, path)
        return {**result, "labels": labels} if labels else result

    def _unknown(self, name: str, kind: str, path: Path) -> None:
        names = [*attributes(kind), *self._declared.get(kind, {})]
        what = _WORDS.get(kind, f"a {kind}")
        origin, elsewhere = derived_from(name), self._home(name)
        if origin is not None and origin in names:
            hint: str | None = f"it is derived from {origin!r}"
        elif elsewhere is not None and elsewhere != kind:
            hint = f"{name} belongs to {_WORDS.get(elsewhere, f'the {elsewhere}')}: write it there"
        else:
            bare = name.removeprefix(f"{kind}_")
            hint = f"did you mean {bare!r}?" if bare != name and bare in names else did_you_mean(name, names)
        known = f"it has {', '.join(names[:8])}" + (" and more: gpurules fields" if len(names) > 8 else "")
        self._complain(path, f"{what} has no {name[:60]!r}", hint or known, at_key=True)

    def _home(self, name: str) -> str | None:
        """Return the kind of object that has a declared field, or a fact of the node, of that *name*."""
        for kind, fields in self._declared.items():
            if name in fields:
                return kind
        return "node" if name in attributes("node") else None

    def _attribute(self, value: object, attribute: Attribute, path: Path, beside: Mapping[object, object]) -> object:
        if value is None or (self._blank is not None and value == self._blank):
            return None
        match attribute.shape:
            case AttributeShape.FIELD:
                assert attribute.field is not None
                is_derived = attribute.name == "memory" and {"memory_used", "memory_total"} <= set(beside)
                return self._value(value, attribute.field, path, in_range=not is_derived)
            case AttributeShape.TIME:
                return self._time(value, path)
            case AttributeShape.INDEX:
                return self._index(value, path)
            case AttributeShape.INDEXES:
                return [self._index(one, at) for one, at in self._items(value, path)]
            case AttributeShape.GPUS:
                return self._gpus(value, path)
            case AttributeShape.PROCESSES:
                return [self.part(one, "process", at) for one, at in self._items(value, path)]
            case AttributeShape.TEXTS:
                return [self._text(one, at) for one, at in self._items(value, path)]
            case _:
                return {key: self._text(one, (*path, key)) for key, one in self._pairs(value, path)}

    def _value(self, value: object, field: Field, path: Path, in_range: bool = True) -> object:
        if self._blank is not None and value == self._blank:
            return None
        try:
            return read_value(value, field, in_range)
        except ValueProblem as problem:
            self._complain(path, problem.message, problem.hint)
            return None

    def _time(self, value: object, path: Path) -> float | None:
        try:
            return read_time(value)
        except TimeError as error:
            self._complain(path, str(error), error.hint)
            return None

    def _index(self, value: object, path: Path) -> object:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number
        is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
        if is_number or (isinstance(value, str) and _INDEX.fullmatch(value)):
            return int(value) if isinstance(value, str) and value.isdecimal() else value
        self._complain(path, f"{format_value(value)} is not a GPU index", 'write 0, or "1:0" for instance 0 of GPU 1')
        return None

    def _text(self, value: object, path: Path) -> object:
        if not isinstance(value, str):
            self._complain(path, f"expected a string, got {format_value(value)}")
        return value

    def _items(self, value: object, path: Path) -> Iterator[tuple[object, Path]]:
        if isinstance(value, list | tuple):
            yield from ((one, (*path, number)) for number, one in enumerate(value))
        else:
            self._complain(path, f"expected a list, got {format_value(value)}")

    def _pairs(self, value: object, path: Path) -> Iterator[tuple[str, object]]:
        if isinstance(value, Mapping):
            yield from ((str(key), one) for key, one in value.items())
        else:
            self._complain(path, f"expected a mapping, got {format_value(value)}")

    def _labels(self, value: object, kind: str, path: Path) -> Iterator[tuple[str, object]]:
        """Yield labels; those that are declared fields (the node's are in the snapshot) are read as such."""
        declared = self._declared["node" if kind == "snapshot" else kind]
        for name, one in self._pairs(value, path) if value is not None else ():
            field = declared.get(name)
            yield name, one if field is None else self._value(one, field, (*path, name))

    def _gpus(self, value: object, path: Path) -> list[object]:
        found = [(self.part(one, "gpu", at), at) for one, at in self._items(value, path)]
        seen: dict[object, Path] = {}
        for gpu, at in found:
            if gpu is None:
                continue
            if "index" not in gpu:
                if len(found) > 1:
                    self._complain(at, "a GPU among several has no index", f"write index: {at[-1]}")
                continue
            self._note_twice(seen, ("index", gpu["index"]), (*at, "index"))
            self._note_twice(seen, ("uuid", gpu.get("uuid")), (*at, "uuid"))
        return [gpu for gpu, _ in found if gpu is not None]

    def _note_twice(self, seen: dict[object, Path], key: tuple[str, object], path: Path) -> None:
        if key[1] is None:
            return
        first = seen.setdefault(key, path)
        if first is not path:
            self._complain(path, f"two GPUs have the {key[0]} {format_value(key[1])}", "give each its own")

    def _turn_ages(self, result: dict[str, object], data: Mapping[object, object], path: Path) -> None:
        """Replace an age by the time that it counts from."""
        if "age" not in result or path[-1] not in ("transfer", "workload"):
            return
        origin, age = "created" if path[-1] == "transfer" else "started", result.pop("age")
        if data.get(origin) is not None and age is not None:
            self._complain((*path, "age"), f"both 'age' and {origin!r} are set", "keep one of them", at_key=True)
        elif self._now is None:
            self._complain(
                (*path, "age"), "an age requires a timestamp, and none is given", f"write {origin!r}", at_key=True
            )
        elif isinstance(age, int | float):
            result[origin] = self._now - age


__all__ = ["CheckedFacts", "FactProblem", "Path", "check", "place"]
