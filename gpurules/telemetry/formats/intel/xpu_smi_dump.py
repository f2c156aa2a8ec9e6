"""The output of ``xpu-smi dump``: rows of a time without a date, a device, an optional tile, and the chosen metrics.

Source: https://github.com/intel/xpumanager (cli/src/comlet_dump.cpp, internal_dump_raw_data.cpp).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.intel.xpu_smi import QUANTITIES, Figures, facts_of, join_tiles
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

SLOWEST_ROW = 0.5
"""Seconds from one device's row to the next of the same poll; a longer gap is the next poll."""
SAME_TIME = 0.005
"""Seconds within which two rows of one device cannot be of two polls: the shortest interval is 10 ms."""
_CONFLICTING = "[reported twice]"
_COLUMNS = {
    "gpu utilization (%)": "XPUM_STATS_GPU_UTILIZATION",
    "average % utilization of all gpu engines": "XPUM_STATS_GPU_UTILIZATION",
    "gpu power (w)": "XPUM_STATS_POWER",
    "gpu frequency (mhz)": "XPUM_STATS_GPU_FREQUENCY",
    "gpu core temperature (celsius degree)": "XPUM_STATS_GPU_CORE_TEMPERATURE",
    "gpu memory temperature (celsius degree)": "XPUM_STATS_MEMORY_TEMPERATURE",
    "gpu memory used (mib)": "XPUM_STATS_MEMORY_USED",
    "gpu memory utilization (%)": "XPUM_STATS_MEMORY_UTILIZATION",
    "gpu memory bandwidth utilization (%)": "XPUM_STATS_MEMORY_BANDWIDTH",
}
_TIME, _DEVICE, _TILE = "timestamp", "deviceid", "tileid"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?", re.ASCII)
_HALF_A_DAY = 12 * 3600
Columns = tuple[str, ...]


def _cells(text: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in text.split(","))


def _header(text: str) -> Columns | None:
    """Return the columns of a header, in lower case; None for any other line."""
    if text.lstrip()[:9].lower() != _TIME:
        return None
    columns = tuple(cell.lower() for cell in _cells(text))
    return columns if columns[1:2] == (_DEVICE,) else None


def recognizes(head: Sequence[Line]) -> bool:
    """Return whether one of the first lines is an xpu-smi dump header."""
    return any(_header(line.text) is not None for line in head)


@dataclass(slots=True)
class _Days:
    """Adds the date to times without one: the given date, or that of the file; it advances at midnight."""

    recording: RecordingReader
    day: date | None = None
    last: float = 0.0

    def time(self, text: str, line: Line) -> float | None:
        """Parse a time; None if *text* is not one."""
        match = _CLOCK.fullmatch(text)
        if match is None:
            return self.recording.time(text, line.number)
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(f"0.{match[4] or 0}")
        if self.day is None:
            self.day = self._first(seconds, line)
        elif abs(self.last - seconds) > _HALF_A_DAY:  # midnight, or a return after a damaged time
            self.day += timedelta(days=1 if seconds < self.last else -1)
        self.last = seconds
        return self.recording.time(f"{self.day.isoformat()} {text}", line.number)

    def _first(self, seconds: float, line: Line) -> date:
        given = self.recording.options.day
        if given is not None:
            return given
        written = datetime.fromtimestamp(Path(self.recording.place).stat().st_mtime, self.recording.options.zone)
        at = written.hour * 3600 + written.minute * 60 + written.second + 1
        day = written.date() if seconds <= at else written.date() - timedelta(days=1)
        self.recording.notice(
            line.number,
            f"the times have no date; the first is assumed to be on {day.isoformat()}, from the modification time of "
            "the file "
            "(override it with --date YYYY-MM-DD)",
        )
        return day


@dataclass(slots=True)
class _Poll:
    """The rows of one poll, by device and tile."""

    time: float
    last: float
    rows: dict[int, dict[str, Mapping[str, str]]] = field(default_factory=dict)
    is_torn: bool = False

    def takes(self, key: tuple[int, str], time: float) -> bool:
        is_next = not self.rows or key[0] >= next(reversed(self.rows))
        return not self._has(key) and is_next and 0 <= time - self.last <= SLOWEST_ROW

    def repeats(self, key: tuple[int, str], time: float) -> bool:
        """Return whether a row repeats a GPU or tile at the same time; only one of the two can be right."""
        return self._has(key) and abs(time - self.last) < SAME_TIME

    def _has(self, key: tuple[int, str]) -> bool:
        return key[1] in self.rows.get(key[0], ())

    def add(self, key: tuple[int, str], time: float, cells: Mapping[str, str]) -> None:
        self.last = time
        self.rows.setdefault(key[0], {})[key[1]] = cells

    def contradict(self, key: tuple[int, str], cells: Mapping[str, str]) -> None:
        """Remove the values in which another row of the same GPU or tile differs."""
        first = self.rows[key[0]][key[1]]
        if any(cells.get(column) != text for column, text in first.items() if column != _TIME):
            self.rows[key[0]][key[1]] = dict.fromkeys(first, _CONFLICTING)

    def snapshot(self, tiles: set[str]) -> Snapshot:
        """Return the poll as a snapshot; the dump was requested for *tiles*, so each device must have them."""
        gpus = []
        for device, rows in self.rows.items():
            absent = tiles - rows.keys() if _has_tiles(rows) else set()
            if self.is_torn and tiles == rows.keys() and len(tiles) == 1:
                absent = {"another"}  # there may be other tiles
            figures = join_tiles([*map(_figures, rows.values()), *({} for _ in absent)])
            gpus.append(_gpu(device, figures))
        return Snapshot(timestamp=self.time, gpus=tuple(gpus))


def _figures(cells: Mapping[str, str]) -> Figures:
    return {_COLUMNS[column]: [text or "N/A"] for column, text in cells.items() if column in _COLUMNS}


def _has_tiles(rows: Iterable[str]) -> bool:
    return "" not in rows


def _snapshots(polls: Iterator[_Poll], recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield each poll once the next is known: together they show the tiles better than one that may be truncated."""
    tiles: set[str] = set()
    before: _Poll | None = None
    for poll in polls:
        tiles.update(tile for rows in poll.rows.values() for tile in rows if tile)
        if before is not None:
            yield before.snapshot(tiles)
        before = poll
    if before is not None:
        yield before.snapshot(tiles)
    if len(tiles) == 1:
        recording.notice(None, f"the log has the tile {next(iter(tiles))[:20]} only, which is taken for the whole GPU")


def _gpu(device: int, figures: Figures) -> GPU:
    values, missing = facts_of(figures)
    reported_attributes = {quantity.attribute for name, quantity in QUANTITIES.items() if name in figures}
    return GPU(
        index=device,
        vendor="intel",
        status="ok",
        mig=False,
        missing={attribute: why for attribute, why in missing.items() if attribute in reported_attributes},
        **values,  # type: ignore[arg-type]
    )


def _row(line: Line, columns: Columns, recording: RecordingReader) -> dict[str, str] | None:
    """Return the cells of a row by column; None, and a problem, if they do not fit."""
    row = _cells(line.text)
    why = None
    if len(row) != len(columns):
        why = f"{len(row)} cells for {len(columns)} columns: {line.text[:80]!r}"
    elif line.is_cut_off:
        why = f"the last line has no line ending, so it may be cut off: {line.text[:80]!r}"
    elif not (row[1].isdecimal() and len(row[1]) < 6):
        why = f"not a device: {row[1][:40]!r}"
    if why is not None:
        recording.problem(line.number, why)
        return None
    return dict(zip(columns, row))


def _rows(recording: RecordingReader) -> Iterator[tuple[Line, dict[str, str] | None]]:
    """Yield the rows; a truncated last one is None."""
    columns: Columns | None = None
    for line in recording.lines:
        header = _header(line.text)
        if header is not None:
            if not _COLUMNS.keys() & set(header):
                names = ", ".join(header[2:])[:200]
                why = f"none of the columns is a known reading: {names}"
                raise recording.error(line.number, f"{why}; record xpu-smi dump -d -1 -m 0,1,2,3,4,5,17,18")
            if line.is_cut_off:
                recording.problem(line.number, "the log ends with a header, which may be cut off")
            columns = header
        elif columns is None or not line.text.strip():
            if line.text.strip():
                recording.problem(line.number, f"not a row: {line.text[:80]!r}")
        elif (row := _row(line, columns, recording)) is not None or line.is_cut_off:
            yield line, row


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Yield the polls; the rows of several devices form one snapshot.

    Raises:
        TelemetryError: no column is a reading.
    """
    return _snapshots(_polls(recording), recording)


def _polls(recording: RecordingReader) -> Iterator[_Poll]:
    days = _Days(recording)
    poll: _Poll | None = None
    for line, cells in _rows(recording):
        if cells is None:
            if poll is not None:
                poll.is_torn = True
            continue
        time = days.time(cells[_TIME], line)
        if time is None:
            recording.problem(line.number, f"not a time: {cells[_TIME][:40]!r}")
            continue
        key = (int(cells[_DEVICE]), cells.get(_TILE, ""))
        if poll is not None and poll.repeats(key, time):
            recording.problem(line.number, f"a second row of device {key[0]} at one time: {line.text[:80]!r}")
            poll.contradict(key, cells)
            continue
        if poll is not None and not poll.takes(key, time):
            yield poll
            poll = None
        poll = poll or _Poll(time, time)
        poll.add(key, time, cells)
    if poll is not None:
        yield poll
