"""The location of a store: a folder or any fsspec URL; files are written atomically."""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
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


class RecordingStoreError(GpurulesError):
    """A store cannot be read or written at all."""


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
        """Return the files of *tables* (of all, where none is named), in order of table, node, day and name."""
        found = [part for table in tables or TABLES for part in self._parts(table)]
        return sorted(found)

    def dates(self) -> list[str]:
        """Return the days on which something was recorded, in order."""
        names = {name for table in (TELEMETRY, NODE) for name in self._names(table)}
        return sorted(name.removeprefix("date=") for name in names if name.startswith("date="))

    def _names(self, folder: str) -> Iterable[str]:
        if self._remote is None:
            place = Path(self._root, folder)
            return [path.name for path in place.iterdir()] if place.is_dir() else []
        try:
            return [path.rstrip("/").rsplit("/", 1)[-1] for path in self._remote.ls(f"{self._root}/{folder}", False)]
        except FileNotFoundError:
            return []

    def day(self, node: str, date: str) -> list[StorePart]:
        """Return the files of telemetry and snapshots of one day of *node*, without a look at any other day."""
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
            for path, info in self._remote.find(f"{self._root}/{table}", detail=True).items():
                yield path[len(self._root) :].lstrip("/"), int(info.get("size") or 0)
            return
        root = Path(self._root)
        for folder, _, names in os.walk(root / table):
            for name in names:
                path = Path(folder, name)
                yield path.relative_to(root).as_posix(), _size(path)

    def open(self, path: str) -> IO[bytes]:
        """Open a file of the store for reading."""
        if self._remote is not None:
            return self._remote.open(f"{self._root}/{path}", "rb")  # type: ignore[no-any-return]
        return Path(self._root, path).open("rb")

    def local(self, path: str) -> str | None:
        """Return where a file is on this machine, None where it is not."""
        return str(Path(self._root, path)) if self._remote is None else None

    def write(self, path: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Write a file: under another name first, to the disk, and then under its own.

        A store of objects gets it at once, when all of it is there: one that is closed halfway would be kept.
        """
        if self._remote is not None:
            whole_file = BytesIO()
            fill(whole_file)
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
        """Remove a file, and the folders that it leaves empty."""
        if self._remote is not None:
            self._remote.rm_file(f"{self._root}/{path}")
            return
        whole = Path(self._root, path)
        whole.unlink(missing_ok=True)
        for folder in (whole.parent, whole.parent.parent):
            if folder != Path(self._root) and not any(folder.iterdir()):
                folder.rmdir()

    def unfinished_files(self) -> list[str]:
        """Return what a crash left behind: files that were never finished, and that no one is writing now."""
        if self._remote is not None:
            return []
        root = Path(self._root)
        before = time.time() - WRITING_SECONDS
        found = (path for table in TABLES for path in (root / table).rglob(f".*{UNFINISHED}"))
        return [path.relative_to(root).as_posix() for path in found if _changed_at(path) < before]


def _size(path: Path) -> int:
    """Return the size of a file; 0 of one that has gone by now, or leads nowhere: reading it says so."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed_at(path: Path) -> float:
    """Return when a file was last written to; one that has gone by now is as good as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    """Bring the names in *folder* to the disk, where the system allows it."""
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
    """Return the path of a new file, whose name nothing else will have."""
    return f"{table}/date={date_of(start)}/node={quote(node, safe='')}/{new_name(start)}"


def new_name(start: float) -> str:
    """Return the name of a new file that begins at *start*, and that nothing else will have."""
    return f"part-{max(0, int(start * 1000)):015d}-{secrets.token_hex(4)}.parquet"


def date_of(time: float) -> str:
    """Return the day (UTC) of a time.

    Raises:
        StoreError: there is no such day.
    """
    try:
        return datetime.fromtimestamp(time, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise RecordingStoreError(f"a snapshot has the time {time:g}, which is not a date") from None
