"""Encodes a state as a slot of the state file, which compiled clients read (docs/state-file.md)."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from operator import attrgetter
from typing import TypeAlias

from gpurules.backends.backend import unsupported_window
from gpurules.backends.facts import Facts, SlotLayout, instant, read
from gpurules.backends.native.schema import Column, StateSchema
from gpurules.language.terms import ir
from gpurules.model import GPU, GPUIndex, Value

MISSING, INTEGER, DOUBLE, TEXT, TRUE, FALSE = range(6)
FIXED_WORDS = 22
DIRECTIVES = ("prefetch_factor", "delay", "priority_boost", "max_bandwidth", "max_concurrency", "paused")
"""What the rules ask of the node, in the order of the cells."""

_HEAD = struct.Struct("<QQqdqIIQQ")
_INTEGER, _DOUBLE, _WORDS = struct.Struct("<Qq"), struct.Struct("<Qd"), struct.Struct("<QQ")
_FIXED_CELLS = {None: _WORDS.pack(MISSING, 0), True: _WORDS.pack(TRUE, 0), False: _WORDS.pack(FALSE, 0)}

OfGPU: TypeAlias = Callable[[Facts, GPU, tuple[Value, ...]], Value]
OfNode: TypeAlias = Callable[[Facts], Value]


@dataclass(frozen=True, slots=True)
class Stamp:
    """The identity and times of a state.

    ``is_disabled``: the rules are currently disabled.
    Units: ``monotonic`` and ``deadline`` in nanoseconds of the monotonic clock, ``wall`` in seconds since 1970.
    """

    sequence: int
    revision: int
    monotonic: int
    wall: float
    deadline: int
    is_disabled: bool = False


class _Heap:
    """The texts of a state, concatenated."""

    __slots__ = ("_parts", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, text: str) -> bytes:
        """Return the cell of *text*."""
        data = text.encode("utf-8", "surrogatepass")
        self._parts.append(data)
        self.size += len(data)
        return _WORDS.pack(TEXT, (self.size - len(data)) << 32 | len(data))

    def padded(self) -> bytes:
        return b"".join(self._parts) + b"\0" * (-self.size % 8)


def _cell(value: object, heap: _Heap) -> bytes:
    if value is None or value is True or value is False:
        return _FIXED_CELLS[value]
    if isinstance(value, float):
        return _DOUBLE.pack(DOUBLE, value) if isfinite(value) else _FIXED_CELLS[None]
    if isinstance(value, int):
        return _INTEGER.pack(INTEGER, value) if abs(value) < 2**63 else _DOUBLE.pack(DOUBLE, float(value))
    return heap.add(value) if isinstance(value, str) else _FIXED_CELLS[None]


def _of_gpu(column: Column, layout: SlotLayout | None) -> OfGPU:
    term, slot, field = column.term, column.slot, column.field
    if slot is not None and layout is not None:
        place = layout.gpu.get(slot)
        if place is None:  # without derived state the signal is off, the window missing
            blank = False if column.is_signal else None
            return lambda facts, gpu, row: blank
        return lambda facts, gpu, row: row[place]
    if isinstance(term, ir.Window):
        if term.operand is not None:
            raise unsupported_window(term)
        return lambda facts, gpu, row: instant(term, read(term.field, facts, gpu))
    assert field is not None, "without history, signals are put in place before emission"
    if field.declared:
        return lambda facts, gpu, row: read(field, facts, gpu)
    get = attrgetter(field.attribute)
    return lambda facts, gpu, row: get(gpu)


def _of_node(column: Column, layout: SlotLayout | None) -> OfNode:
    term, slot, field = column.term, column.slot, column.field
    if slot is not None and layout is not None:
        place = layout.node.get(slot)
        if place is None:  # without derived state the signal is off, the window missing
            blank = False if column.is_signal else None
            return lambda facts: blank
        return lambda facts: facts.node_row[place]
    if isinstance(term, ir.Window):
        if term.operand is not None:
            raise unsupported_window(term)
        return lambda facts: instant(term, read(term.field, facts, None))
    assert field is not None, "without history, signals are put in place before emission"
    return lambda facts: read(field, facts, None)


class StateEncoder:
    """Encodes facts as slots. Immutable, so thread-safe."""

    def __init__(self, schema: StateSchema, layout: SlotLayout | None) -> None:
        """Store the columns of a state, and the positions of derived state in the rows of facts."""
        self.schema = schema
        self._gpu = tuple(_of_gpu(column, layout) for column in schema.gpu)
        self._node = tuple(_of_node(column, layout) for column in schema.node)

    def slot(self, facts: Facts, stamp: Stamp, directives: Mapping[str, object]) -> bytes:
        """Return the slot of *facts*, with the directives for the node, named as in :data:`DIRECTIVES`."""
        heap = _Heap()
        parts = [_cell(directives.get(name), heap) for name in DIRECTIVES]
        parts.append(_cell(facts.snapshot.timestamp, heap))
        parts += [_cell(get(facts), heap) for get in self._node]
        rows = facts.rows or [()] * len(facts.gpus)
        for gpu, row in zip(facts.gpus, rows, strict=True):
            parts.append(_index(gpu.index, heap))
            parts += [_cell(get(facts, gpu, row), heap) for get in self._gpu]
        head = _HEAD.pack(
            stamp.sequence,
            stamp.revision,
            stamp.monotonic,
            stamp.wall,
            stamp.deadline,
            len(facts.gpus),
            heap.size,
            int(stamp.is_disabled),
            0,
        )
        return head + b"".join(parts) + heap.padded()

    def size(self, gpus: int, heap: int) -> int:
        """Return the size of a slot for the given numbers of GPUs and bytes of text."""
        cells = len(self._node) + gpus * (1 + len(self._gpu))
        return 8 * FIXED_WORDS + 16 * cells + heap + -heap % 8


def _index(index: GPUIndex, heap: _Heap) -> bytes:
    return _cell(index, heap)


def wire(values: Mapping[str, object]) -> str:
    """Return facts of a transfer or workload as a line of ``name=value``, for drivers and tests.

    A text is ``t`` and its UTF-8 in hexadecimal, a number ``i`` and its decimal or ``f`` and its hexadecimal double, a
    bool ``true`` or ``false``; missing facts are omitted.
    """
    parts = []
    for name, value in values.items():
        match value:
            case None:
                continue
            case bool():
                parts.append(f"{name}={str(value).lower()}")
            case int() if abs(value) < 2**63:
                parts.append(f"{name}=i{value}")
            case int() | float():
                parts.append(f"{name}=f{float(value).hex()}")
            case _:
                parts.append(f"{name}=t{str(value).encode('utf-8', 'surrogatepass').hex()}")
    return " ".join(parts)
