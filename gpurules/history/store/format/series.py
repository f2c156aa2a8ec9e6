"""One field of a node's GPUs over time, with bounds on the span, the number of values and the reading time."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gpurules.backends.columnar import Numbers
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.frame import numbers_of, plain, texts_of
from gpurules.history.store.format.part_file import DAMAGE, groups_of, opened_part, timed_rows
from gpurules.history.store.schema import NODE, REASON, TELEMETRY
from gpurules.history.store.storage import Storage, StorePart
from gpurules.history.store.time_span import TimeSpan

MAX_VALUES = 2_000_000
"""The most values that one series may have, all GPUs together."""
MAX_REASON = 200
READ_SECONDS = 5.0
"""How long a series may be read; the rest of it is left to the next query."""


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """A query for *field* from *since* until before *until*; the last snapshot of each *step* counts.

    Units: seconds since 1970; ``step`` in seconds, 0 for every snapshot; ``limit`` is a number of snapshots.
    Missing: ``gpu`` (an index) None: every GPU.
    """

    node: str
    field: str
    since: float
    until: float
    step: float = 0.0
    gpu: str | None = None
    limit: int = 5000


@dataclass(slots=True)
class FieldSeries:
    """The values, oldest first. ``reasons`` has, by GPU, the recorded reasons why values are missing.

    Missing: a value that was not recorded is None; ``following`` is the start of the next query; None if nothing is
    left.
    """

    times: list[float] = field(default_factory=list)
    gpus: dict[str, list[float | None]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    following: float | None = None
    findings: Findings = field(default_factory=Findings)


def read_series(
    storage: Storage, query: SeriesQuery, seconds: float = READ_SECONDS, clock: Callable[[], float] = time.monotonic
) -> FieldSeries:
    """Return the values of a field; after *seconds* of reading, those found so far."""
    now = clock()
    return _SeriesReader(storage, query, (now + seconds / 2, now + seconds), clock).read()


@dataclass(slots=True)
class _SeriesReader:
    storage: Storage
    query: SeriesQuery
    deadlines: tuple[float, float]
    clock: Callable[[], float]
    found: FieldSeries = field(default_factory=FieldSeries)
    times: Numbers = field(default_factory=lambda: np.empty(0))
    values: dict[str, Numbers] = field(default_factory=dict)

    def read(self) -> FieldSeries:
        days = [self.storage.day(self.query.node, date) for date in self._dates()]
        self._choose(days)
        if len(self.times):
            self._fill(days)
        found = self.found
        found.times = self.times.tolist()
        found.gpus = {
            index: [value if np.isfinite(value) else None for value in values[: len(self.times)].tolist()]
            for index, values in sorted(self.values.items())
            if index in found.reasons or np.isfinite(values[: len(self.times)]).any()
        }
        found.reasons = {index: why for index, why in found.reasons.items() if None in found.gpus[index]}
        return found

    def _dates(self) -> list[str]:
        span = TimeSpan(self.query.since, self.query.until)
        return [date for date in self.storage.dates() if span.has_day(date)]

    # which snapshots

    def _choose(self, days: Sequence[Sequence[StorePart]]) -> None:
        """Choose the times: the last of each step, up to the limit."""
        for parts in days:
            seen, damaged = [self.times], self.found.findings.count
            for of in (NODE, TELEMETRY):  # the larger table of GPUs only if the other is incomplete
                chosen = [part for part in parts if part.table == of]
                for part in self._in_time(chosen, self.deadlines[0]):
                    seen += [numbers_of(plain(table, "timestamp")) for table in self._tables(part, ("timestamp",))]
                if chosen and self.found.findings.count == damaged:
                    break
            self.times = self._cut(_last_of_each(self._within(np.concatenate(seen)), self.query.step))
            if self.found.following is not None:
                return

    def _within(self, times: Numbers) -> Numbers:
        end = self.query.until if self.found.following is None else self.found.following
        kept: Numbers = np.unique(times[(times >= self.query.since) & (times < end)])
        return kept

    def _cut(self, times: Numbers) -> Numbers:
        if len(times) <= self.query.limit:
            return times
        self.found.following = self._start_of(float(times[self.query.limit - 1]))
        return times[: self.query.limit]

    def _start_of(self, last: float) -> float:
        """Return the start of the query after *last*: the next step, or the next possible time."""
        step, least = self.query.step, float(np.nextafter(last, np.inf))
        return max((last // step + 1) * step, least) if step > 0 else least

    def _in_time(self, parts: Sequence[StorePart], deadline: float) -> Iterator[StorePart]:
        """Yield files by start time until *deadline*; the rest is left to the next query.

        At least one file that starts within the query is read, so that each query makes progress.
        """
        begun = None
        for part in sorted(parts, key=lambda part: (_start(part), part.path)):
            start = _start(part)
            if begun is not None and start > begun and self.clock() > deadline:
                self.found.following = min(start, self.found.following or start)
                return
            if start >= self.query.until or start >= (self.found.following or self.query.until):
                return
            yield part
            if start > self.query.since:
                begun = start

    # their values

    def _fill(self, days: Sequence[Sequence[StorePart]]) -> None:
        for parts in days:
            telemetry = [part for part in parts if part.table == TELEMETRY]
            for part in self._in_time(telemetry, self.deadlines[1]):
                for table in self._tables(part, ("timestamp", "index", self.query.field, self.query.field + REASON)):
                    self._take(table, part)
        if self.found.following is not None:
            self.times = self.times[self.times < self.found.following]

    def _take(self, table: pa.Table, part: StorePart) -> None:
        if "index" not in table.column_names:
            self.found.findings.add(part.path, "has no readable column index, so it is not known which GPU a row is of")
            return
        times, indexes = numbers_of(plain(table, "timestamp")), texts_of(plain(table, "index"))
        places = np.minimum(np.searchsorted(self.times, times), len(self.times) - 1)
        is_chosen = self.times[places] == times
        values = self._values(table)
        why = self.query.field + REASON
        reasons = texts_of(plain(table, why)) if why in table.column_names else None
        for code in np.unique(indexes.codes[is_chosen & (indexes.codes >= 0)]).tolist():
            index = indexes.words[code]
            if self.query.gpu not in (None, index) or not self._has_room(index):
                continue
            rows = is_chosen & (indexes.codes == code)
            row = self.values.setdefault(index, np.full(len(self.times), np.nan))
            row[places[rows]] = values[rows]
            if reasons is not None and (said := reasons.codes[rows & (reasons.codes >= 0)]).size:
                self.found.reasons[index] = reasons.words[int(said[-1])][:MAX_REASON]

    def _values(self, table: pa.Table) -> Numbers:
        if self.query.field in table.column_names:
            return numbers_of(plain(table, self.query.field))
        return np.full(table.num_rows, np.nan)

    def _has_room(self, index: str) -> bool:
        if index in self.values or (len(self.values) + 1) * len(self.times) <= MAX_VALUES:
            return True
        self.found.findings.add(self.query.node, f"more than {MAX_VALUES} values; ask for one GPU, or for fewer times")
        return False

    def _tables(self, part: StorePart, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the readable columns of a file, one row group at a time; unreadable data is reported as a finding."""
        span = TimeSpan(self.query.since, self.query.until)
        try:
            with opened_part(self.storage, part) as file:
                for table in groups_of(file, part, self.found.findings, names, span):
                    yield timed_rows(table, part, self.found.findings)
        except FileNotFoundError:
            self.found.findings.add(part.path, "disappeared while it was read, as after a compaction; ask again")
        except DAMAGE as error:
            self.found.findings.add_damage(part.path, error)


def _start(part: StorePart) -> float:
    """Return the start time in the name of a file; 0 for any other name, so that the file is read first."""
    text = part.path.rsplit("/", 1)[-1].removeprefix("part-").split("-", 1)[0]
    return int(text) / 1000 if text.isdecimal() and len(text) <= 15 else 0.0


def _last_of_each(times: Numbers, step: float) -> Numbers:
    """Return the last of the sorted *times* within each *step*."""
    if step <= 0 or len(times) < 2:
        return times
    steps = times // step
    kept: Numbers = times[np.append(steps[1:] != steps[:-1], True)]
    return kept
