"""The location of a store: a folder or any fsspec URL; files are written atomically."""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

from gpurules.errors import GpurulesError, UnavailableError
from gpurules.history.store.schema import NODE, TABLES, TELEMETRY

UNFINISHED = ".unfinished"
"""The ending of a file that is being written; readers do not see it."""
WRITING_SECONDS = 900.0
"""A file that was not finished within this time of its last change will not be."""


_OURS = frozenset({"builtins", "gpurules", "pyarrow"})
"""The packages whose exceptions say by themselves what is wrong."""


class RecordingStoreError(GpurulesError):
    """A store cannot be read or written."""


@dataclass(frozen=True, slots=True, order=True)
class StorePart:
    """A file of the store.

    Units: ``size`` in bytes.
    """

    table: str
    node: str
    date: str
    path: str
    size: int = 0


class Storage:
    """The files of one store, under a folder or a URL such as ``s3://bucket/history``.

    Raises:
        UnavailableError: the place is a URL, and fsspec or the package for its scheme is not installed.
    """

    def __init__(self, place: str | Path, **options: Any) -> None:
        self.place = str(place)
        self._remote: Any = None
        self._root = self.place
        if "://" in self.place:
            try:
                from fsspec.core import url_to_fs  # type: ignore[import-untyped]

                self._remote, self._root = url_to_fs(self.place, **options)
            except (ImportError, ValueError) as error:
                raise UnavailableError(
                    f"{self.place}: {error}; pip install 'gpurules[history]' and its client"
                ) from None

    @property
    def is_local(self) -> bool:
        """Whether the store is a folder of this machine."""
        return self._remote is None

    def parts(self, *tables: str) -> list[StorePart]:
        """Return the files of *tables* (by default all), in order of table, node, day and name."""
        found = [part for table in tables or TABLES for part in self._parts(table)]
        return sorted(found)

    def dates(self) -> list[str]:
        """Return the recorded days, in order."""
        names = {name for table in (TELEMETRY, NODE) for name in self._names(table)}
        return sorted(name.removeprefix("date=") for name in names if name.startswith("date="))

    def _names(self, folder: str) -> Iterable[str]:
        if self._remote is None:
            place = Path(self._root, folder)
            return [path.name for path in place.iterdir()] if place.is_dir() else []
        try:
            with _listing(self.place), reachable():
                listed = self._remote.ls(f"{self._root}/{folder}", False)
        except FileNotFoundError:
            return []
        return [path.rstrip("/").rsplit("/", 1)[-1] for path in listed]

    def day(self, node: str, date: str) -> list[StorePart]:
        """Return the files of telemetry and snapshots of one day of *node*, without listing any other day."""
        found: list[StorePart] = []
        for table in (TELEMETRY, NODE):
            found += self._parts(f"{table}/date={date}/node={quote(node, safe='')}")
        return [replace(part, table=part.table.split("/", 1)[0]) for part in sorted(found)]

    def _parts(self, table: str) -> Iterator[StorePart]:
        for path, size in self._files(table):
            keys = dict(piece.split("=", 1) for piece in path.split("/") if "=" in piece)
            if path.endswith(".parquet") and not path.rsplit("/", 1)[-1].startswith("."):
                yield StorePart(table, unquote(keys.get("node", "")), keys.get("date", ""), path, size)

    def _files(self, table: str) -> Iterator[tuple[str, int]]:
        if self._remote is not None:
            with _listing(self.place), reachable():
                found = self._remote.find(f"{self._root}/{table}", detail=True)
            for path, info in found.items():
                yield path[len(self._root) :].lstrip("/"), int(info.get("size") or 0)
            return
        root = Path(self._root)

        def refuse(error: OSError) -> None:
            """Raise what a walk would leave out without a word; a folder that is gone was removed meanwhile."""
            if not isinstance(error, FileNotFoundError):
                with _listing(str(error.filename)):
                    raise error

        for folder, _, names in os.walk(root / table, onerror=refuse):
            for name in names:
                path = Path(folder, name)
                yield path.relative_to(root).as_posix(), _size(path)

    def open(self, path: str) -> IO[bytes]:
        """Open a file of the store for reading."""
        if self._remote is not None:
            with reachable():
                return self._remote.open(f"{self._root}/{path}", "rb")  # type: ignore[no-any-return]
        return Path(self._root, path).open("rb")

    def local(self, path: str) -> str | None:
        """Return the local path of a file; None if it is remote."""
        return str(Path(self._root, path)) if self._remote is None else None

    def write(self, path: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Write a file atomically: under a temporary name, synced to disk, then renamed.

        An object store gets it in one piece once it is complete: a partial upload that is closed would be kept.
        """
        if self._remote is not None:
            whole_file = BytesIO()
            fill(whole_file)
            with reachable():
                self._remote.pipe_file(f"{self._root}/{path}", whole_file.getvalue())
            return
        whole = Path(self._root, path)
        whole.parent.mkdir(parents=True, exist_ok=True)
        unfinished = whole.with_name(f".{whole.name}{UNFINISHED}")
        try:
            with unfinished.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(whole)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(whole.parent)

    def remove(self, path: str) -> None:
        """Remove a file, and folders that become empty."""
        if self._remote is not None:
            with reachable():
                self._remote.rm_file(f"{self._root}/{path}")
            return
        whole = Path(self._root, path)
        whole.unlink(missing_ok=True)
        for folder in (whole.parent, whole.parent.parent):
            if folder != Path(self._root) and not any(folder.iterdir()):
                folder.rmdir()

    def unfinished_files(self) -> list[str]:
        """Return the files that a crash left unfinished and that no process is writing now."""
        if self._remote is not None:
            return []
        root = Path(self._root)
        before = time.time() - WRITING_SECONDS
        found = (path for table in TABLES for path in (root / table).rglob(f".*{UNFINISHED}"))
        return [path.relative_to(root).as_posix() for path in found if _changed_at(path) < before]


@contextmanager
def reachable() -> Iterator[None]:
    """Raise what a client of a remote store raises in its own types (no connection, no credentials) as an OSError."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] in _OURS:
            raise
        raise OSError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _listing(place: str) -> Iterator[None]:
    """Raise an error of the store where *place* cannot be listed; what is not there has no files."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordingStoreError(f"{place} cannot be listed: {error.strerror or error}") from error


def _size(path: Path) -> int:
    """Return the size of a file; 0 if it is gone or a dangling link, which reading it reports."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed_at(path: Path) -> float:
    """Return when a file was last modified; a file that is gone counts as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    """Sync the directory entries of *folder* to disk, if the system supports it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def new_path(table: str, node: str, start: float) -> str:
    """Return the path of a new file with a unique name."""
    return f"{table}/date={date_of(start)}/node={quote(node, safe='')}/{new_name(start)}"


def new_name(start: float) -> str:
    """Return a unique name for a new file whose data begins at *start*."""
    return f"part-{max(0, int(start * 1000)):015d}-{secrets.token_hex(4)}.parquet"


def date_of(time: float) -> str:
    """Return the day (UTC) of a time.

    Raises:
        StoreError: the time is out of range.
    """
    try:
        return datetime.fromtimestamp(time, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise RecordingStoreError(f"a snapshot has the time {time:g}, which is not a date") from None
