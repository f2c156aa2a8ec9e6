"""A file that arrives in pieces: which of them are there is journalled, so that the rest can follow after a crash."""

import fcntl
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from gpurules.clients.store import Chunks, ObjectFacts, TransientStoreError

PART_SUFFIX, JOURNAL_SUFFIX = ".gpurules-part", ".gpurules-journal"


class Piece(NamedTuple):
    """A range of an object, in bytes."""

    start: int
    size: int


def pieces(size: int, piece_size: int) -> tuple[Piece, ...]:
    """Return the pieces that an object of *size* bytes is moved in; an empty one moves in none.

    >>> pieces(25, 10)
    (Piece(start=0, size=10), Piece(start=10, size=10), Piece(start=20, size=5))
    """
    return tuple(Piece(start, min(piece_size, size - start)) for start in range(0, size, piece_size))


def _boot() -> str:
    """Return what changes when the machine starts anew: a journal may then tell of bytes that never met the disk."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


class PartialFile:
    """A file that is not complete yet, beside the *target* that it becomes. Locked: one process has it at a time.

    Units: ``piece_size`` in bytes.
    """

    def __init__(self, target: Path, file: int, part: Path) -> None:
        self.target = target
        self._file = file
        self._part = part
        self._journal_path = part.with_name(part.name.removesuffix(PART_SUFFIX) + JOURNAL_SUFFIX)
        self._journal = -1
        self._done: set[int] = set()
        self._header: dict[str, object] = {}

    @classmethod
    def lock(cls, target: Path) -> Self:
        """Return what there is of *target*, or an empty start; where another process is at it, a start of our own.

        Raises:
            OSError: the folder can not be written.
        """
        part = target.with_name(f".{target.name}{PART_SUFFIX}")
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_same = os.fstat(file).st_ino == part.stat().st_ino
        except OSError:  # in use, or published between the opening and the lock
            is_same = False
        if not is_same:
            os.close(file)
            part = target.with_name(f".{target.name}.{os.getpid()}.{id(object()):x}{PART_SUFFIX}")
            file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial = cls(target, file, part)
        partial._read_journal()
        return partial

    def _read_journal(self) -> None:
        try:
            header, *lines = self._journal_path.read_text(encoding="utf-8").splitlines(keepends=True)
            self._header = json.loads(header)
        except (OSError, ValueError):
            return
        whole = (line for line in lines if line.endswith("\n") and line.strip().isdigit())
        self._done = {int(line) for line in whole}

    def is_begun_with(self, url: str, piece_size: int) -> bool:
        """Return whether pieces of that object are there, which can be gone on with if it has not changed."""
        known = self._header
        return bool(self._done) and (known.get("url"), known.get("piece_size"), known.get("boot")) == (
            url,
            piece_size,
            _boot(),
        )

    def begin(self, url: str, facts: ObjectFacts, piece_size: int) -> bool:
        """Go on with what is there of that very object, or start over; return whether there was something.

        Raises:
            OSError: there is no room.
        """
        header = {"url": url, "size": facts.size, "etag": facts.etag, "piece_size": piece_size, "boot": _boot()}
        if header != self._header:
            self._done, self._header = set(), dict(header)
            os.ftruncate(self._file, 0)
            self._journal_path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        os.ftruncate(self._file, facts.size)
        if self._journal < 0:
            self._journal = os.open(self._journal_path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return bool(self._done)

    def missing(self, facts: ObjectFacts, piece_size: int) -> tuple[Piece, ...]:
        """Return the pieces that are not there."""
        return tuple(piece for piece in pieces(facts.size, piece_size) if piece.start not in self._done)

    def fill(self, piece: Piece, chunks: Chunks) -> Iterable[int]:
        """Write *chunks* as *piece*, and yield after each how many bytes of it are there.

        Raises:
            OSError: there is no room.
            TransientStoreError: they are not as many as they should be.
        """
        written = 0
        for chunk in chunks:
            if written + len(chunk) > piece.size:
                raise TransientStoreError(f"more than the {piece.size} bytes asked for were sent")
            view = memoryview(chunk)
            while view:
                count = os.pwrite(self._file, view, piece.start + written)
                written, view = written + count, view[count:]
            yield written
        if written != piece.size:
            raise TransientStoreError(f"the connection ended after {written} of {piece.size} bytes")
        os.write(self._journal, f"{piece.start}\n".encode("ascii"))
        self._done.add(piece.start)

    def publish(self) -> None:
        """Become the target, in one step."""
        self._part.replace(self.target)
        self._journal_path.unlink(missing_ok=True)
        self.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._part.unlink(missing_ok=True)
        self._journal_path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave what there is for another time; nothing is left without a piece, or of a start of our own."""
        is_shared = self._part.name == f".{self.target.name}{PART_SUFFIX}"
        if self._file >= 0 and not (self._done and is_shared):
            for path in (self._part, self._journal_path):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        for file in (self._file, self._journal):
            if file >= 0:
                os.close(file)
        self._file = self._journal = -1
