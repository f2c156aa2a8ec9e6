"""The age of a GPU's last Xid error, if a source reports the error without its time."""

from dataclasses import replace

from gpurules.model import GPU, Snapshot

NO_ERROR = "no Xid error"
_MOST = 4096
"""GPUs that are remembered; those seen longest ago are forgotten first."""


class XidAges:
    """Gives GPUs the age of their last Xid error: from when its number was first seen, or changed.

    The same error twice in a row looks like one, so its age is that of the first.
    Missing: the number is 0, which means no error; or the source reports the age itself.

    >>> ages = XidAges()
    >>> [ages.complete(Snapshot(gpus=(GPU(index=0, xid=79),)), now).gpus[0].xid_age for now in (100.0, 130.0)]
    [0.0, 30.0]
    """

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, float]] = {}

    def complete(self, snapshot: Snapshot, now: float) -> Snapshot:
        """Return *snapshot* with an age for each Xid error that has none.

        Units: *now* in seconds of a clock with any origin.
        """
        if all(gpu.xid is None or gpu.xid_age is not None for gpu in snapshot.gpus):
            return snapshot
        return replace(snapshot, gpus=tuple(self._with_age(gpu, now) for gpu in snapshot.gpus))

    def _with_age(self, gpu: GPU, now: float) -> GPU:
        if gpu.xid is None or gpu.xid_age is not None:
            return gpu
        xid, since = self._since.pop(gpu.identity, (None, now))
        since = since if xid == gpu.xid else now
        self._since[gpu.identity] = (gpu.xid, since)
        if len(self._since) > _MOST:
            del self._since[next(iter(self._since))]
        if gpu.xid == 0:
            return replace(gpu, missing={**gpu.missing, "xid_age": NO_ERROR})
        missing = {name: why for name, why in gpu.missing.items() if name != "xid_age"}
        return replace(gpu, xid_age=max(0.0, now - since), missing=missing)
