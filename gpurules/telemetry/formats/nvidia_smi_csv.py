"""What ``nvidia-smi --query-gpu=… --format=csv`` writes, in all its shapes."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.column_advice import suggest_columns
from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.formats.nvidia_smi_cells import KNOWN, gpu_from_cells, query_name, read_text
from gpurules.telemetry.formats.recording import Recording
from gpurules.telemetry.source import TelemetryError

_COLUMN = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\[([^\]]*)\])?")
_NAMES = ("name", "process_name")
SLOWEST_ROW = 0.75
"""Seconds from one GPU's row to the next of the same poll; a longer gap is the next poll."""
SAME_POLL = 0.02
"""The same, in a log that does not say which GPU a row is of."""

WAITING_ROWS, WAITING_SIZE = 2000, 1 << 20
"""How many rows, of how many characters in all, are looked at for a header, and then for advice on the columns."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a log: their query names, and the units that the header says."""

    names: tuple[str, ...]
    units: Mapping[str, str]

    def cells(self, row: Sequence[str]) -> dict[str, str] | None:
        """Return the cells of *row* by name; a name with commas in it takes the surplus. None where it does not fit."""
        surplus = len(row) - len(self.names)
        if surplus > 0:
            at = next((self.names.index(name) for name in _NAMES if name in self.names), None)
            if at is None:
                return None
            row = [*row[:at], ", ".join(row[at : at + surplus + 1]), *row[at + surplus + 1 :]]
        return dict(zip(self.names, row)) if surplus >= 0 else None


def split(text: str) -> list[str]:
    """Return the cells of a line; nvidia-smi quotes nothing, but what a spreadsheet saved may be quoted."""
    if '"' in text:
        try:
            return [cell.strip() for cell in next(csv.reader([text], skipinitialspace=True))]
        except csv.Error:
            pass
    return [cell.strip() for cell in text.split(",")]


def read_columns(row: Sequence[str]) -> Table | None:
    """Return the table that a header says, None where *row* is none.

    >>> read_columns(["index", "memory.used [MiB]"]).units
    {'memory.used': 'MiB'}
    """
    matches = [_COLUMN.fullmatch(cell) if cell not in ("-", "_", "") else None for cell in row]
    names = tuple(query_name(match[1]) if match else f"-{at}" for at, match in enumerate(matches))
    if not KNOWN.intersection(names) or len(set(names)) < len(names):
        return None
    return Table(names, {name: match[2] for name, match in zip(names, matches) if match and match[2]})


def given_columns(text: str) -> Table:
    """Return the table that the option ``columns`` says: query names, ``-`` for a column to pass over.

    Raises:
        TelemetryError: no name is known, or one stands twice.
    """
    table = read_columns([cell.strip() for cell in text.split(",")])
    if table is None:
        raise TelemetryError(
            f"columns {text[:200]!r} name no field of nvidia-smi, or one twice; write them as in --query-gpu, "
            "such as 'timestamp,index,utilization.gpu,memory.used,memory.total'"
        )
    return table


def _is_header(row: Sequence[str]) -> bool:
    """Tell whether *row* is a header: known names and no cell that starts like a value."""
    return read_columns(row) is not None and not any(cell[:1].isdigit() for cell in row)


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether one of the first lines is a header, or the first starts with a time."""
    rows = [split(line.text) for line in head if line.text.strip()][:8]
    if not rows or rows[0][0][:1] in ("{", "[", "<", "#"):
        return False
    return any(_is_header(row) for row in rows) or (len(rows[0]) > 1 and bool(re.match(r"\d{4}[/-]\d", rows[0][0])))


@dataclass(slots=True)
class Poll:
    """The rows of one poll: one for each GPU."""

    time: float | None = None
    last_time: float | None = None
    last_index: int = -1
    keys: set[str] = field(default_factory=set)
    gpus: list[GPU] = field(default_factory=list)
    host: str | None = None
    driver: str | None = None

    def takes(self, key: str | None, index: int | None, time: float | None) -> bool:
        """Tell whether a row belongs to this poll, by the GPU and by the time."""
        if not self.gpus:
            return True
        if key is not None and (key in self.keys or (index is not None and index <= self.last_index)):
            return False
        if time is None or self.last_time is None:
            return key is not None
        return abs(time - self.last_time) <= (SAME_POLL if key is None else SLOWEST_ROW)

    def add(self, cells: Mapping[str, str], time: float | None, units: Mapping[str, str]) -> None:
        """Take the row of one more GPU."""
        gpu = gpu_from_cells(cells, len(self.gpus), units)
        self.gpus.append(gpu)
        if len(self.gpus) == 1:
            self.time = time
        self.last_time = time
        key = row_key(cells)
        if key is not None:
            self.keys.add(key)
        self.last_index = gpu.index if isinstance(gpu.index, int) and "index" in cells else self.last_index
        self.host = self.host or read_text(cells, "hostname")
        self.driver = self.driver or read_text(cells, "driver_version")

    def snapshot(self, recording: Recording) -> Snapshot:
        """Return the poll as a snapshot."""
        return Snapshot(
            timestamp=recording.next_time() if self.time is None else self.time,
            host=self.host,
            driver_version=self.driver,
            gpus=tuple(self.gpus),
        )


def row_key(cells: Mapping[str, str]) -> str | None:
    """Return what tells the GPU of a row from the others, None where the log does not say."""
    for name in ("uuid", "index", "pci.bus_id"):
        text = read_text(cells, name)
        if text is not None:
            return text
    return None


def _row_index(cells: Mapping[str, str]) -> int | None:
    text = read_text(cells, "index")
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None


def read_rows(recording: Recording) -> Iterator[tuple[dict[str, str], float | None, Table]]:
    """Walk through the rows that fit their header, each with its time; the others are problems.

    Raises:
        TelemetryError: there is no header, and no columns are given.
    """
    given = table = None if recording.options.columns is None else given_columns(recording.options.columns)
    waiting: list[Line] = []
    size = 0
    for line in recording.lines:
        if not line.text.strip():
            continue
        row = split(line.text)
        if _is_header(row):
            table = given or read_columns(row)
            continue
        if table is None:
            waiting.append(line)
            size += len(line.text)
            if len(waiting) >= WAITING_ROWS or size > WAITING_SIZE:
                break
            continue
        cells = table.cells(row)
        if cells is None:
            recording.problem(line.number, f"{len(row)} cells for {len(table.names)} columns: {line.text[:80]!r}")
            continue
        time = recording.time(cells["timestamp"], line.number) if "timestamp" in cells else None
        if time is None and "timestamp" in cells:
            recording.problem(line.number, f"no time: {cells['timestamp'][:40]!r}")
            continue
        yield cells, time, table
    if table is None and waiting:
        raise recording.error(
            waiting[0].number, suggest_columns([split(line.text) for line in waiting], waiting[0].text)
        )
    for line in waiting:
        recording.problem(line.number, f"not a row: {line.text[:80]!r}")


def read(recording: Recording) -> Iterator[Snapshot]:
    """Walk through the polls of a log, the rows of several GPUs together in one snapshot.

    Raises:
        TelemetryError: there is no header, and no columns are given.
    """
    poll = Poll()
    for cells, time, table in read_rows(recording):
        if not poll.takes(row_key(cells), _row_index(cells), time):
            yield poll.snapshot(recording)
            poll = Poll()
        poll.add(cells, time, table.units)
    if poll.gpus:
        yield poll.snapshot(recording)
