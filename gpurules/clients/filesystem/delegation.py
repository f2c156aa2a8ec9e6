"""Delegates everything that moves no data to the underlying filesystem."""

from collections.abc import Callable
from inspect import ismethod
from typing import Any

from gpurules.clients.filesystem.names import without_prefix


def delegate(name: str) -> Callable[..., Any]:
    """Return a method that delegates to the underlying filesystem."""

    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return call_behind(getattr(self.fs, name), arguments, options)

    method.__name__ = name
    method.__doc__ = f"Have the filesystem behind do ``{name}``."
    return method


def both(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the method and its coroutine, both delegated to the underlying filesystem."""
    return delegate(name), delegate(f"_{name}")


def of_behind(name: str) -> property:
    """Return a property that reads an attribute of the underlying filesystem."""
    return property(lambda self: getattr(self.fs, name), doc=f"``{name}`` of the filesystem behind.")


def call_behind(method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call *method* of the underlying filesystem, with names that lack the gpurules prefix."""
    own = {key: without_prefix(value) if isinstance(value, str) else value for key, value in options.items()}
    return method(*(without_prefix(one) if isinstance(one, str | list) else one for one in arguments), **own)


class StandIn:
    """Delegates all methods that move no data to the filesystem ``fs``."""

    fs: Any

    ls, _ls = both("ls")
    info, _info = both("info")
    find, _find = both("find")
    glob, _glob = both("glob")
    walk, _walk = both("walk")
    du, _du = both("du")
    size, _size = both("size")
    exists, _exists = both("exists")
    isfile, _isfile = both("isfile")
    isdir, _isdir = both("isdir")
    mkdir, _mkdir = both("mkdir")
    makedirs, _makedirs = both("makedirs")
    rm, _rm = both("rm")
    rm_file, _rm_file = both("rm_file")
    cp_file, _cp_file = both("cp_file")
    copy, _copy = both("copy")
    rmdir, mv, touch = delegate("rmdir"), delegate("mv"), delegate("touch")
    created, modified = delegate("created"), delegate("modified")
    checksum, ukey, sign = delegate("checksum"), delegate("ukey"), delegate("sign")
    invalidate_cache, _parent = delegate("invalidate_cache"), delegate("_parent")

    sep, root_marker, blocksize = of_behind("sep"), of_behind("root_marker"), of_behind("blocksize")
    transaction_type = of_behind("transaction_type")

    @property
    def fsid(self) -> str:
        """The identity of this filesystem."""
        return f"gpurules::{self.fs.fsid}"

    @property
    def dircache(self) -> Any:
        """The listings cache of the underlying filesystem."""
        return self.fs.dircache

    @dircache.setter
    def dircache(self, _: Any) -> None:
        """Ignore the value: fsspec sets a cache in every filesystem, and one suffices."""

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that only the underlying filesystem has."""
        if name == "fs" or name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.fs, name)
        if not ismethod(found) or found.__self__ is not self.fs:
            return found
        return lambda *arguments, **options: call_behind(found, arguments, options)
