"""A staging area: whole objects on a fast local disk, within a quota, shared by processes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gpurules.clients.objects.store import ObjectFacts, StoreError
from gpurules.clients.pieces.resumable_file import PART_SUFFIX, Piece, pieces
from gpurules.clients.staging.copies import StagedCopy
from gpurules.clients.staging.folder import MODE, Folder, is_plain
from gpurules.clients.staging.locks import Waiting, hold_lock
from gpurules.clients.staging.room import LOCK_SUFFIX, SEAL_SUFFIX, Room, StagingCounts
from gpurules.clients.staging.seal import MAX_BYTES, Seal, checksums
from gpurules.clients.staging.trouble import (
    StagingDamaged,
    StagingFull,
    StagingRefused,
    StagingTrouble,
    translate_errors,
)
from gpurules.logs import logger

_LOGGER = logger("gpurules.clients")
ORPHAN_SECONDS = 24 * 3600.0
_MAX_KNOWN = 100_000
_Identity = tuple[int, int, int, int, int]


class StagingArea:
    """A directory of whole objects, named by their identity, with least-recently-used eviction.

    Processes of one user share it: each object has a lock, and space is allocated under a lock of the area. *reserve*
    is the space to keep free on the disk. The directory is private to this user. If it cannot be created or used,
    transfers go directly.

    Units: *quota* and *reserve* in bytes.

    Raises:
        StagingRefused: other users may write to it, or it belongs to one of them.
    """

    def __init__(self, path: str | Path, quota: int, reserve: int = 0) -> None:
        self.path = Path(path)
        self.room = Room(self.path, quota, reserve)
        self._known: dict[str, tuple[_Identity, bool]] = {}
        self._reported: set[str] = set()
        try:
            with translate_errors(self.path):
                self.path.mkdir(parents=True, exist_ok=True, mode=MODE)
            self.room.sweep(ORPHAN_SECONDS)
        except StagingRefused:
            raise
        except (StagingFull, StagingTrouble) as trouble:
            self.report(trouble)

    def report(self, trouble: StoreError) -> None:
        """Log *trouble*, once for each kind of it."""
        kind = trouble.kind if isinstance(trouble, StagingTrouble) else type(trouble).__name__
        if kind not in self._reported:
            self._reported.add(kind)
            _LOGGER.warning("%s; transfers that rules stage there are read directly", trouble)

    @property
    def counts(self) -> StagingCounts:
        """Counts of events since it was opened."""
        return self.room.counts

    @property
    def used(self) -> int:
        """The number of bytes in use or reserved.

        Raises:
            StagingTrouble: it cannot be determined.
        """
        return self.room.used

    @staticmethod
    def name(url: str, facts: ObjectFacts, is_proved: bool = False) -> str:
        """Return the name of that version of an object.

        Copies that are proved to match the store (*is_proved*) are separate from unproved ones, for clients that
        require proof.
        """
        kind = "\nproved" if is_proved else ""
        return sha256(f"{url}\n{facts.etag}\n{facts.size}{kind}".encode("utf-8", "surrogateescape")).hexdigest()

    # copies

    @contextmanager
    def reading(self, folder: Folder, name: str, waiting: Waiting) -> Iterator[StagedCopy | None]:
        """Protect the copy *name* from eviction; None if there is none.

        Raises:
            StagingDamaged: it differs from what was staged.
            StagingTrouble: it cannot be locked.
        """
        with hold_lock(folder, name + LOCK_SUFFIX, waiting, is_shared=True), self.open_copy(folder, name) as copy:
            yield copy

    @contextmanager
    def writing(self, folder: Folder, name: str, waiting: Waiting) -> Iterator[None]:
        """Lock *name* exclusively; if nothing of it is left at the end, the lock file is removed too.

        Raises:
            StagingTrouble: it cannot be locked.
        """
        with hold_lock(folder, name + LOCK_SUFFIX, waiting):
            try:
                yield
            finally:
                with suppress(StagingFull, StagingTrouble):
                    if folder.stat(name) is None and folder.stat(f".{name}{PART_SUFFIX}") is None:
                        self._remove(folder, name, (SEAL_SUFFIX, LOCK_SUFFIX))

    @staticmethod
    def progress(folder: Folder, name: str) -> object:
        """Return a value that changes while a process stages *name*."""
        found = folder.stat(f".{name}{PART_SUFFIX}")
        return found and (found.st_mtime_ns, found.st_blocks)

    @contextmanager
    def open_copy(self, folder: Folder, name: str) -> Iterator[StagedCopy | None]:
        """Open the copy *name*, whose lock is held; None if there is none.

        Raises:
            StagingDamaged: it differs from what was staged, as far as that can be seen without reading it.
            StagingTrouble: it cannot be opened.
        """
        found = folder.stat(name)
        if found is None:
            yield None
            return
        if not is_plain(found):
            raise _damaged(folder, name, "is not a file of its own")
        file = folder.open(name, os.O_RDONLY)
        try:
            yield self._copy(folder, name, file)
        finally:
            os.close(file)
        folder.touch(name + SEAL_SUFFIX)

    def _copy(self, folder: Folder, name: str, file: int) -> StagedCopy:
        with translate_errors(folder.path):
            identity = _identity(os.fstat(file))
        known, is_good = self._known.get(name, (None, False))
        if known == identity and not is_good:
            raise _damaged(folder, name, "was found damaged earlier")
        seal = None if known == identity else _read_seal(folder, name)
        size = identity[2]
        if known != identity and (seal is None or (seal.name, seal.size) != (name, size)):
            raise _damaged(folder, name, "does not match its record")

        def judge(is_good: bool) -> None:
            with translate_errors(folder.path):
                is_same = _identity(os.fstat(file)) == identity
            self._remember(name, identity, is_good and is_same)
            if is_good and not is_same:
                raise _damaged(folder, name, "changed while it was verified")

        return StagedCopy(folder.path, file, size, seal, judge)

    def seal(self, folder: Folder, name: str, size: int, known: Mapping[Piece, int], piece_size: int) -> None:
        """Record the size and checksums of the newly staged copy *name*.

        Raises:
            StagingFull: there is no space for the record.
            StagingDamaged: it does not have the expected *size*.
            StagingTrouble: it cannot be read.
        """
        file = folder.open(name, os.O_RDONLY)
        try:
            with translate_errors(folder.path):
                os.fchmod(file, 0o600)
                found = os.fstat(file)
            if not is_plain(found) or found.st_size != size:
                raise _damaged(folder, name, "differs from what was written")
            sums = checksums(folder.path, file, pieces(size, piece_size), known)
            text = Seal(name, size, piece_size, sums).to_bytes()
            folder.unlink(name + SEAL_SUFFIX)
            out = folder.open(name + SEAL_SUFFIX, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                with translate_errors(folder.path):
                    while text:
                        text = text[os.write(out, text) :]
            finally:
                os.close(out)
            self._remember(name, _identity(found), True)
        finally:
            os.close(file)

    def _remember(self, name: str, identity: _Identity, is_good: bool) -> None:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[name] = identity, is_good

    def drop(self, folder: Folder, name: str) -> None:
        """Remove a damaged copy, whose lock is held.

        Raises:
            StagingTrouble: it cannot be removed.
        """
        self._remove(folder, name, ("", SEAL_SUFFIX))
        self._known.pop(name, None)

    @staticmethod
    def _remove(folder: Folder, name: str, suffixes: tuple[str, ...]) -> None:
        for suffix in suffixes:
            folder.unlink(name + suffix)


def _read_seal(folder: Folder, name: str) -> Seal | None:
    found = folder.stat(name + SEAL_SUFFIX)
    if found is None or not is_plain(found) or found.st_size > MAX_BYTES:
        return None
    file = folder.open(name + SEAL_SUFFIX, os.O_RDONLY)
    try:
        with translate_errors(folder.path):
            return Seal.of_bytes(os.pread(file, MAX_BYTES, 0))
    finally:
        os.close(file)


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _damaged(folder: Folder, name: str, why: str) -> StagingDamaged:
    return StagingDamaged(f"a copy in the staging area {str(folder.path)!r} {why}: {name}")
