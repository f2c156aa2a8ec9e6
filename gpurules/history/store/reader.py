"""Reads a store: its nodes, and their recorded data day by day."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.frame import DEFERRED, StoredFrame, numbers_of, plain
from gpurules.history.store.format.part_file import DAMAGE, opened_part
from gpurules.history.store.format.parts import read_day
from gpurules.history.store.schema import NODE, TELEMETRY
from gpurules.history.store.storage import RecordingStoreError, Storage, StorePart
from gpurules.history.store.time_span import ALWAYS, TimeSpan

_ATTEMPTS = 4
"""How often the files of a day are looked up again, where they are replaced while they are read."""


def is_store(place: str | Path) -> bool:
    """Return whether there is a store at *place*: files of telemetry or of the other tables."""
    if "://" in str(place):
        return bool(Storage(place).parts(TELEMETRY, NODE))
    return any(Path(place, table).is_dir() for table in (TELEMETRY, NODE))


@dataclass(slots=True)
class StoreReader:
    """Reads a store; ``findings`` collects the problems."""

    storage: Storage
    findings: Findings = field(default_factory=Findings)
    _parts: tuple[StorePart, ...] | None = None

    @property
    def parts(self) -> tuple[StorePart, ...]:
        """The files of telemetry.

        Raises:
            StoreError: there are none.
        """
        if self._parts is None:
            self._parts = tuple(self.storage.parts(TELEMETRY, NODE))
        if not self._parts:
            raise RecordingStoreError(
                f"{self.storage.place} has no recorded telemetry; record some with gpurules record -o DIR"
            )
        return self._parts

    @property
    def nodes(self) -> tuple[str, ...]:
        """The recorded nodes."""
        return tuple(sorted({part.node for part in self.parts}))

    def days(self, node: str, span: TimeSpan = ALWAYS) -> dict[str, list[StorePart]]:
        """Return the files of *node* in *span*, by day, in order."""
        found: dict[str, list[StorePart]] = {}
        for part in sorted((p for p in self.parts if p.node == node), key=lambda p: (p.date, p.table, p.path)):
            if span.has_day(part.date):
                found.setdefault(part.date, []).append(part)
        return found

    def frames(
        self, node: str, wanted: Collection[str] | None = None, span: TimeSpan = ALWAYS
    ) -> Iterator[StoredFrame]:
        """Yield a frame for each day of *node* in *span*, with the *wanted* columns (None: all).

        Snapshots that are not newer than the last of the day before are skipped.
        """
        last = float("-inf")
        for parts in self.days(node, span).values():
            frame = self._frame(parts, wanted, span, last)
            if len(frame.times):
                last = float(frame.times[-1])
                yield frame

    def _read(
        self, parts: Sequence[StorePart], wanted: Collection[str] | None, span: TimeSpan
    ) -> tuple[pa.Table, pa.Table]:
        """Read the files of a day; if a compaction replaced them meanwhile, read the new ones."""
        one, findings = parts[0], Findings()
        for _ in range(_ATTEMPTS):
            findings = Findings()
            try:
                found = read_day(self.storage, parts, wanted, findings, span)
            except FileNotFoundError as error:
                findings.add(one.path.rsplit("/", 1)[0], f"a file disappeared while it was read: {error}")
                parts = self.storage.day(one.node, one.date)
            else:
                self.findings.merge(findings)
                return found
        self.findings.merge(findings)
        return read_day(self.storage, (), wanted, findings)

    def _frame(
        self, parts: Sequence[StorePart], wanted: Collection[str] | None, span: TimeSpan, last: float
    ) -> StoredFrame:
        gpus, node = self._read(parts, wanted, span)
        place = parts[0].path.rsplit("/", 1)[0]

        def report(what: str) -> None:
            self.findings.add(place, what)

        def deferred() -> pa.Table:
            """Read the rest once more, without its findings, which are known."""
            again = StoreReader(self.storage)
            return again._read(telemetry, DEFERRED, span)[0]

        telemetry = [part for part in parts if part.table == TELEMETRY]
        more = deferred if telemetry and wanted is not None else None
        frame = StoredFrame(gpus, node, report, more)
        if len(frame.times) and frame.times[0] <= last:
            report("it has snapshots of the day before or earlier (was the clock set back?), which are skipped")
            frame = StoredFrame(_later(gpus, last), _later(node, last), report, more)
        return frame


def _later(table: pa.Table, last: float) -> pa.Table:
    return table.filter(pa.array(np.asarray(numbers_of(plain(table, "timestamp")) > last)))


@dataclass(frozen=True)
class Fields:
    """The columns of GPUs in a store, and which of them have recorded values."""

    reader: StoreReader

    @cached_property
    def recorded(self) -> frozenset[str]:
        """The columns with at least one value, according to the statistics of the files."""
        found: set[str] = set()
        for part in self.reader.parts:
            if part.table != TELEMETRY:
                continue
            try:
                with opened_part(self.reader.storage, part) as file:
                    found |= _filled(file.metadata)
            except DAMAGE:
                continue  # reading it reports why
        return frozenset(found)


def _filled(metadata: "object") -> set[str]:
    found: set[str] = set()
    for group in range(metadata.num_row_groups):  # type: ignore[attr-defined]
        one = metadata.row_group(group)  # type: ignore[attr-defined]
        for n in range(one.num_columns):
            column = one.column(n)
            statistics = column.statistics
            if statistics is None or statistics.null_count is None or statistics.null_count < column.num_values:
                found.add(column.path_in_schema)
    return found
