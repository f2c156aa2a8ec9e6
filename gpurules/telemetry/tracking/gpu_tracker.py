"""Tracks the GPUs of a node, so that one that vanishes is reported as lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count

from gpurules.model import GPU, Snapshot
from gpurules.model.gpu import FLAGS, NUMBERS

DROP_AFTER = 300.0
"""Seconds for which a lost GPU is reported."""
VANISHED = "gpu has vanished"
_FACTS = tuple(name for name in (*NUMBERS, *FLAGS) if name not in ("mig", "xid", "xid_age"))


def mark_lost(gpu: GPU, reason: str) -> GPU:
    """Return the remaining facts of a GPU that does not respond: its identity, and the last reported Xid.

    >>> gone = mark_lost(GPU(index=1, uuid="GPU-1", power=300), "gpu is lost")
    >>> (gone.healthy, gone.status, gone.power, gone.missing["power"])
    (False, 'lost', None, 'gpu is lost')
    """
    return gpu.without_readings("lost", dict.fromkeys(_FACTS, reason), keeps_xid=True)


@dataclass(slots=True)
class _Known:
    """A known GPU: its last state with the time, its board, and since when it has not responded."""

    gpu: GPU
    board: str
    seen: float
    lost_since: float | None = None
    xid: tuple[float, float] | None = None


@dataclass(slots=True)
class GpuTracker:
    """Completes snapshots with the GPUs that are no longer in them.

    The last XID of an absent GPU ages with time. With ``remembers_xid`` it also survives a restart of the sampler.
    Units: ``drop_after`` in seconds.
    """

    drop_after: float = DROP_AFTER
    remembers_xid: bool = True
    _known: dict[str, _Known] = field(default_factory=dict)
    _steady: tuple[str, ...] | None = None
    _latest: tuple[GPU, ...] = ()
    _latest_at: float = 0.0

    def complete(self, snapshot: Snapshot, now: float) -> Snapshot:
        """Return *snapshot* with the GPUs that were lost in the last ``drop_after`` seconds, and without older ones.

        A MIG instance that is gone while its board is healthy was destroyed, so it is not lost.

        Units: *now* in seconds of a monotonic clock.
        """
        identities = tuple([gpu.identity for gpu in snapshot.gpus])
        is_well = not any(gpu.is_lost or (self.remembers_xid and gpu.xid is not None) for gpu in snapshot.gpus)
        if is_well and identities == self._steady:  # the usual case: the same GPUs, and all of them respond
            self._latest, self._latest_at = snapshot.gpus, now
            return snapshot
        for gpu in self._latest:
            known = self._known[gpu.identity]
            known.gpu, known.seen = gpu, self._latest_at
        completed = self._complete(snapshot, now)
        is_same = is_well and completed.gpus == snapshot.gpus and len(self._known) == len(identities)
        self._steady, self._latest = (identities, snapshot.gpus) if is_same else (None, ())
        self._latest_at = now
        return snapshot if is_same else completed

    def _complete(self, snapshot: Snapshot, now: float) -> Snapshot:
        named = self._with_identities(snapshot.gpus)
        boards: dict[object, str] = {gpu.index: gpu.identity for gpu in named if not gpu.mig}
        healthy = {gpu.identity for gpu in named if not gpu.is_lost}
        for gpu in named:
            self._remember(gpu, boards, now)
        present, taken = {gpu.identity for gpu in named}, {gpu.index for gpu in named}
        self._forget_gone(healthy, present, taken)
        vanished = [known for identity, known in self._known.items() if identity not in present]
        for known in vanished:
            known.lost_since = now if known.lost_since is None else known.lost_since
        seen = [(self._known[gpu.identity], gpu) for gpu in named]
        gone = [(known, _with_free_index(_vanished(known, now), taken)) for known in vanished]
        kept = tuple(_with_xid(known, gpu, now) for known, gpu in (*seen, *gone) if self._is_reported(known, now))
        self._forget_dropped(present, now)
        return replace(snapshot, gpus=kept)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock was set."""
        self._latest_at += seconds
        for known in self._known.values():
            known.seen += seconds
            known.lost_since = None if known.lost_since is None else known.lost_since + seconds
            known.xid = None if known.xid is None else (known.xid[0], known.xid[1] + seconds)

    def _with_identities(self, gpus: Iterable[GPU]) -> list[GPU]:
        """Give GPUs without a UUID that of the absent GPU that had their index.

        A GPU that responds is only identified so while no index is gone: indexes close up when a GPU vanishes.
        """
        gpus = list(gpus)
        uuids, indexes = {gpu.uuid for gpu in gpus}, {gpu.index for gpu in gpus}
        are_all_there = all(known.gpu.index in indexes for known in self._known.values() if known.lost_since is None)
        before = {known.gpu.index: known.gpu for known in self._known.values() if known.gpu.uuid not in uuids}
        return [
            _with_identity_of(gpu, before[gpu.index])
            if gpu.uuid is None and gpu.index in before and (gpu.is_lost or are_all_there)
            else gpu
            for gpu in gpus
        ]

    def _remember(self, gpu: GPU, boards: Mapping[object, str], now: float) -> None:
        known = self._known.get(gpu.identity)
        if gpu.is_lost:
            if known is None:
                known = self._known[gpu.identity] = _Known(gpu, gpu.identity, now)
            known.lost_since = now if known.lost_since is None else known.lost_since
        else:
            board = boards.get(gpu.index_number, gpu.identity) if gpu.mig else gpu.identity
            known = self._known[gpu.identity] = _Known(gpu, board, now, None, known.xid if known else None)
        if gpu.xid is not None and self.remembers_xid:
            known.xid = (gpu.xid, now - (gpu.xid_age or 0.0))

    def _forget_gone(self, healthy: set[str], present: set[str], taken: set[int | str]) -> None:
        """Drop absent GPUs that are not lost.

        Those are instances of a healthy board, and GPUs without a UUID that never responded, or whose index another GPU
        has now: they may be the same GPU.
        """
        for identity, known in list(self._known.items()):
            is_taken_apart = known.gpu.mig and known.board in healthy
            is_unidentifiable = known.gpu.uuid is None and (known.gpu.is_lost or known.gpu.index in taken)
            if identity not in present and (is_taken_apart or is_unidentifiable):
                del self._known[identity]

    def _is_reported(self, known: _Known, now: float) -> bool:
        return known.lost_since is None or now - known.lost_since < self.drop_after

    def _forget_dropped(self, present: set[str], now: float) -> None:
        for identity, known in list(self._known.items()):
            if identity not in present and not self._is_reported(known, now):
                del self._known[identity]


def _vanished(known: _Known, now: float) -> GPU:
    """Return the remaining facts of an absent GPU, with the age of its last XID."""
    gpu = known.gpu
    age = None if gpu.xid_age is None else max(0.0, gpu.xid_age + now - known.seen)
    return mark_lost(replace(gpu, xid_age=age) if age != gpu.xid_age else gpu, VANISHED)


def _with_identity_of(gpu: GPU, before: GPU) -> GPU:
    """Return *gpu* with the UUID that it had *before*, and the name if it reports none."""
    missing = {name: reason for name, reason in gpu.missing.items() if name != "uuid"}
    return replace(gpu, uuid=before.uuid, name=gpu.name or before.name, missing=missing)


def _with_xid(known: _Known, gpu: GPU, now: float) -> GPU:
    """Return *gpu* with its remembered XID.

    A restarted sampler has none, and that of an absent GPU ages.
    """
    if known.xid is None or (gpu.xid is not None and not gpu.is_lost) or known.xid[0] == 0:
        return gpu
    missing = {name: reason for name, reason in gpu.missing.items() if name not in ("xid", "xid_age")}
    return replace(gpu, xid=known.xid[0], xid_age=max(0.0, now - known.xid[1]), missing=missing)


def _with_free_index(gpu: GPU, taken: set[int | str]) -> GPU:
    """Return *gpu* with a unique index, since indexes close up when a GPU vanishes."""
    first: tuple[int | str, ...] = (gpu.index, f"lost-{gpu.index}", f"lost-{gpu.identity}")
    names = chain(first, (f"lost-{gpu.index}-{n}" for n in count(2)))
    index = next(name for name in names if name not in taken)
    taken.add(index)
    return replace(gpu, index=index)
