"""The header of a log: the meaning of its columns, and whether any of them is a reading."""

import csv
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpurules.telemetry.formats.nvidia.csv.repairs import align
from gpurules.telemetry.formats.nvidia.query_fields import KNOWN, READINGS, query_name
from gpurules.telemetry.source import TelemetryError

_COLUMN = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\[([^\]]*)\])?")
_OWN_NAME = re.compile(r"([^\[\]]*?)\s*(?:\[([^\]]*)\])?")
_SPACED = re.compile(r", +")
_UNSPACED = re.compile(r",(?! )")
DELIMITERS = (",", ";", "\t")
IDENTITIES = ("uuid", "index", "pci.bus_id")
"""The columns that say which GPU a row is of."""
_UNREAD = frozenset(
    {
        "serial", "vbios_version", "display_mode", "display_active", "display_attached", "persistence_mode", "count",
        "accounting.mode", "compute_mode", "compute_cap", "driver_model.current", "inforom", "addressing_mode",
        "gpu_operation_mode", "gsp.mode.current", "cuda_version", "gom.current", "pid", "process_name",
        "used_gpu_memory",
    }
)  # fmt: skip
"""Query fields of nvidia-smi without a dot that are not facts, so that passing them over needs no word."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The columns of a log: their query names, their units in the header, and the delimiter.

    If the header has a space after each comma (*is_spaced*), a comma without one does not end a cell.
    """

    names: tuple[str, ...]
    units: Mapping[str, str]
    written: tuple[str, ...] = ()
    delimiter: str = ","
    is_spaced: bool = False

    def fit(self, text: str) -> dict[str, str] | None:
        """Return the cells of a line by name; None unless they fit the columns in exactly one way."""
        if '"' not in text and text.count(self.delimiter) + 1 == len(self.names):
            row = text.strip(" ").split(", " if self.is_spaced else self.delimiter)
            if len(row) == len(self.names):  # the usual case; cells are stripped when read
                return dict(zip(self.names, row))
        row = split(text, self.delimiter)
        if len(row) > len(self.names) and self.is_spaced:
            spaced = [cell.strip() for cell in _SPACED.split(text)]
            fitting = align(spaced, self.names, self.units)
            if fitting is not None:
                return dict(zip(self.names, fitting))
        return self.cells(row)

    def cells(self, row: Sequence[str]) -> dict[str, str] | None:
        """Return the cells of *row* by name; None unless they fit the columns in exactly one way.

        A name with commas, or a number with a decimal comma, makes more cells than columns.
        """
        if len(row) == len(self.names):
            return dict(zip(self.names, row))
        fitting = align(row, self.names, self.units) if len(row) > len(self.names) else None
        return None if fitting is None else dict(zip(self.names, fitting))

    @property
    def has_reading(self) -> bool:
        """Whether any column is a reading, not just a time or a name."""
        return not READINGS.isdisjoint(self.names)

    @property
    def has_identity(self) -> bool:
        """Whether any column identifies the GPU of a row."""
        return any(name in self.names for name in IDENTITIES)

    @property
    def strangers(self) -> Iterator[str]:
        """The columns, as written, that are not query fields of nvidia-smi."""
        for name, written in zip(self.names, self.written):
            if name not in KNOWN and "." not in name and name not in _UNREAD and not name.startswith("-"):
                yield written


def split(text: str, delimiter: str = ",") -> list[str]:
    """Return the cells of a line; nvidia-smi quotes nothing, but a spreadsheet may."""
    if '"' in text:
        try:
            return [cell.strip() for cell in next(csv.reader([text], skipinitialspace=True, delimiter=delimiter))]
        except csv.Error:
            pass
    return [cell.strip() for cell in text.split(delimiter)]


def read_columns(row: Sequence[str], renames: Mapping[str, str] | None = None) -> CsvTable | None:
    """Parse a header; None if *row* is not one; *renames* maps columns to their standard names.

    >>> read_columns(["index", "memory.used [MiB]"]).units
    {'memory.used': 'MiB'}
    """
    names, units = [], {}
    for at, cell in enumerate(row):
        name, unit = _column(cell, renames or {})
        names.append(name or f"-{at}")
        if name and unit:
            units[name] = unit
    if KNOWN.isdisjoint(names) or len(set(names)) < len(names):
        return None
    return CsvTable(tuple(names), units, tuple(row))


def _column(cell: str, renames: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the query name and the unit of a column; None for one that is skipped."""
    if cell in ("-", "_", ""):
        return None, None
    if renames:
        own = _OWN_NAME.fullmatch(cell)
        new = renames.get(cell.lower()) or (renames.get(own[1].strip().lower()) if own else None)
        if new is not None:
            match = _COLUMN.fullmatch(new)
            return (query_name(match[1]), match[2] or (own[2] if own else None)) if match else (None, None)
    match = _COLUMN.fullmatch(cell)
    return (query_name(match[1]), match[2]) if match else (None, None)


def find_header(text: str, renames: Mapping[str, str] | None = None) -> CsvTable | None:
    """Parse a line as a header if it has known names and no cell that looks like a value."""
    for delimiter in DELIMITERS:
        row = split(text, delimiter)
        if any(cell[:1].isdigit() for cell in row):
            continue
        table = read_columns(row, renames)
        if table is not None:
            return replace(table, delimiter=delimiter, is_spaced=not _UNSPACED.search(text.strip()))
    return None


def parse_columns(text: str) -> CsvTable:
    """Parse the option ``columns``: query names, ``-`` for a column to skip.

    Raises:
        TelemetryError: no name is a reading, or one occurs twice.
    """
    table = read_columns([cell.strip() for cell in text.split(",")])
    if table is None or not table.has_reading:
        raise TelemetryError(
            f"columns {text[:200]!r} name no reading of nvidia-smi, or one twice; write them as for --query-gpu, "
            "such as 'timestamp,index,utilization.gpu,memory.used,memory.total'"
        )
    return table


def why_unreadable(table: CsvTable) -> str:
    """Return the problem and remedy for a header without any reading."""
    if {"pid", "used_gpu_memory", "process_name"} & set(table.names):
        return (
            "this is a list of processes from nvidia-smi --query-compute-apps, without GPU readings; record "
            "nvidia-smi --query-gpu=timestamp,index,utilization.gpu,memory.used,memory.total --format=csv -l 5"
        )
    names = ", ".join(name for name in table.written if name.strip("-_ "))
    strangers = list(table.strangers)
    example = next((name for name in strangers if "util" in name.lower()), "gpu_util")
    renamed = f"{example}=utilization.gpu"
    return (
        f"none of the columns is a known reading: {names[:300]}; map columns to their standard names with --map "
        "OLD=NEW, "
        f"as in --map {shlex.quote(renamed)}, or name all of them with --columns"
    )
