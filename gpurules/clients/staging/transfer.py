"""A transfer through a staging area."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from gpurules.actions.targets import Stage
from gpurules.clients.objects.store import (
    ChecksumMismatch,
    ObjectChanged,
    ObjectFacts,
    StoredObject,
    StoreError,
    TransientStoreError,
    Unverifiable,
)
from gpurules.clients.pieces.part_loop import PartOptions
from gpurules.clients.staging.area import StagingArea
from gpurules.clients.staging.copies import StagedCopy
from gpurules.clients.staging.folder import Folder
from gpurules.clients.staging.locks import Waiting
from gpurules.clients.staging.source import PinnedSource, pin_version
from gpurules.clients.staging.trouble import StagingDamaged, StagingFull, StagingTrouble, in_area
from gpurules.governor import Ticket

ROOM_LOOK_SECONDS = 0.2
TRIES = 10
Fill = Callable[[StoredObject, Path], object]
"""Brings an object to a place."""


class Staging:
    """One transfer that a rule stages: *fill* downloads the object into the area, *use* reads it from there.

    Waits for space, or for a process without progress, at most *patience_seconds*. *options* are those of the part
    loop.
    """

    def __init__(
        self, ticket: Ticket, area: StagingArea, fill: Fill, *, options: PartOptions, patience_seconds: float
    ) -> None:
        self._ticket = ticket
        self._area = area
        self._fill = fill
        self._options = options
        self._patience = patience_seconds

    def run(self, source: StoredObject, facts: ObjectFacts, stage: Stage, use: Callable[[StagedCopy], object]) -> bool:
        """Return whether the object was staged; if not, it must be transferred directly.

        Raises:
            StagingFull: there is no space, and the rule says ``on_full: fail``.
            ObjectChanged: the object differs from *facts*.
        """
        self._ticket.stage()
        is_staged = False
        try:
            is_staged = self._tried(source, facts, stage, use)
        except StagingTrouble as trouble:
            self._count(trouble)
        finally:
            if not is_staged:
                self._ticket.stage(False)
        return is_staged

    def _tried(
        self, source: StoredObject, facts: ObjectFacts, stage: Stage, use: Callable[[StagedCopy], object]
    ) -> bool:
        ends = time.monotonic() + self._patience
        has_waited = False
        while True:
            try:
                self._pass(source, facts, use)
                return True
            except StagingFull:
                if not has_waited:
                    self._ticket.count_fault("staging_full")
                has_waited = True
                if stage.on_full == "fail":
                    raise
                if stage.on_full != "wait" or facts.size > self._area.room.quota or time.monotonic() > ends:
                    return False
            self._ticket.check()
            time.sleep(ROOM_LOOK_SECONDS)

    def _pass(self, source: StoredObject, facts: ObjectFacts, use: Callable[[StagedCopy], object]) -> None:
        """Get the object into the area, and use it before another process can evict it."""
        area, is_proved = self._area, self._options.verify == "require"
        name = area.name(source.url, facts, is_proved)
        with Folder.opened_at(area.path) as folder, ExitStack() as kept:
            waiting = Waiting(self._ticket.check, self._patience, lambda: area.progress(folder, name))
            for _ in range(TRIES):
                if folder.stat(name) is not None and self._is_used(folder, name, waiting, use):
                    return
                with area.writing(folder, name, waiting):
                    if self._is_there(folder, name):
                        continue
                    self._bring(folder, name, pin_version(source, facts), facts.size, waiting)
                    copy = kept.enter_context(
                        area.open_copy(folder, name)
                    )  # an open file stays readable after eviction
                if copy is not None:
                    use(copy)
                    return
        raise StagingTrouble(f"a copy in the staging area {str(area.path)!r} keeps being removed or damaged")

    def _is_used(self, folder: Folder, name: str, waiting: Waiting, use: Callable[[StagedCopy], object]) -> bool:
        """Use an existing copy; return whether there was a good one."""
        try:
            with self._area.reading(folder, name, waiting) as copy:
                if copy is None:
                    return False
                use(copy)
        except StagingDamaged:
            return False  # another process may evict it first, so it is checked again
        self._area.counts.hits += 1
        return True

    def _is_there(self, folder: Folder, name: str) -> bool:
        """Return whether another process has staged it meanwhile; a damaged copy is removed."""
        try:
            with self._area.open_copy(folder, name) as copy:
                return copy is not None
        except StagingDamaged as damage:
            self._count(damage)
            self._area.counts.damaged += 1
            self._area.drop(folder, name)
            return False

    def _bring(self, folder: Folder, name: str, source: PinnedSource, size: int, waiting: Waiting) -> None:
        area = self._area
        area.room.make(folder, name, size, waiting)
        try:
            self._fill(source, folder.place(name))
            area.seal(folder, name, size, source.sums, self._options.piece_size)
        except (OSError, StoreError) as error:
            if _is_of_store(error) or any(error is one for one in source.errors):
                raise
            trouble = in_area(area.path, error)
            self._undo(folder, name, trouble)
            if trouble is error:
                raise
            raise trouble from error
        area.counts.staged += 1

    def _undo(self, folder: Folder, name: str, trouble: StoreError) -> None:
        """Remove all of what could not be staged, as far as the area allows."""
        self._area.counts.full += isinstance(trouble, StagingFull)
        self._area.room.discard(folder, name)
        with suppress(StagingFull, StagingTrouble):
            self._area.drop(folder, name)

    def _count(self, trouble: StagingTrouble) -> None:
        self._ticket.count_fault(trouble.fault)
        self._area.report(trouble)


def _is_of_store(error: Exception) -> bool:
    """Return whether the store failed, so that a direct transfer would fail too.

    Wrong bytes do not count: they may have been damaged in the area.
    """
    is_transient = isinstance(error, TransientStoreError) and not isinstance(error, ChecksumMismatch)
    return is_transient or isinstance(error, ObjectChanged | Unverifiable)
