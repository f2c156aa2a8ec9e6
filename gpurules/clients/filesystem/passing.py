"""Reads and writes that no rule concerns: they go past the scheduler, many in one call of the filesystem behind."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]

from gpurules.clients.filesystem.client import FileClient
from gpurules.clients.filesystem.names import without_prefix

GROUP_SECONDS = 0.05
"""About so long files are read before it is looked again whether a rule concerns them."""
FIRST_GROUP = 64
LARGEST_GROUP = 1024
_Item = TypeVar("_Item")


class Passing:
    """A transfer, or some of them, that goes past the scheduler, in ``with`` or ``async with``.

    Units: *size* in bytes.
    Missing: *size* None: not known ahead; then ``moved`` tells it.
    """

    def __init__(self, client: FileClient, size: float | None = None) -> None:
        self._client = client
        self._size = size or 0.0
        self._transfers, self._failed = 1, 0

    def moved(self, size: float) -> None:
        """Tell how many bytes have moved."""
        self._size = size

    def took(self, found: Any) -> Any:
        """Return *found*, the bytes or the error of each of many transfers, or those by their names."""
        values = list(found.values() if isinstance(found, dict) else found)
        self._transfers, self._failed = len(values), sum(isinstance(one, BaseException) for one in values)
        self._size = sum(len(one) for one in values if isinstance(one, bytes))
        return found

    def __enter__(self) -> Self:
        """Go at once."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count what went past."""
        if error is None:
            self._client.governor.bypass.count(self._transfers, self._size, self._failed)
        else:
            self._client.governor.bypass.count(1, 0.0, 1)

    async def __aenter__(self) -> Self:
        """Go at once."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count what went past."""
        self.__exit__(kind, error, trace)


class Together:
    """Whole files and ranges of a filesystem without tasks: decided for many at once, where no rule concerns any."""

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
            part.moved(len(found))
        return found

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **options: Any) -> Any:
        """Read one file or many, as fsspec does."""
        governed, fs = self._governed, self._governed.fs
        if not governed.client.lets_all_pass:
            return AbstractFileSystem.cat(governed, path, recursive=recursive, on_error=on_error, **options)
        plain = without_prefix(path)
        paths = fs.expand_path(plain, recursive=recursive, **options)
        if len(paths) == 1 and not isinstance(path, list) and paths[0] == fs._strip_protocol(plain):
            return self.cat_file(paths[0], **options)
        found: dict[str, Any] = {}
        for group in groups(paths):
            if governed.client.lets_all_pass:
                with Passing(governed.client) as part:
                    found |= part.took(fs.cat(group, on_error=on_error, **options))
            else:
                found |= AbstractFileSystem.cat(governed, group, on_error=on_error, **options)
        return found

    def cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **options: Any,
    ) -> list[Any]:
        """Read ranges, as fsspec does."""
        governed, fs = self._governed, self._governed.fs
        many = paths, starts, ends
        if not governed.client.lets_all_pass or not all(isinstance(one, list) for one in many):
            whole: list[Any] = AbstractFileSystem.cat_ranges(
                governed, *many, max_gap=max_gap, on_error=on_error, **options
            )
            return whole
        if not len(paths) == len(starts) == len(ends):
            raise ValueError("there are as many starts and ends as paths")
        found: list[Any] = []
        for group in groups(list(zip(paths, starts, ends))):
            each = [list(column) for column in zip(*group)]
            if governed.client.lets_all_pass:
                with Passing(governed.client) as part:
                    plain = without_prefix(each[0])
                    found += part.took(fs.cat_ranges(plain, *each[1:], max_gap=max_gap, on_error=on_error, **options))
            else:
                found += AbstractFileSystem.cat_ranges(governed, *each, max_gap=max_gap, on_error=on_error, **options)
        return found


def groups(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Give *items* in groups, each as large as takes its user about ``GROUP_SECONDS``."""
    left, size = iter(items), FIRST_GROUP
    while group := list(islice(left, size)):
        began = time.monotonic()
        yield group
        took = max(time.monotonic() - began, 1e-6)
        size = max(1, min(LARGEST_GROUP, 8 * size, int(len(group) * GROUP_SECONDS / took)))
