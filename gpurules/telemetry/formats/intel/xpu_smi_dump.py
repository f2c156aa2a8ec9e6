"""What ``xpu-smi dump`` writes: rows of a time without a date, a device, perhaps a tile, and the figures asked for.

Source: https://github.com/intel/xpumanager (cli/src/comlet_dump.cpp, internal_dump_raw_data.cpp).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.intel.xpu_smi import QUANTITIES, Figures, facts_of
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader

SLOWEST_ROW = 0.5
"""Seconds from one device's row to the next of the same poll; a longer gap is the next poll."""
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
    """Return the columns of a header, in lower case; None of another line."""
    if text.lstrip()[:9].lower() != _TIME:
        return None
    columns = tuple(cell.lower() for cell in _cells(text))
    return columns if columns[1:2] == (_DEVICE,) else None


def recognises(head: Sequence[Line]) -> bool:
    """Tell whether one of the first lines is a header of xpu-smi dump."""
    return any(_header(line.text) is not None for line in head)


@dataclass(slots=True)
class _Days:
    """Gives times without a date the one that is given, or that of the file; it goes on at midnight."""

    recording: RecordingReader
    day: date | None = None
    last: float = 0.0

    def time(self, text: str, line: Line) -> float | None:
        """Return the moment that *text* names; None where it is no time."""
        match = _CLOCK.fullmatch(text)
        if match is None:
            return self.recording.time(text, line.number)
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(f"0.{match[4] or 0}")
        if self.day is None:
            self.day = self._first(seconds, line)
        elif abs(self.last - seconds) > _HALF_A_DAY:  # midnight, or back again after a time that was damaged
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
            f"the times have no date; the first is taken as of {day.isoformat()}, from the time of the file "
            "(--date YYYY-MM-DD says another)",
        )
        return day


@dataclass(slots=True)
class _Poll:
    """The rows of one poll, by device and tile."""

    time: float
    last: float
    seen: set[tuple[int, str]] = field(default_factory=set)
    figures: dict[int, Figures] = field(default_factory=dict)

    def takes(self, key: tuple[int, str], time: float) -> bool:
        is_next = not self.figures or key[0] >= next(reversed(self.figures))
        return key not in self.seen and is_next and 0 <= time - self.last <= SLOWEST_ROW

    def add(self, key: tuple[int, str], time: float, cells: Mapping[str, str]) -> None:
        self.seen.add(key)
        self.last = time
        figures = self.figures.setdefault(key[0], {})
        for column, text in cells.items():
            if column in _COLUMNS:
                figures.setdefault(_COLUMNS[column], []).append(text or "N/A")

    def snapshot(self) -> Snapshot:
        return Snapshot(timestamp=self.time, gpus=tuple(_gpu(*item) for item in self.figures.items()))


def _gpu(device: int, figures: Figures) -> GPU:
    values, missing = facts_of(figures)
    told = {quantity.attribute for name, quantity in QUANTITIES.items() if name in figures}
    return GPU(
        index=device,
        vendor="intel",
        status="ok",
        mig=False,
        missing={attribute: why for attribute, why in missing.items() if attribute in told},
        **values,  # type: ignore[arg-type]
    )


def _row(line: Line, columns: Columns, recording: RecordingReader) -> dict[str, str] | None:
    """Return the cells of a row by column; None where they do not fit, which is a problem."""
    row = _cells(line.text)
    why = None
    if len(row) != len(columns):
        why = f"{len(row)} cells for {len(columns)} columns: {line.text[:80]!r}"
    elif line.is_cut_off:
        why = f"the last line has no end, so it may be cut off: {line.text[:80]!r}"
    elif not (row[1].isdecimal() and len(row[1]) < 6):
        why = f"no device: {row[1][:40]!r}"
    if why is not None:
        recording.problem(line.number, why)
        return None
    return dict(zip(columns, row))


def _rows(recording: RecordingReader) -> Iterator[tuple[Line, dict[str, str]]]:
    columns: Columns | None = None
    for line in recording.lines:
        header = _header(line.text)
        if header is not None:
            if not _COLUMNS.keys() & set(header):
                names = ", ".join(header[2:])[:200]
                why = f"no column is a reading that is known, of {names}"
                raise recording.error(line.number, f"{why}; record xpu-smi dump -d -1 -m 0,1,2,3,4,5,17,18")
            columns = header
        elif columns is None or not line.text.strip():
            if line.text.strip():
                recording.problem(line.number, f"not a row: {line.text[:80]!r}")
        elif (row := _row(line, columns, recording)) is not None:
            yield line, row


def read(recording: RecordingReader) -> Iterator[Snapshot]:
    """Walk through the polls, the rows of several devices together in one snapshot.

    Raises:
        TelemetryError: no column is a reading.
    """
    days = _Days(recording)
    poll: _Poll | None = None
    for line, cells in _rows(recording):
        time = days.time(cells[_TIME], line)
        if time is None:
            recording.problem(line.number, f"no time: {cells[_TIME][:40]!r}")
            continue
        key = (int(cells[_DEVICE]), cells.get(_TILE, ""))
        if poll is not None and not poll.takes(key, time):
            yield poll.snapshot()
            poll = None
        poll = poll or _Poll(time, time)
        poll.add(key, time, cells)
    if poll is not None:
        yield poll.snapshot()
