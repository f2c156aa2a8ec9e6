"""A staging area: whole objects on a fast local disk, within a quota, shared by processes."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gpurules.clients.partial import JOURNAL_SUFFIX, PART_SUFFIX
from gpurules.clients.store import ObjectFacts, StoreError

ORPHAN_SECONDS = 24 * 3600.0
LOCK_LOOK_SECONDS = 0.05


class StagingFull(StoreError):
    """The staging area has no room for the object."""


@dataclass(slots=True)
class StagingCounts:
    """What has happened in the area since it was opened."""

    hits: int = 0
    staged: int = 0
    evicted: int = 0
    full: int = 0
    swept: int = 0


class StagingArea:
    """A directory of whole objects, named by what they are. Room is made by taking out what was used least recently.

    Processes share it: each object has a lock, and room is made and taken under one of the area. *reserve* is what is
    to stay free on the disk.

    Units: *quota* and *reserve* in bytes.
    """

    def __init__(self, path: str | Path, quota: int, reserve: int = 0) -> None:
        self.path = Path(path)
        self.quota = quota
        self.reserve = reserve
        self.counts = StagingCounts()
        self.path.mkdir(parents=True, exist_ok=True)
        self.sweep(ORPHAN_SECONDS)

    def place(self, url: str, facts: ObjectFacts) -> Path:
        """Return where that version of an object is, or would be."""
        return self.path / sha256(f"{url}\n{facts.etag}\n{facts.size}".encode()).hexdigest()

    @contextmanager
    def holding(self, place: Path, check: Callable[[], object]) -> Iterator[bool]:
        """Have *place* for oneself, and tell whether the object is there already; *check* may raise while waiting."""
        with self._locked(place.with_name(f"{place.name}.lock"), check):
            is_there = place.exists()
            if is_there:
                self.counts.hits += 1
                with suppress(OSError):
                    os.utime(place)
            yield is_there

    def make_room(self, place: Path, size: int) -> None:
        """Take *size* bytes for *place*, taking out what was used least recently where need be.

        Raises:
            StagingFull: there is no room.
        """
        with self._locked(self.path / "area.lock", lambda: None):
            part = place.with_name(f".{place.name}{PART_SUFFIX}")
            has = part.stat().st_size if part.exists() else 0
            if size > self.quota:
                self._refuse(size)
            wanted = max(0, size - has)
            oldest = iter(sorted(self._objects(), key=lambda path: path.stat().st_mtime))
            while not self._fits(wanted):
                victim = next(oldest, None)
                if victim is None:
                    self._refuse(size)
                elif victim != place:
                    self._evict(victim)
            with part.open("ab"):
                if has < size:
                    os.truncate(part, size)  # what is taken counts from now on, for every process

    def discard(self, place: Path) -> None:
        """Take out the beginning of an object for which the disk had no room after all."""
        self.counts.full += 1
        part = place.with_name(f".{place.name}{PART_SUFFIX}")
        part.unlink(missing_ok=True)
        part.with_name(f".{place.name}{JOURNAL_SUFFIX}").unlink(missing_ok=True)

    def _refuse(self, size: int) -> None:
        self.counts.full += 1
        raise StagingFull(
            f"the staging area {str(self.path)!r} has no room for {size} bytes; its quota is {self.quota}"
        )

    def _fits(self, wanted: int) -> bool:
        if not wanted:
            return True
        allocated = sum(path.stat().st_blocks * 512 for path in self._parts())
        promised = sum(path.stat().st_size for path in self._parts())
        free = shutil.disk_usage(self.path).free - self.reserve - max(0, promised - allocated)
        return self.used + wanted <= self.quota and wanted <= free

    @property
    def used(self) -> int:
        """How many bytes are in use or taken."""
        return sum(path.stat().st_size for path in (*self._objects(), *self._parts()))

    def _objects(self) -> list[Path]:
        return [path for path in self.path.iterdir() if len(path.name) == 64]

    def _parts(self) -> list[Path]:
        return [path for path in self.path.iterdir() if path.name.endswith(PART_SUFFIX)]

    def _evict(self, victim: Path) -> None:
        """Take out an object, unless somebody has it."""
        lock = os.open(victim.with_name(f"{victim.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            victim.unlink(missing_ok=True)
            self.counts.evicted += 1
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def sweep(self, older_than_seconds: float) -> None:
        """Take out beginnings that nobody is at, and nobody went on with for so long."""
        with self._locked(self.path / "area.lock", lambda: None):
            for part in self._parts():
                with suppress(OSError):
                    if time.time() - part.stat().st_mtime > older_than_seconds and self._is_free(part):
                        part.unlink()
                        name = part.name.removesuffix(PART_SUFFIX) + JOURNAL_SUFFIX
                        part.with_name(name).unlink(missing_ok=True)
                        self.counts.swept += 1

    @staticmethod
    def _is_free(path: Path) -> bool:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(file)

    @contextmanager
    def _locked(self, path: Path, check: Callable[[], object]) -> Iterator[None]:
        """Hold a lock among processes; *check* is called while waiting for it."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    check()
                    time.sleep(LOCK_LOOK_SECONDS)
            yield
        finally:
            os.close(file)


def bring(place: Path, target: Path) -> None:
    """Put a copy of *place* at *target*, in one step.

    Raises:
        OSError: it can not be written.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}.{id(place):x}.gpurules-copy")
    try:
        shutil.copyfile(place, fresh)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
