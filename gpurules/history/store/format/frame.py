"""Frames read from a store: selected columns of one node's day."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import Column, Groups, Numbers, Places, Texts, Truths, as_column, repeat_value
from gpurules.backends.facts import NO_NODE, coerce
from gpurules.fields import FIELDS, Scope
from gpurules.history.frames.frame import Codes
from gpurules.history.store.schema import ATTRIBUTES, EXACT, REASON
from gpurules.model import BOOL, GPU, NUMBER, STRING, Kind, Snapshot, Value
from gpurules.model.gpu import NUMBERS
from gpurules.model.ranges import range_of
from gpurules.strict_json import loads

_TYPES = {Kind.BOOL: BOOL, Kind.STRING: STRING, Kind.NUMBER: NUMBER}
_WHOLE = frozenset(f.attribute for f in FIELDS.values() if f.scope is Scope.GPU and f.integer)
_ATTRIBUTES = frozenset(ATTRIBUTES)
DEFERRED = frozenset({"position", "index", "uuid", "name"})
"""The columns that are read on first use, unless the caller names them."""
Report = Callable[[str], None]


def plain(table: pa.Table, name: str) -> pa.Array:
    """Return a column as one array."""
    column = table.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def texts_of(array: pa.Array) -> Texts:
    """Return strings as codes."""
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
    codes = array.indices
    if codes.null_count:
        codes = pc.fill_null(codes, -1)
    words = array.dictionary.to_pylist()
    return Texts(codes.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), tuple(map(str, words)))


def numbers_of(array: pa.Array) -> Numbers:
    """Return numbers as doubles, missing ones as NaN."""
    if not pa.types.is_float64(array.type):
        array = array.cast(pa.float64(), safe=False)
    found: Numbers = array.to_numpy(zero_copy_only=False)
    return found


def with_rows_of(table: pa.Table, to: pa.Table) -> pa.Table:
    """Return the rows of *table* that have the identities and times of the rows of *to*, in that order.

    Missing: all values of a row that *table* does not have, because its file was removed in between.
    """
    if table.num_rows == to.num_rows and all(
        table.column(key).equals(to.column(key)) for key in ("timestamp", "identity")
    ):
        return table
    places = {pair: n for n, pair in enumerate(_keys(table))}
    return table.take(pa.array([places.get(pair) for pair in _keys(to)], pa.int64()))


def _keys(table: pa.Table) -> Iterator[tuple[str, float]]:
    return zip(table.column("identity").to_pylist(), table.column("timestamp").to_pylist(), strict=True)


@lru_cache(maxsize=4)
def _dense_rows(owners: int, count: int) -> tuple[Places, Groups]:
    """Return the owner of each row, and its snapshot, where each of *owners* is in all; days are often alike."""
    owner = np.repeat(np.arange(owners, dtype=np.intp), count)
    snapshot = np.tile(np.arange(count, dtype=np.intp), owners)
    for array in (owner, snapshot):
        array.setflags(write=False)
    return owner, Groups(snapshot, count)


@dataclass
class StoredFrame:
    """A frame of two tables: GPUs in order of identity and time, and snapshots.

    ``report`` receives the problems; ``deferred`` reads the columns of GPUs that are seldom needed.
    """

    gpus: pa.Table
    node: pa.Table
    report: Report = field(default=lambda what: None)
    deferred: Callable[[], pa.Table] | None = None
    _known: dict[int, GPU] = field(default_factory=dict)

    @cached_property
    def _deferred(self) -> pa.Table | None:
        return None if self.deferred is None else with_rows_of(self.deferred(), self.gpus)

    def _column(self, name: str) -> pa.Array | None:
        """Return a column of the GPUs as one array, or None if the files do not have it."""
        table = self.gpus if name in self.gpus.column_names or name not in DEFERRED else self._deferred
        return plain(table, name) if table is not None and name in table.column_names else None

    @cached_property
    def _identities(self) -> Texts:
        return texts_of(plain(self.gpus, "identity"))

    @cached_property
    def _begins(self) -> Places:
        """The first row of each GPU."""
        codes = self._identities.codes
        return np.flatnonzero(np.append(True, codes[1:] != codes[:-1])) if len(codes) else np.zeros(0, np.intp)

    @cached_property
    def owners(self) -> Sequence[str]:
        """The identities of the GPUs, in order of their rows."""
        codes, words = self._identities.codes, self._identities.words
        return tuple(words[code] for code in codes[self._begins].tolist())

    @cached_property
    def owner(self) -> Places:
        """The GPU of each row."""
        if self._is_dense:
            return _dense_rows(len(self.owners), len(self.times))[0]
        sizes = np.diff(np.append(self._begins, len(self._row_times)))
        return np.repeat(np.arange(len(self.owners), dtype=np.intp), sizes)

    @cached_property
    def _row_times(self) -> Numbers:
        return numbers_of(plain(self.gpus, "timestamp"))

    @cached_property
    def times(self) -> Numbers:
        """The times of the snapshots."""
        times = numbers_of(plain(self.node, "timestamp"))
        return times if self._is_dense else np.unique(np.concatenate([times, self._row_times]))

    @cached_property
    def _is_dense(self) -> bool:
        """Whether every GPU has a row at each of the times of the node."""
        times, rows = numbers_of(plain(self.node, "timestamp")), self._row_times
        if not len(times) or len(rows) != len(times) * len(self.owners):
            return False
        return bool(np.all(rows.reshape(len(self.owners), len(times)) == times))

    @cached_property
    def groups(self) -> Groups:
        """The rows of each snapshot."""
        if self._is_dense:
            return _dense_rows(len(self.owners), len(self.times))[1]
        return Groups(np.searchsorted(self.times, self._row_times), len(self.times))

    @cached_property
    def position(self) -> Places:
        """The position of each row in its snapshot."""
        array = self._column("position")
        return self.owner if array is None else np.asarray(array.fill_null(0).to_numpy(zero_copy_only=False))

    def column(self, attribute: str, kind: Kind) -> Column:
        """Return an attribute of the GPUs; one that the files do not have is missing."""
        array = self._column(attribute)
        if array is None:
            return repeat_value(True if attribute == "healthy" else None, kind, len(self.owner))
        if kind is Kind.BOOL:
            true = array.cast(pa.bool_()).fill_null(attribute == "healthy").to_numpy(zero_copy_only=False)
            if attribute == "healthy" or not array.null_count:
                return Truths(true, ~true)
            known = array.is_valid().to_numpy(zero_copy_only=False)
            return Truths(true & known, ~true & known)
        if kind is Kind.STRING:
            return texts_of(array)
        self._check_exact(attribute)
        return self._in_range(attribute, numbers_of(array))

    def _check_exact(self, attribute: str) -> None:
        name = attribute + EXACT
        if name in self.gpus.column_names and self.gpus.column(name).null_count < len(self.owner):
            raise UnsupportedError("an integer beyond 2**53 is not a double")

    def _in_range(self, attribute: str, found: Numbers) -> Numbers:
        """Return the values within the range of their attribute; the others are missing."""
        limits = range_of(attribute)
        low, high = (float(bound.reduce(found, initial=np.nan)) for bound in (np.fmin, np.fmax))
        maximum = np.inf if limits.maximum is None else limits.maximum
        if not (low < limits.minimum or high > maximum or np.isinf(high) or np.isinf(low)):
            return found
        odd = (found < limits.minimum) | (found > maximum) | np.isinf(found)
        self.report(
            f"{int(odd.sum())} values of {attribute} are out of range ({limits.minimum:g} to {maximum:g}); treated "
            "as missing"
        )
        return np.where(odd, np.nan, found)

    def label(self, name: str, kind: Kind) -> Column:
        """Return a label of the GPUs; values of another kind are missing."""
        return as_column([coerce(value, _TYPES[kind]) for value in self.exact(name, True)], kind)

    def exact(self, attribute: str, is_label: bool) -> Sequence[Value]:
        """Return an attribute (or a label) of the GPUs as it was given, integers as integers."""
        if is_label:
            return [labels.get(attribute) for labels in _parsed(self.gpus, "labels", len(self.owner))]
        if attribute == "index":
            numbers: dict[str, Value] = {}
            words = self._listed("index")
            return [numbers[w] if w in numbers else numbers.setdefault(w, GPU(index=w).index) for w in words]
        if attribute not in NUMBERS:
            return self._listed(attribute)
        given: list[Value] = [
            None if v != v else v for v in self._in_range(attribute, self._doubles(attribute)).tolist()
        ]
        if attribute in _WHOLE:
            given = [int(v) if isinstance(v, float) and v.is_integer() else v for v in given]
        exact = self._listed(attribute + EXACT)
        return [e if e is not None else v for e, v in zip(exact, given, strict=True)]

    def _doubles(self, attribute: str) -> Numbers:
        array = self._column(attribute)
        return np.full(len(self.owner), np.nan) if array is None else numbers_of(array)

    def _listed(self, name: str) -> list[Any]:
        array = self._column(name)
        if array is None:
            return [True if name == "healthy" else None] * len(self.owner)
        return cast(list[Any], array.to_pylist())

    def codes(self, attribute: str) -> Codes:
        """Return numbers that are equal where the values of an attribute are."""
        array = self._column(attribute)
        return np.broadcast_to(np.int32(0), len(self.owner)) if array is None else texts_of(array).codes

    @cached_property
    def _node_places(self) -> Places:
        """The row of each snapshot in the table of the node; -1 where it has none."""
        times = numbers_of(plain(self.node, "timestamp"))
        if not len(times):
            return np.full(len(self.times), -1, np.intp)
        places = np.minimum(np.searchsorted(times, self.times), len(times) - 1)
        return np.where(times[places] == self.times, places, -1)

    def _of_snapshots(self, listed: Sequence[Any]) -> list[Any]:
        return [None if place < 0 else listed[place] for place in self._node_places.tolist()]

    def of_node(self, name: str, is_label: bool) -> Sequence[object]:
        """Return the attribute or label *name* of each snapshot."""
        if is_label:
            return self._of_snapshots([labels.get(name) for labels in _parsed(self.node, "labels", len(self.node))])
        if name not in self.node.column_names:
            return [None] * len(self.times)
        return self._of_snapshots(self.node.column(name).to_pylist())

    def facts(self, name: str) -> Sequence[object] | None:
        """Return the fact *name* of the node that was given with each snapshot; None if none was."""
        if "facts" not in self.node.column_names or self.node.column("facts").null_count == len(self.node):
            return None
        return self._of_snapshots([facts.get(name) for facts in _parsed(self.node, "facts", len(self.node))])

    def gpu(self, row: int) -> GPU:
        """Return the GPU of a row, as far as its columns were read."""
        return self.gpus_of([row])[0]

    def gpus_of(self, rows: Sequence[int]) -> list[GPU]:
        """Return the GPUs of rows, as far as their columns were read."""
        new = [row for row in rows if row not in self._known]
        if new:
            tables = [self.gpus] if self._deferred is None else [self._deferred, self.gpus]
            parts = zip(*(table.take(pa.array(new)).to_pylist() for table in tables), strict=True)
            self._known.update((row, self._gpu(dict(ChainMap(*part)))) for row, part in zip(new, parts, strict=True))
        return [self._known[row] for row in rows]

    @staticmethod
    def _gpu(values: Mapping[str, Any]) -> GPU:
        data: dict[str, object] = {}
        for name in _ATTRIBUTES.intersection(values):
            value = values.get(name + EXACT)
            value = values[name] if value is None else value
            if name in _WHOLE and isinstance(value, float) and value.is_integer():
                value = int(value)
            data[name] = value
        for name in ("labels", "processes"):
            data[name] = loads(text) if (text := values.get(name)) else None
        data["missing"] = {
            key.removesuffix(REASON): why for key, why in values.items() if key.endswith(REASON) and why is not None
        }
        return GPU.from_dict({key: value for key, value in data.items() if value is not None})

    def snapshots(self) -> Iterator[tuple[Snapshot, Mapping[str, object]]]:
        """Yield each snapshot with the facts of the node that were given with it."""
        gpus: list[list[tuple[int, GPU]]] = [[] for _ in self.times]
        rows = self.gpus.to_pylist()
        for row, number, position in zip(rows, self.groups.snapshot.tolist(), self.position.tolist(), strict=True):
            gpus[number].append((position, self._gpu(row)))
        parsed = {name: _parsed(self.node, name, len(self.node)) for name in ("labels", "facts")}
        labels, facts = (self._of_snapshots(parsed[name]) for name in ("labels", "facts"))
        hosts, drivers = self.of_node("host", False), self.of_node("driver_version", False)
        for n, time in enumerate(self.times.tolist()):
            found = tuple(gpu for _, gpu in sorted(gpus[n], key=lambda pair: pair[0]))
            host, driver = cast(str | None, hosts[n]), cast(str | None, drivers[n])
            snapshot = Snapshot(
                timestamp=time, host=host, driver_version=driver, gpus=found, labels=labels[n] or NO_NODE
            )
            yield snapshot, facts[n] or NO_NODE


def _parsed(table: pa.Table, name: str, size: int) -> list[Mapping[str, Any]]:
    """Return a column of JSON objects; each distinct text is parsed once."""
    if name not in table.column_names:
        return [NO_NODE] * size
    texts = texts_of(plain(table, name))
    objects: list[Mapping[str, Any]] = []
    for word in texts.words:
        try:
            found = loads(word)
        except ValueError:
            found = None
        objects.append(found if isinstance(found, dict) else NO_NODE)
    objects.append(NO_NODE)
    return [objects[code] for code in texts.codes.tolist()]
