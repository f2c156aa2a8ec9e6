"""The filesystem under ``gpurules::``: its creation, its options, and how it opens files for reading."""

from typing import Any

import fsspec  # type: ignore[import-untyped]

from gpurules.clients.filesystem.names import HOP, protocol_of

_OF_THE_CACHE = {
    "cache_type": ("default_cache_type", "cache_type"),
    "cache_options": ("default_cache_options", "cache_options"),
}
_BLOCK_SIZE = ("default_block_size", "block_size")


def options_for(protocol: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return *options* as the underlying filesystem of *protocol* takes them, without those that ``datasets`` adds.

    Those are options of a protocol that is not part of the URL, and a duplicated hop to a file
    (``gpurules::s3://bucket/key::s3://bucket/key``).
    """
    known = fsspec.available_protocols()
    left = {name: value for name, value in options.items() if not (isinstance(value, dict) and name in known)}
    if left.get("target_protocol") != protocol:
        return left
    inner = left.pop("target_options", None) or {}
    return {name: value for name, value in left.items() if name not in ("target_protocol", "fo")} | inner


def options_in(url: str) -> dict[str, Any]:
    """Return the options of the underlying filesystem in a one-hop URL, ``gpurules://sftp://host/path``."""
    protocol = protocol_of(url)
    if protocol is None:
        return {}
    found: dict[str, Any] = fsspec.get_filesystem_class(protocol)._get_kwargs_from_urls(url.removeprefix(HOP))
    return {"target_protocol": protocol, **found}


class Chaining(type(fsspec.spec.AbstractFileSystem)):  # type: ignore[misc]
    """The metaclass of filesystems over others: instance caching behaves as in the underlying one."""

    _latest_over: dict[type, str]

    def __init__(cls, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        cls._latest_over = {}

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        """Return the filesystem with these options, an existing one if possible."""
        given = options.pop("target_options", None) or {}
        if options.get("skip_instance_cache"):
            given = {"skip_instance_cache": True, **given}
        made = super().__call__(*arguments, **options, **({"target_options": given} if given else {}))
        if cls._cache.get(made._fs_token_) is made:
            cls._latest_over[type(made.fs)] = made._fs_token_
        return made


class FileBehind:
    """A readable file of the underlying filesystem, opened lazily, so that its facts are requested once.

    ``options`` select the bytes to read, ``cache`` how they are cached.
    """

    def __init__(self, fs: Any, path: str, block_size: int | None, options: dict[str, Any]) -> None:
        self.fs = fs
        self.path = path
        given = {name: value for name, value in options.items() if value is not None and name != "autocommit"}
        self.cache = {name: given.pop(name, None) or setting(fs, *names) for name, names in _OF_THE_CACHE.items()}
        self.cache["block_size"] = block_size or setting(fs, *_BLOCK_SIZE)
        self.options = given
        self._block_size = {} if block_size is None else {"block_size": block_size}
        self._file: Any = None

    def open(self) -> Any:
        """Return the open file."""
        if self._file is None:
            self._file = self.again()
        return self._file

    def again(self) -> Any:
        """Open it once more."""
        return self.fs._open(self.path, "rb", cache_type="none", **self._block_size, **self.options)

    def size(self) -> float | None:
        """Return its size in bytes; None if its filesystem does not report it."""
        size = getattr(self.open(), "size", None)
        known: float | None = self.fs.size(self.path) if size is None else size
        return known

    def close(self) -> None:
        """Close it if it is open; it can be reopened."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def setting(fs: Any, *names: str) -> Any:
    """Return an option of *fs*: the first of *names* that it was created with.

    Missing: it was created with none of them.
    """
    given = getattr(fs, "storage_options", None) or {}
    return next((given[name] for name in names if given.get(name) is not None), None)
