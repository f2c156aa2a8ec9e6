"""Reads a state file as Python objects, without needing the ruleset."""

import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpurules.backends.native.cells import DIRECTIVES, DOUBLE, FALSE, FIXED_WORDS, INTEGER, MISSING, TEXT, TRUE
from gpurules.input_files import open_input
from gpurules.model import GPUIndex, Value
from gpurules.model.reading import finite
from gpurules.service.state_file.layout import HEADER_SIZE, Header, boot_id, unpack
from gpurules.service.state_file.writer import StateFileError

_HEAD = struct.Struct("<QQqdqIIQQ")
_CELL = struct.Struct("<QQ")
_MAX_ATTEMPTS = 64
_LATE_NS = 1_000_000_000
MAX_DIRECTORY = 1 << 20


@dataclass(frozen=True, slots=True)
class StateView:
    """One state of a node, as an agent published it.

    ``gpus`` has the index of each GPU and its columns by name, ``node`` those of the node; ``directives`` are those for
    the node. ``is_disabled``: the rules are currently disabled.
    Units: ``published`` and ``timestamp`` in seconds since 1970; all others canonical.
    Missing: None.
    """

    ruleset_version: str
    revision: int
    published: float
    timestamp: Value
    stale: bool
    is_disabled: bool = False
    gpus: tuple[tuple[GPUIndex, Mapping[str, Value]], ...] = ()
    node: Mapping[str, Value] = field(default_factory=dict)
    directives: Mapping[str, Value] = field(default_factory=dict)


class StateFile:
    """The state file of an agent at *path*; each ``read`` reopens it, so that a restarted agent is noticed.

    Files are read, not mapped: a file that is truncated meanwhile is an error, not a fatal signal.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def read(self) -> StateView:
        """Return the newest state.

        Raises:
            StateFileError: the file does not exist, is not a state file, or is damaged.
        """
        try:
            with open_input(self.path) as file:
                return _read(file.fileno())
        except (ValueError, struct.error, UnicodeDecodeError) as error:
            raise StateFileError(f"{os.fspath(self.path)}: {error}") from None
        except StateFileError:
            raise
        except OSError as error:
            raise StateFileError(f"{os.fspath(self.path)}: {error.strerror or error}") from None


def _exactly(file: int, size: int, offset: int) -> bytes:
    data = os.pread(file, size, offset)
    if len(data) != size:
        raise ValueError("the state file is cut off")
    return data


def _read(file: int) -> StateView:
    header = unpack(_exactly(file, HEADER_SIZE, 0))
    if header.directory_length > MAX_DIRECTORY:
        raise ValueError("the directory of columns is too large")
    directory = _exactly(file, header.directory_length, header.directory_offset).decode("utf-8")
    columns = [line.split("\t") for line in directory.splitlines()]
    if any(len(column) != 3 for column in columns):
        raise ValueError("the directory of columns is damaged")
    names = {scope: [name for of, _, name in columns if of == scope] for scope in ("gpu", "node")}
    if (len(names["gpu"]), len(names["node"])) != (header.gpu_columns, header.node_columns):
        raise ValueError("the directory does not have the columns that the header declares")
    for _ in range(_MAX_ATTEMPTS):
        sequence = unpack(_exactly(file, HEADER_SIZE, 0)).sequence
        if sequence == 0:
            raise ValueError("nothing has been published yet")
        slot = _exactly(file, header.slot_size, header.slot_offset + (sequence & 1) * header.slot_size)
        # A seqlock: the writer reuses this slot only after it has raised the number, so if the number is unchanged, the
        # copy is consistent.
        after = unpack(_exactly(file, HEADER_SIZE, 0))
        if after.sequence == sequence and slot[:8] == sequence.to_bytes(8, "little"):
            return _view(after, slot, names)
    raise ValueError("it changes too quickly to be read")


class _Cells:
    """Reads cells sequentially."""

    def __init__(self, data: bytes, offset: int, heap: bytes) -> None:
        self._data, self._at, self._heap = data, offset, heap

    def take(self) -> Value:
        kind, value = _CELL.unpack_from(self._data, self._at)
        self._at += _CELL.size
        match kind:
            case _ if kind == INTEGER:
                return int.from_bytes(value.to_bytes(8, "little"), "little", signed=True)
            case _ if kind == DOUBLE:
                return finite(struct.unpack("<d", value.to_bytes(8, "little"))[0])
            case _ if kind == TEXT:
                start, length = value >> 32, value & 0xFFFFFFFF
                if start + length > len(self._heap):
                    raise ValueError("a text is outside of the state")
                return self._heap[start : start + length].decode("utf-8", "surrogatepass")
            case _ if kind in (TRUE, FALSE):
                return bool(kind == TRUE)
            case _ if kind == MISSING:
                return None
            case _:
                raise ValueError("a value has an unknown kind")


def _view(header: Header, slot: bytes, names: Mapping[str, list[str]]) -> StateView:
    _, revision, monotonic, wall, deadline, gpus, heap, flags, _ = _HEAD.unpack_from(slot)
    cells = 8 * FIXED_WORDS + 16 * (header.node_columns + gpus * (1 + header.gpu_columns))
    if cells + heap > len(slot):
        raise ValueError("the state is larger than its slot")
    taken = _Cells(slot, _HEAD.size, slot[cells : cells + heap])
    directives = {name: taken.take() for name in DIRECTIVES}
    timestamp = taken.take()
    node = {name: taken.take() for name in names["node"]}
    rows = []
    for _ in range(gpus):
        index = taken.take()
        if isinstance(index, bool) or not isinstance(index, int | str):
            raise ValueError("a GPU has no index")
        rows.append((index, {name: taken.take() for name in names["gpu"]}))
    now = time.monotonic_ns()
    is_late = now > deadline or monotonic > now + _LATE_NS
    is_other_boot = header.boot not in (0, boot_id())
    stale = is_late or is_other_boot or header.closed != 0
    return StateView(header.version, revision, wall, timestamp, stale, bool(flags & 1), tuple(rows), node, directives)
