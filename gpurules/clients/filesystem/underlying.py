"""The filesystem behind ``gpurules::``: how it is made, with which options, and how it opens a file to read."""

from typing import Any

import fsspec  # type: ignore[import-untyped]

from gpurules.clients.filesystem.names import HOP, protocol_of

_OF_THE_CACHE = {
    "cache_type": ("default_cache_type", "cache_type"),
    "cache_options": ("default_cache_options", "cache_options"),
}
_BLOCK_SIZE = ("default_block_size", "block_size")


def options_for(protocol: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return *options* as the filesystem behind, of that *protocol*, takes them, without what ``datasets`` adds.

    That is options of a protocol that has no part in the URL, and the hop to a file said twice
    (``gpurules::s3://bucket/key::s3://bucket/key``).
    """
    known = fsspec.available_protocols()
    left = {name: value for name, value in options.items() if not (isinstance(value, dict) and name in known)}
    if left.get("target_protocol") != protocol:
        return left
    inner = left.pop("target_options", None) or {}
    return {name: value for name, value in left.items() if name not in ("target_protocol", "fo")} | inner


def options_in(url: str) -> dict[str, Any]:
    """Return what a URL of one hop, ``gpurules://sftp://host/path``, says of the filesystem behind."""
    protocol = protocol_of(url)
    if protocol is None:
        return {}
    found: dict[str, Any] = fsspec.get_filesystem_class(protocol)._get_kwargs_from_urls(url.removeprefix(HOP))
    return {"target_protocol": protocol, **found}


class Chaining(type(fsspec.spec.AbstractFileSystem)):  # type: ignore[misc]
    """Makes filesystems over others: their cache of instances behaves like that of the underlying one."""

    _latest_over: dict[type, str]

    def __init__(cls, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        cls._latest_over = {}

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        """Return the filesystem that these options ask for, one that is there already where there is."""
        given = options.pop("target_options", None) or {}
        if options.get("skip_instance_cache"):
            given = {"skip_instance_cache": True, **given}
        made = super().__call__(*arguments, **options, **({"target_options": given} if given else {}))
        if cls._cache.get(made._fs_token_) is made:
            cls._latest_over[type(made.fs)] = made._fs_token_
        return made


class FileBehind:
    """A file to read, as the filesystem behind opens it: at the first need, so that its facts are asked for once.

    ``options`` are those that select which bytes are read, ``cache`` those that say how they are kept.
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
        """Return it, opened."""
        if self._file is None:
            self._file = self.again()
        return self._file

    def again(self) -> Any:
        """Return it, opened once more."""
        return self.fs._open(self.path, "rb", cache_type="none", **self._block_size, **self.options)

    def size(self) -> float | None:
        """Return its size in bytes; None where its filesystem does not report."""
        size = getattr(self.open(), "size", None)
        known: float | None = self.fs.size(self.path) if size is None else size
        return known

    def close(self) -> None:
        """Close it, where it is open; it can be opened again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def setting(fs: Any, *names: str) -> Any:
    """Return the option with which *fs* was made: the first of *names* that it was given.

    Missing: it was given none of them.
    """
    given = getattr(fs, "storage_options", None) or {}
    return next((given[name] for name in names if given.get(name) is not None), None)
