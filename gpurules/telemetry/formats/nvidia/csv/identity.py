"""Assigns rows of a log without an index to GPUs: by headers or options, never by guessing from gaps in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter

from gpurules.telemetry.formats.nvidia.csv.rows import Row
from gpurules.telemetry.formats.nvidia.query_fields import read_text
from gpurules.telemetry.recordings.reader import RecordingReader

SAMPLE = 2000
"""How many rows are looked at."""
ONE_CALL_SECONDS = 2.0
"""How long one call of nvidia-smi may take from its first row to its last."""
_BURST = 4
"""How many times longer the gaps between bursts of rows are than those within."""
_CLEAR_BURST, MOST_BOARDS = 50, 16
"""The same where only one burst is whole, and the largest that is then one: a node has no more boards."""
_ADVICE = "add index to --query-gpu; for this log pass --gpus N, the number of GPUs in each poll, or --single-gpu"


@dataclass(frozen=True, slots=True)
class RowGrouping:
    """How rows are grouped: *count* rows form a poll, which starts at a header if *by_header*."""

    count: int
    by_header: bool = False
    is_assumed: bool = False


def polls(rows: Iterator[Row], recording: RecordingReader) -> Iterator[list[Row]]:
    """Yield the polls of a log without a column that identifies the GPU.

    The rows of a poll keep their order; an unusable row keeps its position, so that the others keep theirs.

    Raises:
        TelemetryError: it cannot be determined which rows form a poll.
    """
    sample = list(islice(rows, SAMPLE))
    layout = _layout(sample, recording)
    every = chain(sample, rows)
    groups: Iterator[list[Row]]
    if layout.count == 1 and not layout.by_header:
        groups = ([row] for row in (_of_one_name(every, recording) if layout.is_assumed else every))
    elif layout.by_header:
        groups = (list(block) for _, block in groupby(every, key=attrgetter("block")))
    elif any(row.time is not None for row in sample):
        groups = _by_gaps(every, layout.count)
    else:
        groups = _by_number(every, layout.count, recording)
    for group in groups:
        poll = _with_indexes(group, layout.count)
        if poll is not None:
            yield poll
        elif layout.count > 1:
            recording.problem(group[0].number, f"a poll of {len(group)} rows for {layout.count} GPUs; it is skipped")


def _with_indexes(group: list[Row], count: int) -> list[Row] | None:
    """Return the rows of a poll, each at the position of its GPU; None if rows cannot be assigned."""
    good = [row for row in group if row.cells is not None]
    if len(good) == count:
        return good  # other lines are not rows
    return group if len(group) == count and good else None


def _of_one_name(rows: Iterator[Row], recording: RecordingReader) -> Iterator[Row]:
    """Yield the rows of an assumed single GPU.

    Raises:
        TelemetryError: they have several names.
    """
    name: str | None = None
    for row in rows:
        if row.cells is not None:
            found = read_text(row.cells, "name")
            name = name or found
            if found != name:
                why = "the rows do not identify their GPU, and they have several names"
                raise recording.error(row.number, f"{why}; {_ADVICE}")
        yield row


def _by_gaps(rows: Iterator[Row], count: int) -> Iterator[list[Row]]:
    """Group rows by the given number of GPUs; a poll that is not followed by a longer gap is incomplete."""
    group: list[Row] = []
    last: float | None = None
    longest = 0.0
    for row in rows:
        if row.time is not None:
            gap = 0.0 if last is None else row.time - last
            last = row.time
            is_whole = sum(one.cells is not None for one in group) >= count
            if group and (not 0 <= gap <= ONE_CALL_SECONDS or (is_whole and gap > longest)):
                yield group
                group, longest = [], 0.0
            elif group:
                longest = max(longest, gap)
        group.append(row)
    if group:
        yield group


def _by_number(rows: Iterator[Row], count: int, recording: RecordingReader) -> Iterator[list[Row]]:
    """Group rows without times by count alone; a header starts a poll.

    Raises:
        TelemetryError: a line is not a row, so the rows after it cannot be assigned to GPUs.
    """
    group: list[Row] = []
    for row in rows:
        if row.cells is None:
            why = "this is not a row, and without times the rows after it cannot be assigned to GPUs by their number"
            raise recording.error(row.number, f"{why}; remove the line, or add timestamp and index to --query-gpu")
        if group and (len(group) == count or row.block != group[-1].block):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _layout(sample: Sequence[Row], recording: RecordingReader) -> RowGrouping:
    given = recording.options.gpus
    if given is not None:
        return RowGrouping(given)
    by_header = _by_header(sample)
    if by_header is not None:
        return by_header
    rows = [row for row in sample if row.cells is not None]
    if len(rows) <= 1:
        return RowGrouping(1)
    why = _why_several(rows)
    first = sample[0].number
    if why is not None:
        raise recording.error(
            first, f"the rows do not identify their GPU (no index, uuid or pci.bus_id), and {why}; {_ADVICE}"
        )
    recording.notice(
        first,
        "the rows do not identify their GPU; because all times differ, each row is treated as a poll of a single "
        "GPU (confirm with --single-gpu, or override with --gpus N)",
    )
    return RowGrouping(1, is_assumed=True)


def _by_header(sample: Sequence[Row]) -> RowGrouping | None:
    """Return the layout of a log whose header repeats with each call of nvidia-smi; None for any other log."""
    blocks: list[list[Row]] = []
    for row in sample:
        if not blocks or blocks[-1][0].block != row.block:
            blocks.append([])
        blocks[-1].append(row)
    whole = blocks[:-1]  # the last may be truncated
    if not whole or len({len(block) for block in whole}) > 1 or len(blocks[-1]) > len(whole[0]):
        return None
    for block in whole:
        times = [row.time for row in block if row.time is not None]
        if times and not 0 <= times[-1] - times[0] <= ONE_CALL_SECONDS:
            return None
    return RowGrouping(len(whole[0]), by_header=True)


def _why_several(rows: Sequence[Row]) -> str | None:
    """Return why rows may be of several GPUs; None if each is plausibly a poll of the same one."""
    names = {read_text(row.cells, "name") for row in rows if row.cells is not None}
    times = [row.time for row in rows if row.time is not None]
    if len(names) > 1:
        return "its rows have several names"
    if len(times) < len(rows):
        return "its rows have no times"
    if min(after - before for before, after in pairwise(times)) <= 0:
        return "several rows have the same time"
    gaps = [(b.time or 0) - (a.time or 0) for a, b in pairwise(rows) if a.block == b.block]
    burst = _burst(gaps) if gaps else None
    return None if burst is None else f"its rows come in bursts of {burst}"


def _burst(gaps: Sequence[float]) -> int | None:
    """Return the size of the bursts in which rows arrive; None if there are none.

    >>> _burst([0.03, 0.03, 4.9, 0.03, 0.03]), _burst([5.0, 5.0, 60.0, 5.0])
    (3, None)
    """
    longest, shortest = max(gaps), min(gaps)
    if longest < _BURST * shortest:
        return None
    limit = (longest * shortest) ** 0.5
    sizes = [1]
    for gap in gaps:
        if gap > limit:
            sizes.append(1)
        else:
            sizes[-1] += 1
    whole = sizes[:-1] if sizes[-1] < sizes[0] else sizes
    is_regular = sizes[0] > 1 and set(whole) == {sizes[0]}
    is_clear = len(whole) > 1 or (longest > _CLEAR_BURST * shortest and sizes[0] <= MOST_BOARDS)
    return sizes[0] if is_regular and is_clear else None
