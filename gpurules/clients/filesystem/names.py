"""Converts the names of files under ``gpurules::``: with and without the prefix of a URL."""

import os
from typing import Any

import fsspec  # type: ignore[import-untyped]

PREFIX = "gpurules::"
HOP = "gpurules://"
_OURS = (PREFIX, HOP)


def without_prefix(path: Any) -> Any:
    """Return *path*, a name or a list of names, without the gpurules prefix.

    >>> without_prefix("gpurules::s3://bucket/key"), without_prefix("gpurules://s3://bucket/key")
    ('s3://bucket/key', 's3://bucket/key')
    >>> without_prefix("gpurules://bucket/key::s3://bucket/key")
    's3://bucket/key'
    """
    if type(path) is str and not path.startswith(_OURS):  # the usual case, and calls have hundreds of names
        return path
    if type(path) is list:
        return [without_prefix(one) for one in path]
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str) or not text.startswith(_OURS):
        return text
    rest = text.removeprefix(PREFIX).removeprefix(HOP)
    name, _, url = rest.partition("::")
    same = url and url.split("://", 1)[-1].strip("/") == name.split("://", 1)[-1].strip("/")
    return url if same else rest


def protocol_of(path: str) -> str | None:
    """Return the underlying protocol of a one-hop URL, ``gpurules://s3://bucket/key``.

    Missing: the URL does not name it.
    """
    protocol, separator, _ = path.removeprefix(HOP).partition("://")
    is_known = path.startswith(HOP) and separator and protocol in fsspec.available_protocols()
    return protocol if is_known else None


def name_in(url: Any) -> Any:
    """Return the name of the file in a URL, in the form of the underlying filesystem if the URL names that.

    >>> name_in("gpurules://memory://data/rows.csv"), name_in("gpurules://data/")
    ('/data/rows.csv', 'data')
    """
    if isinstance(url, list):
        return [name_in(one) for one in url]
    text = os.fspath(url)
    protocol, plain = protocol_of(text), without_prefix(text)
    return plain.rstrip("/") if protocol is None else fsspec.get_filesystem_class(protocol)._strip_protocol(plain)
