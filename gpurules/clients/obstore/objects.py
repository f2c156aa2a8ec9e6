"""The only user of obstore: objects of a store, and the translation of its errors."""

import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from gpurules.clients.objects.checksums import Checksum
from gpurules.clients.objects.store import (
    ObjectChanged,
    ObjectFacts,
    ObjectNotFound,
    RangeIgnored,
    Reading,
    StoreError,
    TransientStoreError,
)
from gpurules.clients.obstore.arguments import ObjectArguments
from gpurules.errors import UnavailableError

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore as ObjectStore

CHUNK = 1024**2
NO_RANGE = "non-partial response"
WRONG_ANSWER = re.compile(
    r"Failed to parse value for|[Hh]eader (?:not present|missing|contained)|Requested \d+\.\.\d+, got"
)
"""What obstore says of answers that are against the protocol: another try would bring the same."""
WHOLE = "the store returned the whole object instead of the requested range"
MD5 = re.compile(r'"?([0-9a-f]{32})"?')


def require_obstore() -> None:
    """Make sure that obstore is installed.

    Raises:
        UnavailableError: it is not.
    """
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise UnavailableError("obstore is not installed; install it with: pip install 'gpurules[obstore]'") from None


def root(store: "ObjectStore") -> str:
    """Return the common prefix of the URLs of all objects in *store*, which identifies the store, without its keys.

    Objects in memory exist only in this process, and so do their URLs.
    """
    kind, prefix = type(store).__name__, getattr(store, "prefix", None)
    config: Mapping[str, Any] = getattr(store, "config", None) or {}
    below = f"{prefix}/" if prefix else ""
    if kind == "LocalStore":
        return f"file://{below or '/'}"
    if kind == "S3Store":
        endpoint = config.get("endpoint")
        return f"{endpoint or 's3:/'}/{config.get('bucket')}/{below}"
    if kind == "GCSStore":
        return f"gs://{config.get('bucket')}/{below}"
    if kind == "AzureStore":
        return f"az://{config.get('account_name')}/{config.get('container_name')}/{below}"
    if kind == "HTTPStore":
        return f"{getattr(store, 'url', 'http:/')}/"
    return f"{kind.lower()}-{_token(store)}://{below}"


_TOKENS: dict[int, tuple[weakref.ref[object], str]] = {}


def _token(store: object) -> str:
    """Return a token unique across stores and processes, since an address alone may be reused."""
    found = _TOKENS.get(id(store))
    if found is None or found[0]() is not store:
        found = _TOKENS[id(store)] = weakref.ref(store), token_hex(8)
    return found[1]


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Translate errors of obstore into errors of the store."""
    from obstore import exceptions

    try:
        yield
    except exceptions.PreconditionError as error:
        raise ObjectChanged(f"{url} changed after the transfer began") from error
    except exceptions.GenericError as error:  # the store or the connection failed, after obstore's own retries
        kind = StoreError if WRONG_ANSWER.search(str(error)) else TransientStoreError
        raise kind(f"{url}: {_first_line(error)}") from error
    except (exceptions.NotFoundError, FileNotFoundError) as error:
        raise ObjectNotFound(f"{url} does not exist: {_first_line(error)}") from error
    except (exceptions.BaseError, PermissionError, NotImplementedError) as error:
        raise StoreError(f"{url}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500]


class _Chunks:
    """The body of a response."""

    def __init__(self, url: str, stream: Iterator[bytes]) -> None:
        self._url = url
        self._stream: Iterator[bytes] | None = stream

    def __iter__(self) -> Iterator[bytes]:
        while self._stream is not None:
            with _translated(self._url):
                chunk = next(self._stream, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        self._stream = None  # dropping it closes the connection


class StoreObject:
    """An object in a store of obstore."""

    def __init__(self, store: "ObjectStore", key: str, arguments: ObjectArguments | None = None) -> None:
        self._store = store
        self._key = key
        self._arguments = arguments or ObjectArguments()
        name = key.replace("%", "%25").replace("#", "%23")
        self.url = f"{root(store)}{name}{self._arguments.identity}"

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            StoreError: it cannot be determined.
        """
        import obstore

        with _translated(self.url):
            if self._arguments.version is None:
                return _facts(obstore.head(self._store, self._key))
            return _facts(self._checked(obstore.get(self._store, self._key, options=self._options(head=True)).meta))

    def _options(self, **more: Any) -> "GetOptions":
        version = self._arguments.version
        options: GetOptions = {**({} if version is None else {"version": version}), **more}  # type: ignore[typeddict-item]
        return options

    def _checked(self, meta: Any) -> Any:
        """Return *meta* if it is of the requested version: stores without versions return the current object."""
        version = self._arguments.version
        if version is not None and meta["version"] != version:
            raise StoreError(f"{self.url}: the store returned the version {meta['version']!r} instead")
        return meta

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the object with that *etag* and no other.

        Raises:
            ObjectChanged: the tag differs.
            RangeIgnored: the store answers with the whole object instead.
            StoreError: it cannot be read.
        """

        condition = self._options(**({} if etag is None or etag.startswith("modified:") else {"if_match": etag}))
        with _translated(self.url):
            answer = self._get(start, size, condition)
            facts = _facts(self._checked(answer.meta))
        if etag is not None and facts.etag != etag:
            raise ObjectChanged(f"{self.url} changed after the transfer began")
        return Reading(facts, _Chunks(self.url, iter(answer.stream(CHUNK))))

    def _get(self, start: int, size: int, condition: "GetOptions") -> Any:
        import obstore
        from obstore.exceptions import GenericError

        try:
            return obstore.get(self._store, self._key, options={"range": (start, start + max(size, 1)), **condition})
        except GenericError as error:
            is_ignored = NO_RANGE in str(error)
            if start and not is_ignored:
                raise
            facts = self.facts()
            if start or (facts.size > size and is_ignored):
                raise RangeIgnored(f"{self.url}: {WHOLE}", facts) from error
            if facts.size and not is_ignored:
                raise
            return obstore.get(self._store, self._key, options=condition)  # an empty object has no range

    def checksums(self, facts: ObjectFacts) -> Iterator[Checksum]:
        """Yield the tag of an S3 object if it looks like an MD5; obstore does not report whether it is one."""
        match = MD5.fullmatch(facts.etag)
        if match is not None and type(self._store).__name__ == "S3Store":
            yield Checksum("MD5", bytes.fromhex(match[1]), is_certain=False)

    def has_equal_parts(self, facts: ObjectFacts, checksum: Checksum) -> bool:
        """Return False: the sizes of parts are unknown."""
        return False

    def put(self, data: bytes) -> str:
        """Write the whole object in one request, and return its tag.

        Raises:
            StoreError: it cannot be written.
        """
        import obstore

        with _translated(self.url):
            given = self._arguments.attributes or None
            return _tag(obstore.put(self._store, self._key, data, use_multipart=False, attributes=given))

    def put_all(self, pieces: Iterator[bytes], size: int, at_once: int) -> str:
        """Write *pieces* of *size* bytes as the object, atomically, and return its tag.

        They are consumed in this thread; up to *at_once* of them are in flight. Exceptions of *pieces* propagate.

        Raises:
            StoreError: it cannot be written.
        """
        import obstore

        with _translated(self.url):
            done = obstore.put(
                self._store,
                self._key,
                pieces,
                use_multipart=True,
                chunk_size=size,
                max_concurrency=at_once,
                attributes=self._arguments.attributes or None,
            )
            return _tag(done)


def _facts(meta: Any) -> ObjectFacts:
    """Return the facts that identify a version; without a tag, the time of the last change is used."""
    tag = meta["e_tag"] or meta["version"]
    return ObjectFacts(int(meta["size"]), str(tag or f"modified:{meta['last_modified'].timestamp()}"))


def _tag(result: Any) -> str:
    return str(result["e_tag"] or result["version"] or "")
