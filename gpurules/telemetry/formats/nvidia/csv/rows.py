"""Iterates over the rows of a log; a row that does not fit its header is reported as a problem."""

from collections.abc import Iterator
from typing import NamedTuple

from gpurules.telemetry.formats.nvidia.csv.advice import suggest_columns
from gpurules.telemetry.formats.nvidia.csv.header import (
    DELIMITERS,
    CsvTable,
    find_header,
    parse_columns,
    split,
    why_unreadable,
)
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.reader import RecordingReader
from gpurules.telemetry.recordings.times import read_time

WAITING_ROWS, WAITING_SIZE = 2000, 1 << 20
"""How many rows, of how many characters in all, are looked at for a header, and then for advice on the columns."""
_COMPLETE = ("%", "W", "MiB", "Hz", "]")
CUT_OFF = "[the line is cut off]"


class Row(NamedTuple):
    """A row, and its header: the *block*-th of the log.

    Missing: ``cells`` of an unusable row, which still keeps its position.
    """

    number: int
    block: int
    table: CsvTable
    cells: dict[str, str] | None
    time: float | None = None


def read_rows(recording: RecordingReader) -> Iterator[Row]:
    """Yield the rows of a log; those that do not fit their header are problems.

    Raises:
        TelemetryError: there is no header, and no columns are given; or no column is a reading.
    """
    options = recording.options
    given = table = None if options.columns is None else parse_columns(options.columns)
    waiting: list[Line] = []
    size = block = 0
    for line in recording.lines:
        if not line.text.strip():
            continue
        header = find_header(line.text, options.renames) if line.text.lstrip()[:1] not in "0123456789" else None
        if header is not None:
            block += 1
            if line.is_cut_off:
                recording.problem(line.number, "the log ends with a header, which may be cut off")
            if table is None or header != table:
                table = given or _check_header(header, line, recording)
            continue
        if table is None:
            waiting.append(line)
            size += len(line.text)
            if len(waiting) >= WAITING_ROWS or size > WAITING_SIZE:
                break
            continue
        if table is given and not block:
            given = table = _with_delimiter(table, line.text)
        yield _row(line, block, table, recording)
    if table is None and waiting:
        first = waiting[0]
        raise recording.error(first.number, suggest_columns([split(line.text) for line in waiting], first.text))
    for line in waiting:
        recording.problem(line.number, f"not a row: {line.text[:80]!r}")


def _check_header(table: CsvTable, line: Line, recording: RecordingReader) -> CsvTable:
    if not table.has_reading:
        raise recording.error(line.number, why_unreadable(table))
    strangers = list(table.strangers)
    if strangers:
        recording.notice(
            line.number,
            f"unknown columns are ignored: {', '.join(strangers)[:200]} (--map OLD=NEW reads one)",
        )
    return table


def _with_delimiter(table: CsvTable, text: str) -> CsvTable:
    """Return a table without a header, with the delimiter of its first row."""
    fitting = (mark for mark in DELIMITERS if len(split(text, mark)) == len(table.names))
    return CsvTable(table.names, table.units, table.written, next(fitting, ","))


def _leading_time(text: str, table: CsvTable, recording: RecordingReader) -> float | None:
    """Return the time of a truncated row, if it starts with one."""
    if table.names[0] != "timestamp":
        return None
    return read_time(split(text, table.delimiter)[0], recording.options.zone)


def _row(line: Line, block: int, table: CsvTable, recording: RecordingReader) -> Row:
    cells = table.fit(line.text)
    if cells is None:
        count = len(split(line.text, table.delimiter))
        recording.problem(line.number, f"{count} cells for {len(table.names)} columns: {line.text[:80]!r}")
        return Row(line.number, block, table, None, _leading_time(line.text, table, recording))
    last = cells[table.names[-1]]
    if line.is_cut_off and not last.endswith(_COMPLETE):
        recording.problem(
            line.number, f"the last line has no line ending, so its last cell may be cut off: {last[:40]!r}"
        )
        cells[table.names[-1]] = CUT_OFF
    stamp = cells.get("timestamp")
    time = None if stamp is None else recording.time(stamp, line.number)
    if time is None and stamp is not None:
        recording.problem(line.number, f"not a time: {stamp[:40]!r}")
        return Row(line.number, block, table, None)
    return Row(line.number, block, table, cells, time)
