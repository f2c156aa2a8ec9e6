"""The journal of multipart uploads: to resume them after a crash, and to abort abandoned ones.

Each line of a record is a CRC-32 followed by a JSON object: a torn or damaged line is ignored.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

from gpurules.clients.objects.store import PartTag, WritableObject
from gpurules.clients.regular_files import is_at, open_regular, remove_foreign
from gpurules.logs import logger
from gpurules.output_files import state_folder
from gpurules.strict_json import dumps, loads

_LOGGER = logger("gpurules.clients")
SUFFIX = ".upload.jsonl"
MAX_BYTES = 16 * 1024**2
"""More than a note of as many parts as S3 takes ever has."""


@dataclass(frozen=True, slots=True)
class UploadSource:
    """The source of an upload: a version of a file, the target object, and the part size.

    ``identity`` is the file's inode, and its times of change in nanoseconds; ``variant`` is that of the object.
    Units: ``size`` and ``piece_size`` in bytes.
    """

    url: str
    path: str
    size: int
    identity: tuple[int, ...]
    piece_size: int
    variant: str = ""

    @classmethod
    def of(cls, target: WritableObject, path: Path, stat: os.stat_result, piece_size: int) -> Self:
        """Return the upload of the file *path*, described by *stat*, to *target*."""
        identity = (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
        return cls(target.url, str(path.absolute()), stat.st_size, identity, piece_size, target.variant)


class UploadNote:
    """The record of one upload, in ``with``; locked while it is written, so one process holds it at a time.

    ``parts`` has the store's tag of each accepted part (from 1).
    Missing: ``upload`` None: there is none to resume; ``stale`` None: there is none of another version of the file.
    """

    def __init__(self, file: int, path: Path | None, source: UploadSource) -> None:
        self.upload: str | None = None
        self.stale: str | None = None
        self.parts: dict[int, PartTag] = {}
        self._file = file
        self._path = path
        self.source = source
        known, parts = _read(file)
        if known is None:
            return
        with suppress(OSError):
            os.utime(file)  # no longer idle: the sweep ignores it
        upload = str(known.pop("upload"))
        if known == _json(source):
            self.upload, self.parts = upload, parts
        else:
            self.stale = upload

    def begin(self, upload: str) -> None:
        """Record that an upload has begun."""
        self.upload, self.parts = upload, {}
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        self._write({**_json(self.source), "upload": upload})

    def took(self, number: int, tag: PartTag) -> None:
        """Record the store's tag of a part."""
        self.parts[number] = tag
        self._write({"part": number, "etag": tag.etag, "checksums": dict(tag.checksums)})

    def _write(self, line: dict[str, object]) -> None:
        if self._file < 0:
            return
        try:
            os.write(self._file, _sealed(dumps(line, ascii_only=True).encode()))  # appended in a single write
        except OSError as error:
            _LOGGER.warning("an upload cannot be recorded, so it cannot be resumed: %s", error)

    def forget(self) -> None:
        """Delete the record: the upload is completed or aborted."""
        self.upload = None
        if self._path is not None and self._file >= 0:
            with suppress(OSError):
                if is_at(self._path, self._file):
                    self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return the record."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it; an upload that has not begun leaves no record."""
        if self.upload is None:
            self.forget()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class UploadJournal:
    """Pending multipart uploads, each in a file of *folder*. An unwritable folder stops nothing.

    Raises nothing: without a writable folder, uploads are not resumed, which is logged once.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = state_folder("uploads") if folder is None else Path(folder)
        self._has_warned = False

    def note(self, source: UploadSource) -> UploadNote:
        """Return the record of the upload of *source*; a new one if another process is uploading it."""
        name = sha256(f"{source.url}\n{source.path}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
        path = self.folder / f"{name}{SUFFIX}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = _created(path)
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                _LOGGER.warning("uploads cannot be recorded, so they cannot be resumed: %s", error)
            file = -1
        return UploadNote(file, path if file >= 0 else None, source)

    def sweep(self, older_than_seconds: float, abort: Callable[[str, str], bool]) -> int:
        """Abort unlocked uploads that have been idle longer than the given age, and return how many.

        *abort* is called with the URL and the id of each, and returns whether it is gone.
        """
        swept = 0
        for path in self._old(older_than_seconds):
            try:
                file = _locked(path, 0)
            except OSError:
                continue
            try:
                known, _ = _read(file)
                if known is not None and abort(str(known["url"]), str(known["upload"])):
                    path.unlink(missing_ok=True)
                    swept += 1
            finally:
                if file >= 0:
                    os.close(file)
        return swept

    def _old(self, seconds: float) -> Iterator[Path]:
        try:
            paths = sorted(self.folder.glob(f"*{SUFFIX}"))
        except OSError:
            return
        for path in paths:
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > seconds:
                    yield path


def _created(path: Path) -> int:
    """Open or create *path* under an exclusive lock, and return the file; -1 if another process holds it.

    Anything there other than a regular file of this user, such as a link, is removed first.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return _locked(path, os.O_CREAT)
    except OSError:
        remove_foreign(path)
        return _locked(path, os.O_CREAT)


def _locked(path: Path, flags: int) -> int:
    """Open *path* under an exclusive lock, and return the file; -1 if another process holds it.

    Raises:
        OSError: it cannot be opened.
    """
    file = open_regular(path, os.O_RDWR | os.O_APPEND | flags)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(path, file):  # otherwise it was deleted between opening and locking
            return file
    os.close(file)
    return -1


def _read(file: int) -> tuple[dict[str, object] | None, dict[int, PartTag]]:
    """Return the record of an upload and its parts; None if there is none, or something else."""
    try:
        text = os.pread(file, min(MAX_BYTES, os.fstat(file).st_size), 0) if file >= 0 else b""
    except OSError:
        return None, {}
    first, *rest = map(_object, text.split(b"\n"))
    if not isinstance(first.get("url"), str) or not isinstance(first.get("upload"), str):
        return None, {}
    parts: dict[int, PartTag] = {}
    for line in rest:
        match line:
            case {"part": int(number), "etag": str(etag), "checksums": dict(checksums)}:
                parts[number] = PartTag(etag, {str(name): str(value) for name, value in checksums.items()})
            case _:
                pass  # a line of another kind, or torn
    return first, parts


def _sealed(line: bytes) -> bytes:
    return b"%08x %s\n" % (crc32(line), line)


def _object(line: bytes) -> dict[str, object]:
    """Return the JSON object on a line; an empty one if the line is invalid, such as a torn one."""
    if line + b"\n" != _sealed(line[9:]):
        return {}
    try:
        found = loads(line[9:])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(source: UploadSource) -> dict[str, object]:
    return {**asdict(source), "identity": list(source.identity)}
