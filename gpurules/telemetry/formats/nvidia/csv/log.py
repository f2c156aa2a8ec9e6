"""The output of ``nvidia-smi --query-gpu=… --format=csv``, in all its variants."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.nvidia.csv.header import find_header, split
from gpurules.telemetry.formats.nvidia.csv.identity import polls
from gpurules.telemetry.formats.nvidia.csv.rows import Row, read_rows
from gpurules.telemetry.formats.nvidia.query_fields import gpu_from_cells, index_of, read_text
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

SLOWEST_ROW = 0.75
"""Seconds from one GPU's row to the next of the same poll; a longer gap is the next poll."""
Key: TypeAlias = tuple[str | None, str | None, str | None]
"""What a row says about its GPU: UUID, index and bus id, each of which may be missing or shared by several GPUs."""


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether one of the first lines is a header, or the first line starts with a time."""
    lines = [line for line in head if line.text.strip()]
    if not lines or lines[0].text.lstrip()[:1] in ("{", "[", "<", "#"):
        return False
    first = split(lines[0].text)
    starts_with_time = len(first) > 1 and bool(re.match(r"\d{4}[/-]\d", first[0]))
    return starts_with_time or any(find_header(line.text) is not None for line in lines)


@dataclass(slots=True)
class PollRows:
    """The rows of one poll: one for each GPU."""

    time: float | None = None
    last_time: float | None = None
    last_index: int = -1
    keys: set[Key] = field(default_factory=set)
    gpus: list[GPU] = field(default_factory=list)
    host: str | None = None
    driver: str | None = None

    def takes(self, key: Key, index: int | None, time: float | None) -> bool:
        """Return whether a row belongs to this poll, by its GPU and time."""
        if not self.gpus:
            return True
        if key in self.keys:
            return False
        if time is None or self.last_time is None:
            return index is None or index > self.last_index
        is_next = index is None or index > self.last_index or time == self.last_time
        return is_next and abs(time - self.last_time) <= SLOWEST_ROW

    def add(self, row: Row, position: int | None = None) -> None:
        """Add the row of one more GPU; without an index, it gets its *position*, or the next free index."""
        cells = row.cells
        if cells is None:
            return
        gpu = gpu_from_cells(cells, len(self.gpus) if position is None else position, row.table.units)
        if not self.gpus:
            self.time = row.time
        self.gpus.append(gpu)
        self.last_time = row.time
        self.last_index = gpu.index if isinstance(gpu.index, int) and "index" in cells else self.last_index
        self.host = self.host or read_text(cells, "hostname")
        self.driver = self.driver or read_text(cells, "driver_version")

    def snapshot(self, recording: RecordingReader) -> Snapshot:
        """Return the poll as a snapshot."""
        return Snapshot(
            timestamp=recording.next_time() if self.time is None else self.time,
            host=self.host,
            driver_version=self.driver,
            gpus=tuple(self.gpus),
        )


def row_key(row: Row) -> Key:
    """Return the identifiers of a row's GPU."""
    cells = row.cells or {}
    return read_text(cells, "uuid"), read_text(cells, "index"), read_text(cells, "pci.bus_id")


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield the polls of a log; the rows of several GPUs form one snapshot.

    Raises:
        TelemetryError: there is no header, and no columns are given; no column is a reading; or the log does not
            identify the GPU of a row, and several are possible.
    """
    rows = read_rows(recording)
    first = next(rows, None)
    if first is None:
        return
    every = chain((first,), rows)
    if first.table.has_identity:
        yield from _by_identity(every, recording)
    else:
        for rows_of_poll in polls(every, recording):
            poll = PollRows()
            for position, row in enumerate(rows_of_poll):
                poll.add(row, position)
            yield poll.snapshot(recording)


def _by_identity(rows: Iterator[Row], recording: RecordingReader) -> Iterator[Snapshot]:
    poll = PollRows()
    for row in rows:
        if row.cells is None:
            continue
        key = row_key(row)
        if not any(key):
            recording.problem(row.number, "the row does not identify its GPU, unlike others")
            continue
        index = index_of(key[1], "")
        if not poll.takes(key, index if isinstance(index, int) else None, row.time):
            yield poll.snapshot(recording)
            poll = PollRows()
        poll.keys.add(key)
        poll.add(row)
    if poll.gpus:
        yield poll.snapshot(recording)
