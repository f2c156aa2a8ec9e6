"""Adds lost GPUs to frames as the engine adds them to snapshots, with the same tracker, called less often.

Which GPUs a node has, and which of them are lost, rarely changes. The tracker is called where it does, at the ends of
the runs in between, and where a lost GPU expires. All other snapshots have the GPUs of the one before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gpurules.backends.columnar import Column, Groups, Mask, Places, Texts, Truths, as_column
from gpurules.history.frames.frame import Codes, Frame
from gpurules.model import GPU, Kind, Snapshot, Value
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker

_PLACE = "place"
_SETTLED = 3
"""After this number of snapshots with the same GPUs the tracker answers the same."""


@dataclass(frozen=True)
class CompleteFrame:
    """A frame with the GPUs that are lost.

    Shape: as a frame; ``source`` has, for each row, its row in the frame, or beyond those its place in ``ghosts``.
    Missing: ``source`` None: the rows are those of the frame.
    """

    frame: Frame
    groups: Groups
    owners: Sequence[str]
    owner: Places
    source: Places | None = None
    ghosts: Sequence[GPU] = ()

    def column(self, attribute: str, kind: Kind) -> Column:
        """Return an attribute of the GPUs."""
        return self._taken(self.frame.column(attribute, kind), [getattr(gpu, attribute) for gpu in self.ghosts], kind)

    def label(self, name: str, kind: Kind) -> Column:
        """Return a label of the GPUs; missing for values of another kind and for lost GPUs."""
        labels: list[Value] = [gpu.labels.get(name) for gpu in self.ghosts]  # type: ignore[misc]
        return self._taken(self.frame.label(name, kind), labels, kind)

    def exact(self, attribute: str, is_label: bool) -> Sequence[Value]:
        """Return an attribute (or a label) of the GPUs as it was given."""
        given = self.frame.exact(attribute, is_label)
        if self.source is None:
            return given
        more = [gpu.labels.get(attribute) if is_label else getattr(gpu, attribute) for gpu in self.ghosts]
        everything = [*given, *more]
        return [everything[row] for row in self.source.tolist()]

    def _taken(self, column: Column, ghosts: Sequence[Value], kind: Kind) -> Column:
        if self.source is None:
            return column
        more = as_column(ghosts, kind)
        match column, more:
            case Truths(), Truths():
                true, false = (np.concatenate(both) for both in ((column.true, more.true), (column.false, more.false)))
                return Truths(true[self.source], false[self.source])
            case Texts(), Texts():
                shifted = np.where(more.codes < 0, -1, more.codes + len(column.words))
                codes = np.concatenate([column.codes, shifted])[self.source]
                return Texts(codes.astype(np.int32), (*column.words, *more.words))
            case _:
                assert isinstance(column, np.ndarray) and isinstance(more, np.ndarray)
                return np.concatenate([column, more])[self.source]


@dataclass(slots=True)
class FrameCompletion:
    """Completes the frames of one node, in order of time.

    Units: ``tracker.drop_after`` in seconds.
    """

    tracker: GpuTracker
    _asked: list[float] = field(default_factory=list)
    _answers: dict[int, tuple[GPU, ...]] = field(default_factory=dict)
    _steady: frozenset[str] = frozenset()
    _unseen: Frame | None = None

    def complete(self, frame: Frame) -> CompleteFrame:
        """Return *frame* with the GPUs that are lost."""
        self._answers.clear()
        if self._goes_on(frame):
            self._unseen = frame
            return _unchanged(frame)
        self._catch_up()
        self._steady = frozenset()
        if not len(frame.times):
            return _unchanged(frame)
        if _is_uniform(frame) and self._is_steady(frame):
            self._steady = _with_uuids(frame)
            return _unchanged(frame)
        return _assembled(frame, list(self._stretches(frame)))

    def _goes_on(self, frame: Frame) -> bool:
        """Return whether all snapshots have the GPUs to which the tracker had nothing to add, and all of them answer.

        If all have a UUID, it has nothing to add whatever their indexes, names and order are, so these are not read.
        """
        count, gpus = len(frame.times), len(frame.owners)
        return (
            bool(self._steady)
            and self._steady == frozenset(frame.owners)
            and len(frame.owner) == count * gpus
            and bool(np.all(frame.groups.sizes == gpus))
            and not _is_lost(frame).any()
        )

    def _catch_up(self) -> None:
        """Show the tracker the last snapshot of the frames that went on."""
        if self._unseen is not None:
            snapshot = _skeleton(self._unseen, len(self._unseen.times) - 1)
            self.tracker.complete(snapshot, snapshot.timestamp)
        self._unseen = None

    def _is_steady(self, frame: Frame) -> bool:
        """Return whether the tracker adds nothing to a run of snapshots with equal GPUs; if so, it has seen the last.

        If it adds nothing to two of them, it adds nothing to any later one.
        """
        last = len(frame.times) - 1
        if not all(self._ask(frame, n) is None for n in sorted({0, min(1, last)})):
            return False
        if last > 1:
            self._ask(frame, last)
        return True

    def _ask(self, frame: Frame, number: int) -> tuple[GPU, ...] | None:
        """Call the tracker, once per snapshot, and return the GPUs; None if they are those of the snapshot."""
        if number not in self._answers:
            snapshot = _skeleton(frame, number)
            completed = self.tracker.complete(snapshot, snapshot.timestamp)
            self._answers[number] = completed.gpus
            return None if completed is snapshot else completed.gpus
        return self._answers[number]

    def _stretches(self, frame: Frame) -> Iterator[tuple[int, int, tuple[GPU, ...]]]:
        """Yield the runs of snapshots (start, end excluded) with equal GPUs, and these GPUs."""
        turns = self._turns(frame)
        for start, end in zip(turns, [*turns[1:], len(frame.times)], strict=True):
            self._ask(frame, start)
            if any(gpu.xid_age is not None and _PLACE not in gpu.labels for gpu in self._answers[start]):
                for number in range(start, end):  # a lost GPU ages with each snapshot
                    self._ask(frame, number)
                    yield number, number + 1, self._answers[number]
            else:
                yield start, end, self._answers[start]
        horizon = float(frame.times[-1]) - 2 * self.tracker.drop_after
        self._asked = [time for time in self._asked if time > horizon]

    def _turns(self, frame: Frame) -> list[int]:
        """Return the snapshots at which the tracker is called."""
        times, count = frame.times, len(frame.times)
        signatures = _signatures(frame)
        begins = np.flatnonzero(np.append(True, signatures[1:] != signatures[:-1]))
        first = {int(at) + step for at in begins for step in range(_SETTLED)}
        self._asked += [float(times[at]) for at in sorted(first) if at < count]
        due = np.array([time + self.tracker.drop_after for time in self._asked])
        dropped = {int(at) + step for at in np.searchsorted(times, due) for step in range(-1, _SETTLED)}
        last = {int(at) - 1 for at in begins} | {count - 1}
        return sorted(at for at in first | dropped | last if 0 <= at < count)


def _unchanged(frame: Frame) -> CompleteFrame:
    return CompleteFrame(frame, frame.groups, frame.owners, frame.owner)


def _with_uuids(frame: Frame) -> frozenset[str]:
    """Return the GPUs of a uniform frame if they are known by their UUIDs; none otherwise."""
    uuids = [gpu.uuid for gpu in frame.gpus_of(_rows(frame, 0))]
    return frozenset(uuid for uuid in uuids if uuid) if set(uuids) == set(frame.owners) else frozenset()


def _is_uniform(frame: Frame) -> bool:
    """Return whether every snapshot has all GPUs, in the same order, none lost."""
    count, gpus = len(frame.times), len(frame.owners)
    if not gpus or len(frame.owner) != count * gpus or not bool(np.all(frame.groups.sizes == gpus)):
        return False
    by_gpu = [codes.reshape(gpus, count) for codes in _traits(frame)]
    return all(bool(np.all(codes == codes[:, :1])) for codes in by_gpu) and not bool(_is_lost(frame).any())


def _is_lost(frame: Frame) -> Mask:
    status, healthy = frame.column("status", Kind.STRING), frame.column("healthy", Kind.BOOL)
    assert isinstance(status, Texts) and isinstance(healthy, Truths)
    lost = ~healthy.true
    if "lost" in status.words:
        lost |= status.codes == status.words.index("lost")
    return lost


def _traits(frame: Frame) -> Iterator[Codes]:
    """Yield arrays that distinguish GPUs, one number per row."""
    mig = frame.column("mig", Kind.BOOL)
    assert isinstance(mig, Truths)
    yield from (frame.owner, frame.position, mig.true, frame.codes("index"), frame.codes("name"))


def _signatures(frame: Frame) -> NDArray[np.uint64]:
    """Return a number for each snapshot, equal where GPUs, their order and whether they are lost are equal."""
    hashes = np.full(len(frame.owner), 0x94D049BB133111EB, np.uint64)
    with np.errstate(over="ignore"):
        for part in (*_traits(frame), _is_lost(frame)):
            hashes = (hashes ^ part.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            hashes ^= hashes >> np.uint64(29)
        sums = np.zeros(frame.groups.count, np.uint64)
        np.add.at(sums, frame.groups.snapshot, hashes * np.uint64(0xBF58476D1CE4E5B9))
    return sums


def _rows(frame: Frame, number: int) -> list[int]:
    """Return the rows of a snapshot, in its own order."""
    rows = np.flatnonzero(frame.groups.snapshot == number)
    return [int(row) for row in rows[np.argsort(frame.position[rows], kind="stable")]]


def _rows_of_alike(frame: Frame, span: Places) -> Places:
    """Return the rows of snapshots with equal GPUs, in their own order: one line for each snapshot."""
    groups = frame.groups
    count = int(groups.sizes[span[0]])
    starts = (np.cumsum(groups.sizes) - groups.sizes)[span]
    rows = groups.order[starts[:, None] + np.arange(count, dtype=np.intp)]
    return np.take_along_axis(rows, np.argsort(frame.position[rows], axis=1, kind="stable"), axis=1)


def _skeleton(frame: Frame, number: int) -> Snapshot:
    """Return the part of a snapshot that the tracker reads; labels hold the row of each GPU."""
    gpus = [
        GPU(
            index=gpu.index, uuid=gpu.uuid, name=gpu.name, vendor=gpu.vendor, mig=gpu.mig, status=gpu.status,
            healthy=gpu.healthy, xid=gpu.xid, xid_age=gpu.xid_age, labels={_PLACE: place},
        )
        for place, gpu in enumerate(frame.gpus_of(_rows(frame, number)))
    ]  # fmt: skip
    return Snapshot(timestamp=float(frame.times[number]), gpus=tuple(gpus))


def _assembled(frame: Frame, stretches: list[tuple[int, int, tuple[GPU, ...]]]) -> CompleteFrame:
    """Return the rows of all runs together, in order of GPU and time."""
    ghosts: list[GPU] = []
    known: dict[str, int] = {}
    owners: list[Places] = []
    numbers: list[Places] = []
    sources: list[Places] = []
    base = len(frame.owner)
    for start, end, gpus in stretches:
        span = np.arange(start, end, dtype=np.intp)
        rows = _rows_of_alike(frame, span)
        for gpu in gpus:
            place = gpu.labels.get(_PLACE)
            if isinstance(place, int):
                source = rows[:, place]
                if _is_renamed(frame, int(source[0]), gpu):
                    source = np.arange(base + len(ghosts), base + len(ghosts) + len(span), dtype=np.intp)
                    ghosts += [_renamed(frame.gpu(int(row)), gpu) for row in rows[:, place]]
            else:
                source = np.full(len(span), base + len(ghosts), np.intp)
                ghosts.append(gpu)
            owners.append(np.full(len(span), known.setdefault(gpu.identity, len(known)), np.intp))
            numbers.append(span)
            sources.append(source)
    owner, number, source = (np.concatenate([np.zeros(0, np.intp), *parts]) for parts in (owners, numbers, sources))
    order = np.lexsort((number, owner))
    groups = Groups(number[order], frame.groups.count)
    return CompleteFrame(frame, groups, tuple(known), owner[order], source[order], ghosts)


def _is_renamed(frame: Frame, row: int, gpu: GPU) -> bool:
    before = frame.gpu(row)
    return (before.uuid, before.name, before.index) != (gpu.uuid, gpu.name, gpu.index)


def _renamed(gpu: GPU, known: GPU) -> GPU:
    """Return *gpu* with the name, UUID and index of *known*."""
    values = {name: getattr(gpu, name) for name in GPU.__dataclass_fields__ if name not in ("uuid", "name", "index")}
    return GPU(uuid=known.uuid, name=known.name, index=known.index, **values)
