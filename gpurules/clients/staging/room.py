"""Space management of a staging area: quota, eviction, and the leftovers of dead processes."""

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gpurules.clients.pieces.resumable_file import JOURNAL_SUFFIX, PART_SUFFIX
from gpurules.clients.staging.folder import Folder, is_plain
from gpurules.clients.staging.locks import Waiting, hold_lock, locked_at_once
from gpurules.clients.staging.trouble import StagingFull, StagingTrouble, translate_errors

AREA_LOCK, LOCK_SUFFIX, SEAL_SUFFIX = "area.lock", ".lock", ".seal"
ROOM_SECONDS = 30.0
"""Longer than it takes to make room: a process that takes longer hangs."""
_OURS = re.compile(r"\.?([0-9a-f]{64})(?:\..*)?")


@dataclass(slots=True)
class StagingCounts:
    """Counts of events since the area was opened."""

    hits: int = 0
    staged: int = 0
    evicted: int = 0
    damaged: int = 0
    full: int = 0
    swept: int = 0


class Room:
    """The space of the area *path*. Processes share it: space is freed and reserved under one lock.

    Units: *quota* and *reserve* (the space to keep free on the disk) in bytes.
    """

    def __init__(self, path: Path, quota: int, reserve: int) -> None:
        self.path = path
        self.quota = quota
        self.reserve = reserve
        self.counts = StagingCounts()

    def make(self, folder: Folder, name: str, size: int, waiting: Waiting) -> None:
        """Reserve *size* bytes for *name*, evicting the least recently used objects if necessary.

        Raises:
            StagingFull: there is not enough space.
            StagingTrouble: it cannot be reserved.
        """
        part = f".{name}{PART_SUFFIX}"
        for leftover in (part, f".{name}{JOURNAL_SUFFIX}"):
            found = folder.stat(leftover)
            if found is not None and not is_plain(found):
                folder.unlink(leftover)  # the target of a link must not be written to
        if size > self.quota:
            self._refuse(size)
        with hold_lock(folder, AREA_LOCK, waiting.at_most(ROOM_SECONDS)):
            found = folder.stat(part)
            has = found.st_size if found else 0
            wanted = max(0, size - has)
            oldest = (victim for victim in self._victims(folder) if victim != name)
            while not self._fits(folder, wanted):
                victim = next(oldest, None)
                if victim is None:
                    self._refuse(size)
                else:
                    self._evict(folder, victim)
            file = folder.open(part, os.O_RDWR | os.O_CREAT)
            try:
                if has < size:
                    with translate_errors(folder.path):
                        os.ftruncate(file, size)  # reserved space counts from now on, for every process
            finally:
                os.close(file)

    def discard(self, folder: Folder, name: str) -> None:
        """Remove the partial file of an object that could not be staged, if possible."""
        for leftover in (f".{name}{PART_SUFFIX}", f".{name}{JOURNAL_SUFFIX}"):
            with suppress(StagingFull, StagingTrouble):
                folder.unlink(leftover)

    def _refuse(self, size: int) -> None:
        self.counts.full += 1
        raise StagingFull(
            f"the staging area {str(self.path)!r} has no room for {size} bytes; its quota is {self.quota}"
        )

    def _fits(self, folder: Folder, wanted: int) -> bool:
        if not wanted:
            return True
        files = dict(_sized(folder))
        parts = [found for name, found in files.items() if name.endswith(PART_SUFFIX)]
        to_come = sum(max(0, found.st_size - found.st_blocks * 512) for found in parts)
        used = sum(found.st_size for found in files.values())
        return used + wanted <= self.quota and wanted <= folder.free() - self.reserve - to_come

    @property
    def used(self) -> int:
        """The number of bytes in use or reserved.

        Raises:
            StagingTrouble: it cannot be determined.
        """
        with Folder.opened_at(self.path) as folder:
            return sum(found.st_size for _, found in _sized(folder))

    @staticmethod
    def _victims(folder: Folder) -> list[str]:
        """Return the names of the objects that may be evicted, the least recently used first."""
        used: dict[str, float] = {}
        for entry, names in _groups(folder).items():
            stats = [folder.stat(name) for name in names if not name.endswith(LOCK_SUFFIX)]
            used[entry] = max((found.st_mtime for found in stats if found), default=0.0)
        return sorted(used, key=lambda entry: used[entry])

    def _evict(self, folder: Folder, victim: str) -> None:
        """Evict an object, or a partial one, unless it is in use. Its lock is removed last."""
        with locked_at_once(folder, victim + LOCK_SUFFIX) as is_free:
            if is_free and self._is_idle(folder, victim):
                self.counts.evicted += folder.unlink(victim)
                self._clear(folder, victim)

    # leftovers

    def sweep(self, older_than_seconds: float) -> None:
        """Delete what dead processes left: partial files older than the given age, all else immediately.

        Raises:
            StagingTrouble: it failed.
        """
        with Folder.opened_at(self.path) as folder, locked_at_once(folder, AREA_LOCK) as is_free:
            if not is_free:
                return  # another process evicts or sweeps
            for entry, names in _groups(folder).items():
                if names != {entry, entry + SEAL_SUFFIX, entry + LOCK_SUFFIX}:
                    self._repair(folder, entry, older_than_seconds)

    def _repair(self, folder: Folder, entry: str, older_than_seconds: float) -> None:
        with locked_at_once(folder, entry + LOCK_SUFFIX) as is_free:
            if not is_free or not self._is_idle(folder, entry):
                return
            part, journal = (folder.stat(f".{entry}{suffix}") for suffix in (PART_SUFFIX, JOURNAL_SUFFIX))
            is_whole = folder.stat(entry) is not None and folder.stat(entry + SEAL_SUFFIX) is not None
            is_begun = part is not None and time.time() - part.st_mtime <= older_than_seconds
            if is_begun and not is_whole:
                return
            self.counts.swept += part is not None or journal is not None
            if not is_whole:
                folder.unlink(entry)
            self._clear(folder, entry, keeps_copy=is_whole)

    @staticmethod
    def _is_idle(folder: Folder, entry: str) -> bool:
        """Return whether no download is writing a part of *entry*, even one that outlived its lock."""
        for name in _of(folder, entry):
            if name.endswith(PART_SUFFIX):
                with locked_at_once(folder, name) as is_free:
                    if not is_free:
                        return False
        return True

    @staticmethod
    def _clear(folder: Folder, entry: str, *, keeps_copy: bool = False) -> None:
        """Remove the files of *entry*, its lock last; with *keeps_copy*, except the copy, its seal and its lock."""
        kept = {entry, entry + SEAL_SUFFIX, entry + LOCK_SUFFIX} if keeps_copy else {entry + LOCK_SUFFIX}
        for name in _of(folder, entry) - kept:
            folder.unlink(name)
        if not keeps_copy:
            folder.unlink(entry + LOCK_SUFFIX)


def _groups(folder: Folder) -> dict[str, set[str]]:
    """Return the names in the area, by object; foreign files are excluded."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in folder.names():
        match = _OURS.fullmatch(name)
        if match:
            found[match[1]].add(name)
    return found


def _sized(folder: Folder) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the copies and the parts of copies, with the status of each."""
    for entry, names in _groups(folder).items():
        for name in names:
            found = folder.stat(name) if name == entry or name.endswith(PART_SUFFIX) else None
            if found is not None:
                yield name, found


def _of(folder: Folder, entry: str) -> set[str]:
    return {name for name in folder.names() if entry in name}
