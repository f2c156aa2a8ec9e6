"""Which GPU a row is of, in a log that does not say: known from headers or given, never guessed from gaps in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

from gpurules.telemetry.formats.csv.rows import Row
from gpurules.telemetry.formats.nvidia_smi_cells import read_text
from gpurules.telemetry.formats.recording import Recording

SAMPLE = 2000
"""How many rows are looked at."""
ONE_CALL_SECONDS = 2.0
"""How long one call of nvidia-smi may take from its first row to its last."""
_BURST = 4
"""How many times longer the gaps between bursts of rows are than those within."""
_CLEAR_BURST, MOST_BOARDS = 50, 16
"""The same where only one burst is whole, and the largest that is then one: a node has no more boards."""
_ADVICE = "add index to --query-gpu; for this log give --gpus N, the number of GPUs in each poll, or --single-gpu"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a log are to be put together: *count* make a poll, and a header begins one if *by_header*."""

    count: int
    by_header: bool = False
    is_assumed: bool = False


def polls(rows: Iterator[Row], recording: Recording) -> Iterator[list[Row]]:
    """Walk through the polls of a log without a column that says which GPU a row is of.

    Of each poll the rows are in their order; one that could not be used has its place, so that the others have theirs.

    Raises:
        TelemetryError: it cannot be told which rows are of one poll.
    """
    sample = list(islice(rows, SAMPLE))
    layout = _layout(sample, recording)
    name: str | None = None
    poll: list[Row] = []
    for row in chain(sample, rows):
        if poll and row.block != poll[-1].block and (layout.by_header or len(poll) < layout.count):
            yield from _whole(poll, layout, recording)
            poll = []
        poll.append(row)
        if layout.is_assumed and row.cells is not None:
            name = name or read_text(row.cells, "name")
            if read_text(row.cells, "name") != name:
                raise recording.error(row.number, f"the log does not say which GPU a row is of, and its rows have "
                                      f"several names; {_ADVICE}")  # fmt: skip
        if len(poll) == layout.count and not layout.by_header:
            yield from _whole(poll, layout, recording)
            poll = []
    if poll:
        yield from _whole(poll, layout, recording)


def _whole(poll: list[Row], layout: Layout, recording: Recording) -> Iterator[list[Row]]:
    """Yield a poll of as many rows as there are GPUs; of another it is not known whose row is whose."""
    if len(poll) != layout.count:
        recording.problem(
            poll[0].number, f"a poll of {len(poll)} rows where there are {layout.count} GPUs; it is not read"
        )
    elif any(row.cells is not None for row in poll):
        yield poll


def _layout(sample: Sequence[Row], recording: Recording) -> Layout:
    given = recording.options.gpus
    if given is not None:
        return Layout(given)
    by_header = _by_header(sample)
    if by_header is not None:
        return by_header
    rows = [row for row in sample if row.cells is not None]
    if len(rows) <= 1:
        return Layout(1)
    why = _why_several(rows)
    first = sample[0].number
    if why is not None:
        raise recording.error(
            first, f"the log does not say which GPU a row is of (no index, uuid or pci.bus_id), and {why}; {_ADVICE}"
        )
    recording.notice(
        first,
        "the log does not say which GPU a row is of; since all times differ, each row is taken as a poll of a single "
        "GPU (--single-gpu confirms it, --gpus N says otherwise)",
    )
    return Layout(1, is_assumed=True)


def _by_header(sample: Sequence[Row]) -> Layout | None:
    """Return the layout of a log whose header comes again with each call of nvidia-smi, None of another log."""
    blocks: list[list[Row]] = []
    for row in sample:
        if not blocks or blocks[-1][0].block != row.block:
            blocks.append([])
        blocks[-1].append(row)
    whole = blocks[:-1]  # the last may be cut off
    if not whole or len({len(block) for block in whole}) > 1 or len(blocks[-1]) > len(whole[0]):
        return None
    for block in whole:
        times = [row.time for row in block if row.time is not None]
        if times and not 0 <= times[-1] - times[0] <= ONE_CALL_SECONDS:
            return None
    return Layout(len(whole[0]), by_header=True)


def _why_several(rows: Sequence[Row]) -> str | None:
    """Return why rows may be of several GPUs; None where each is plausibly a poll of the same one."""
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
    """Return the size of the bursts in which rows come, None where they do not.

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
