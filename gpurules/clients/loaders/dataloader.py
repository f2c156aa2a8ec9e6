"""A PyTorch ``DataLoader`` whose outstanding batches follow the rules."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import ref

from gpurules.clients.client import Capability
from gpurules.governor import Governor
from gpurules.logs import logger
from gpurules.model import Transfer

_LOGGER = logger("gpurules.clients")
LIVE_VERSIONS = frozenset({"2.13"})
"""The versions of torch whose iterator was looked at and tested; the live patch is for these alone."""
_LIVE_ATTRIBUTES = (
    "_try_put_index", "_tasks_outstanding", "_send_idx", "_task_info", "_workers_status", "_prefetch_factor",
    "_num_workers",
)  # fmt: skip


class DataLoaderKind:
    """The kind of client, as registered."""

    name = "dataloader"
    capabilities = frozenset({Capability.PREFETCH})

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        from importlib.util import find_spec

        return "torch is not installed; see pytorch.org for how to install it" if find_spec("torch") is None else None

    def notes(self) -> tuple[str, ...]:
        """Return notes on its limits on this machine."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("torch")
        except PackageNotFoundError:
            return ()
        if _minor(found) in LIVE_VERSIONS:
            return (f"torch {found}: at each epoch, and live on request",)
        return (f"torch {found}: at each epoch; the live patch is for {', '.join(sorted(LIVE_VERSIONS))}",)


class GovernedLoader:
    """Wraps *loader*, a ``DataLoader``: rules reduce the number of batches in flight from its ``prefetch_factor``.

    The number is set at the start of each epoch, by the loader's public attribute. With *live* it is updated at each
    batch by patching the iterator of a known version of torch; with other versions it follows per epoch. At least one
    batch is in flight, and the contents and order of batches do not depend on the rules. *transfer* is what rules see.

    What cannot be carried out (no workers; persistent workers, whose iterator is created once) is counted by the
    governor.
    """

    name = DataLoaderKind.name
    capabilities = DataLoaderKind.capabilities

    def __init__(
        self, loader: Any, governor: Governor, *, transfer: Transfer | None = None, live: bool = False
    ) -> None:
        self.loader = loader
        self.governor = governor
        self.transfer = transfer or Transfer(operation="prefetch", file_type="dataset")
        self.base: int | None = loader.prefetch_factor
        self._live = live
        self._has_lasting_iterator = False

    def target(self) -> int:
        """Return the number of batches that may be in flight.

        Missing: 0 if the loader has no workers, and so no prefetch.
        """
        if not self.base:
            return 0
        return _target(self.governor, self.transfer, self.base * max(1, int(self.loader.num_workers)))

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        wanted = self.target()
        if not self.base:
            self._count_where_asked()
            unchanged: Iterator[Any] = iter(self.loader)
            return unchanged
        is_kept = self._has_lasting_iterator
        factor = max(1, round(wanted / self.loader.num_workers))
        self.loader.prefetch_factor = factor
        try:
            batches: Iterator[Any] = iter(self.loader)
        finally:
            self.loader.prefetch_factor = self.base
        if self._live and not is_kept and not self._patch(batches):
            self._live = False
        if self.loader.persistent_workers:
            if not self._live and is_kept:
                self._count_where_asked()
            self._has_lasting_iterator = True
        return batches

    def _patch(self, batches: Any) -> bool:
        """Make the iterator follow the target at each batch; return whether that is possible here."""
        import torch

        version = torch.__version__
        if _minor(version) not in LIVE_VERSIONS or not all(hasattr(batches, name) for name in _LIVE_ATTRIBUTES):
            known = ", ".join(sorted(LIVE_VERSIONS))
            _LOGGER.warning("torch %s is not one of %s: the prefetch is adjusted only at each epoch", version, known)
            self.governor.count_uncarried(self.name, Capability.PREFETCH)
            return False
        batches._prefetch_factor = self.base
        target = partial(_target, self.governor, self.transfer, self.base * batches._num_workers)
        batches._try_put_index = _put_to_target(ref(batches), target)
        batches._try_put_index()
        return True

    def _count_where_asked(self) -> None:
        if self.governor.decider.requirements(self.transfer).prefetch_factor < 1.0:
            self.governor.count_uncarried(self.name, Capability.PREFETCH)

    def restore(self) -> None:
        """Restore the loader; a running iterator uses its own prefetch from its next epoch."""
        self.loader.prefetch_factor = self.base

    def apply(self, directives: object) -> frozenset[str]:
        """Return the targets that this client does not carry out; the prefetch is read batch by batch."""
        return frozenset(directives) - self.capabilities  # type: ignore[call-overload,no-any-return]

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the loader."""
        if name.startswith("_") or "loader" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.loader, name)


def _target(governor: Governor, transfer: Transfer, most: int) -> int:
    """Return how many of *most* batches the rules allow in flight."""
    factor = governor.decider.requirements(transfer).prefetch_factor
    return max(1, round(most * min(1.0, max(0.0, factor))))


def _put_to_target(iterator: "ref[Any]", target: Callable[[], int]) -> Callable[[], None]:
    """Return the replacement for the iterator's ``_try_put_index``, which sends one more batch to a worker.

    It counts batches in flight or ready, of live workers only: if those of ended workers counted, an epoch could end
    before its last batch. The iterator is referenced weakly, and *target* references no loader: a reference cycle would
    end its workers only at garbage collection, which waits for each of them for seconds.
    """

    def put_to_target() -> None:
        batches = iterator()
        if batches is None:
            return
        wanted, most = target(), batches._prefetch_factor * batches._num_workers
        while batches._tasks_outstanding < most:
            alive = batches._workers_status
            there = sum(len(info) == 2 or bool(alive[info[0]]) for info in batches._task_info.values())
            before = batches._send_idx
            if there >= wanted:
                return
            type(batches)._try_put_index(batches)
            if batches._send_idx == before:
                return

    return put_to_target


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
