"""Reads and writes that no rule affects: they bypass the scheduler, many in one call of the underlying filesystem."""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]

from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.names import without_prefix

GROUP_SECONDS = 0.05
"""Files are read for about this time before the rules are checked again."""
FIRST_GROUP = 64
LARGEST_GROUP = 1024
_Item = TypeVar("_Item")
Range: TypeAlias = tuple[str, int | None, int | None]


class Passing:
    """A transfer that bypasses the scheduler, for ``with`` or ``async with``.

    Units: *size* in bytes.
    Missing: *size* None: unknown in advance; then ``moved`` reports it.
    """

    def __init__(self, client: FileClient, size: float | None = None) -> None:
        self._client = client
        self._size = size or 0.0

    def report_moved(self, size: float) -> None:
        """Report how many bytes have moved."""
        self._size = size

    def __enter__(self) -> Self:
        """Start immediately."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it."""
        self._client.governor.bypass.count(1, self._size if error is None else 0.0, error is not None)

    async def __aenter__(self) -> Self:
        """Start immediately."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it."""
        self.__exit__(kind, error, trace)


def count_all(client: FileClient, found: list[Any]) -> None:
    """Count many transfers that bypassed the scheduler: *found* has the bytes of each, or its error."""
    try:
        moved, failed = sum(map(len, found)), 0
    except TypeError:
        read = [len(one) for one in found if not isinstance(one, BaseException)]
        moved, failed = sum(read), len(found) - len(read)
    client.governor.bypass.count(len(found), moved, failed)


class BulkReads:
    """Whole files and ranges of a synchronous filesystem: one decision for many, if no rule affects any of them."""

    def __init__(self, governed: Any) -> None:
        self._governed = governed

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Read a file, or a range of it, as one part."""
        governed, client = self._governed, self._governed.client
        if not client.lets_all_pass:
            found: bytes = AbstractFileSystem.cat_file(governed, path, start=start, end=end, **options)
            return found
        with Passing(client) as part:
            found = governed.fs.cat_file(without_prefix(path), start=start, end=end, **options)
            part.report_moved(len(found))
        return found

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **options: Any) -> Any:
        """Read one file or many, as fsspec does."""
        governed, fs = self._governed, self._governed.fs
        if type(fs).cat is not AbstractFileSystem.cat or not governed.client.lets_all_pass:
            return AbstractFileSystem.cat(governed, path, recursive=recursive, on_error=on_error, **options)
        plain = without_prefix(path)
        paths = fs.expand_path(plain, recursive=recursive, **options)
        if len(paths) == 1 and not isinstance(path, list) and paths[0] == fs._strip_protocol(plain):
            return self.cat_file(paths[0], **options)
        kept = () if on_error == "raise" else (Exception,)
        found = dict(zip(paths, self._each(((one, None, None) for one in paths), kept, options)))
        if on_error == "omit":
            return {name: data for name, data in found.items() if not isinstance(data, Exception)}
        return found

    def cat_ranges(self, paths: list[str], starts: Any, ends: Any, *arguments: Any, **options: Any) -> list[Any]:
        """Read ranges, as fsspec does."""
        governed, many = self._governed, (paths, starts, ends)
        is_plain = type(governed.fs).cat_ranges is AbstractFileSystem.cat_ranges and not arguments
        are_alike = all(isinstance(one, list) and len(one) == len(paths) for one in many)
        if not (is_plain and are_alike and options.get("max_gap") is None and governed.client.lets_all_pass):
            found: list[Any] = AbstractFileSystem.cat_ranges(governed, *many, *arguments, **options)
            return found
        kept = () if options.pop("on_error", "return") == "raise" else (Exception,)
        options.pop("max_gap", None)
        return list(self._each(zip(without_prefix(paths), starts, ends), kept, options))

    def _each(
        self, wanted: Iterable[Range], kept: tuple[type[Exception], ...], options: dict[str, Any]
    ) -> Iterator[Any]:
        """Yield the bytes of each range, or its error if *kept*; checks now and then whether rules still allow it."""
        client, fs = self._governed.client, self._governed.fs
        for group in groups(wanted):
            is_free = client.lets_all_pass
            read = fs.cat_file if is_free else partial(AbstractFileSystem.cat_file, self._governed)
            read = partial(read, **options) if options else read
            found: list[Any] = []
            try:
                for path, start, end in group:
                    try:
                        found.append(read(path, start, end))
                    except kept as error:
                        found.append(error)
            except BaseException as error:
                found.append(error)
                raise
            finally:
                if is_free:
                    count_all(client, found)
            yield from found


def groups(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield *items* in groups, each sized to take its consumer about ``GROUP_SECONDS``."""
    left, size = iter(items), FIRST_GROUP
    while group := list(islice(left, size)):
        began = time.monotonic()
        yield group
        took = max(time.monotonic() - began, 1e-6)
        size = max(1, min(LARGEST_GROUP, 8 * size, int(len(group) * GROUP_SECONDS / took)))
