"""The only user of boto3: objects of an S3 store, and the translation of its errors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import md5
from typing import Any, Self
from urllib.parse import unquote

from gpurules.clients.objects.checksums import Checksum
from gpurules.clients.objects.store import (
    ChecksumMismatch,
    ObjectChanged,
    ObjectFacts,
    ObjectNotFound,
    PartTag,
    Reading,
    StoreError,
    TransientStoreError,
)
from gpurules.clients.objects.watchdog import Watchdog
from gpurules.clients.s3 import answers
from gpurules.clients.s3.arguments import Arguments, DownloadArguments
from gpurules.clients.s3.boto3_client import Boto3Client
from gpurules.errors import UnavailableError

CHUNK = 1024**2
NOT_FOUND = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"})


def require_boto3() -> None:
    """Make sure that boto3 is installed.

    Raises:
        UnavailableError: it is not.
    """
    try:
        import botocore.exceptions  # noqa: F401
    except ImportError:
        raise UnavailableError("boto3 is not installed; install it with: pip install 'gpurules[s3]'") from None


class NoSuchUpload(StoreError):
    """The store does not know the upload: it was completed or aborted."""


def _is_not_found(error: Any) -> bool:
    """Whether the requested object does not exist; a delete marker is not an object, and results in 405."""
    answer = error.response.get("ResponseMetadata", {})
    headers = answer.get("HTTPHeaders") or {}
    is_marker = answer.get("HTTPStatusCode") == 405 and headers.get("x-amz-delete-marker") == "true"
    return is_marker or _code(error) in NOT_FOUND


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Translate errors of boto3 into errors of the store."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        FlexibleChecksumError,
        HTTPClientError,
        IncompleteReadError,
    )
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status == 412:
            raise ObjectChanged(f"{url} changed after the transfer began") from error
        if _code(error) == "NoSuchUpload":
            raise NoSuchUpload(f"{url}: {error}") from error
        if _is_not_found(error):
            raise ObjectNotFound(f"{url} does not exist: {error}") from error
        if status >= 500 or status == 429:
            raise TransientStoreError(f"{url}: {error}") from error
        raise StoreError(f"{url}: {error}") from error
    except (HTTPClientError, IncompleteReadError, BotoConnectionError, HTTPError, ConnectionError) as error:
        raise TransientStoreError(f"{url}: {error}") from error
    except FlexibleChecksumError as error:
        raise ChecksumMismatch(f"{url}: {error}") from error
    except BotoCoreError as error:
        raise StoreError(f"{url}: {error}") from error
    except (ValueError, KeyError) as error:  # a header that botocore takes for a number, or one that is missing
        raise StoreError(f"{url}: the store's response cannot be understood: {str(error)[:200]}") from error


class _Body:
    """The body of a response; *watchdog* cuts it off if it is too slow."""

    def __init__(self, url: str, body: Any, watchdog: Watchdog | None) -> None:
        self._url = url
        self._body = body
        self._watch = None if watchdog is None else watchdog.watch(url, lambda: _cut(body))

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with _translated(self._url):
                chunk = self._body.read(CHUNK) if self._watch is None else self._watch.read(self._body.read)
            if not chunk:
                return
            yield chunk

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self._body.close()


def _cut(body: Any) -> None:
    """Make a read of *body* in another thread fail immediately, by the method that urllib3 has since 2.3."""
    shutdown = getattr(getattr(body, "_raw_stream", None), "shutdown", None)
    if shutdown is not None:
        with suppress(Exception):  # it has ended meanwhile
            shutdown()


def _root(client: Boto3Client) -> str:
    """Return the common prefix of the URLs of all objects in the store of *client*."""
    endpoint = str(getattr(getattr(client, "meta", None), "endpoint_url", ""))
    return "s3://" if "amazonaws.com" in endpoint else f"{endpoint}/"


class S3Object:
    """An object in a bucket, or the version that *arguments* name, which are passed to each call that accepts them.

    Its ``url`` distinguishes versions, and objects encrypted with other keys.
    """

    def __init__(
        self,
        client: Boto3Client,
        bucket: str,
        key: str,
        arguments: Arguments | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._client = client
        self._watchdog = watchdog
        self._where = {"Bucket": bucket, "Key": key}
        self._arguments = arguments or DownloadArguments()
        name = key.replace("%", "%25").replace("#", "%23")
        version = self._arguments.identity
        self.url = f"{_root(client)}{bucket}/{name}{'#' if version else ''}{version}"
        self.variant = self._arguments.variant
        self._whole: Mapping[str, Any] = {}

    def _with(self, call: str) -> dict[str, Any]:
        """Return the arguments of a call about this object."""
        return {**self._where, **self._arguments.of(call)}

    @classmethod
    def at(cls, client: Boto3Client, url: str) -> Self | None:
        """Return the object with *url* in the store of *client*; None if it is in another store."""
        bucket, _, name = url.removeprefix(_root(client)).partition("/")
        key = unquote(name.partition("#")[0], errors="surrogateescape")
        return cls(client, bucket, key) if url.startswith(_root(client)) and key else None

    def facts(self) -> ObjectFacts:
        """Return its size and tag.

        Raises:
            StoreError: it cannot be determined.
        """
        with _translated(self.url):
            return answers.facts(self.url, self._client.head_object(**self._with("head_object")))

    def read(self, start: int, size: int, etag: str | None) -> Reading:
        """Return up to *size* bytes from *start*, of the object with that *etag* and no other.

        Raises:
            ObjectChanged: the tag differs.
            RangeIgnored: the store answers with the whole object instead.
            StoreError: it cannot be read.
        """
        # a weak tag never matches
        given = self._with("get_object") | ({} if etag is None or etag.startswith("W/") else {"IfMatch": etag})
        with _translated(self.url):
            answer = self._get(start, size, given)
            try:
                return Reading(
                    self._facts_of(answer, start, size, etag), _Body(self.url, answer["Body"], self._watchdog)
                )
            except BaseException:
                answer["Body"].close()
                raise

    def _get(self, start: int, size: int, given: dict[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        try:
            return self._client.get_object(Range=f"bytes={start}-{start + max(size, 1) - 1}", **given)
        except ClientError as error:
            if start or _code(error) != "InvalidRange":
                raise
            return self._client.get_object(**given)  # an empty object has no range

    def _facts_of(self, answer: Mapping[str, Any], start: int, size: int, etag: str | None) -> ObjectFacts:
        if etag is not None and answers.tag(self.url, answer) != etag:  # a store that does not support If-Match
            raise ObjectChanged(f"{self.url} changed after the transfer began")
        found = answers.span(self.url, answer, start, size)
        facts = self.facts() if found.facts is None else found.facts
        if facts.etag != found.tag:
            raise ObjectChanged(f"{self.url} changed after the transfer began")
        if found.is_whole:
            self._whole = answer
        return facts

    def checksums(self, facts: ObjectFacts) -> Iterator[Checksum]:
        """Yield the store's checksums of the version that *facts* describe, the cheapest to compute first.

        A response with the whole object has them already; otherwise they are requested.

        Raises:
            ObjectChanged: the object has changed.
            StoreError: the store cannot be queried.
        """
        known = self._whole if self._whole.get("ETag") == facts.etag else {}
        found = list(self._offered(known, facts.etag)) if known else []
        if not found:
            known = self._head()
            if answers.facts(self.url, known) != facts:
                raise ObjectChanged(f"{self.url} changed after the transfer began")
            found = list(self._offered(known, facts.etag))
        for checksum in found:
            if not checksum.count:
                yield checksum
            elif size := self._part_size(facts, checksum.count):
                yield replace(checksum, part_size=size)

    def _offered(self, answer: Mapping[str, Any], etag: str) -> Iterator[Checksum]:
        is_digest = not self._where["Bucket"].endswith(answers.DIRECTORY_BUCKET)
        return (found for found in answers.checksums(answer, etag) if is_digest or found.algorithm != "MD5")

    def _head(self, **more: Any) -> Mapping[str, Any]:
        with _translated(self.url):
            return self._client.head_object(**{**self._with("head_object"), "ChecksumMode": "ENABLED", **more})

    def _part_size(self, facts: ObjectFacts, count: int) -> int | None:
        """Return the part size of the object; None if the store does not report it, or parts differ."""
        size = self._head(PartNumber=1).get("ContentLength")
        is_even = isinstance(size, int) and size > 0 and -(-facts.size // size) == count
        return size if is_even else None

    def has_equal_parts(self, facts: ObjectFacts, checksum: Checksum) -> bool:
        """Return whether all parts of a composite *checksum*, except the last, really have its ``part_size``.

        Raises:
            StoreError: the store cannot be queried.
        """
        numbers = range(2, checksum.count)
        return all(self._head(PartNumber=n).get("ContentLength") == checksum.part_size for n in numbers)

    def put(self, data: bytes) -> str:
        """Write the whole object in one request, and return its tag.

        Raises:
            StoreError: it cannot be written.
        """
        with _translated(self.url):
            return self._taken(self._client.put_object(Body=data, **self._with("put_object")), data)

    def _taken(self, answer: Mapping[str, Any], data: bytes) -> str:
        """Return the tag of *data* that the store has accepted, after a check of the checksum in its response."""
        etag = answers.tag(self.url, answer)
        answers.refuse_other(self.url, self._offered(answer, etag), data)
        return etag

    def begin(self) -> str:
        """Begin a multipart upload, with the checksums that boto3's own uploads have, and return its id.

        Raises:
            StoreError: it cannot be begun.
        """
        config = getattr(getattr(self._client, "meta", None), "config", None)
        is_checked = getattr(config, "request_checksum_calculation", None) == "when_supported"
        algorithm = {"ChecksumAlgorithm": "CRC32"} if is_checked else {}
        given = {**algorithm, **self._with("create_multipart_upload")}
        with _translated(self.url):
            return str(self._client.create_multipart_upload(**given)["UploadId"])

    def parts(self, upload: str) -> Mapping[int, ObjectFacts] | None:
        """Return the parts (from 1) of an upload that the store has; None if it does not know the upload.

        Raises:
            StoreError: it cannot be determined.
        """
        found: dict[int, ObjectFacts] = {}
        more: dict[str, Any] = {}
        while True:
            try:
                with _translated(self.url):
                    answer = self._client.list_parts(UploadId=upload, **self._with("list_parts"), **more)
            except NoSuchUpload:
                return None
            for part in answer.get("Parts", ()):
                found[int(part["PartNumber"])] = ObjectFacts(int(part["Size"]), str(part["ETag"]))
            marker = answer.get("NextPartNumberMarker")
            if not answer.get("IsTruncated") or marker in (None, more.get("PartNumberMarker")):
                return found
            more = {"PartNumberMarker": marker}

    def put_part(self, upload: str, number: int, data: bytes) -> PartTag:
        """Write part *number* (from 1), and return its tag for completing the upload.

        Raises:
            StoreError: it cannot be written.
        """
        with _translated(self.url):
            given = self._with("upload_part")
            answer = self._client.upload_part(UploadId=upload, PartNumber=number, Body=data, **given)
            checksums = {name: str(value) for name, value in answer.items() if _is_checksum(name)}
            return PartTag(self._taken(answer, data), checksums)

    def complete(self, upload: str, tags: Sequence[PartTag]) -> str:
        """Complete the upload atomically, and return the tag of the object.

        Raises:
            StoreError: it failed.
        """
        parts = [{"PartNumber": number, "ETag": tag.etag, **tag.checksums} for number, tag in enumerate(tags, 1)]
        try:
            with _translated(self.url):
                answer = self._client.complete_multipart_upload(
                    UploadId=upload, MultipartUpload={"Parts": parts}, **self._with("complete_multipart_upload")
                )
                answers.refuse_other_parts(self.url, answer, tags)
                return answers.tag(self.url, answer)
        except NoSuchUpload:  # completed by an earlier attempt whose response was lost?
            tag = self.facts().etag
            if tag.strip('"') != _whole_tag(tags):
                raise
            return tag

    def abort(self, upload: str) -> None:
        """Abort an upload; one that the store does not know is not an error.

        Raises:
            StoreError: it could not be determined.
        """
        with suppress(NoSuchUpload), _translated(self.url):
            self._client.abort_multipart_upload(UploadId=upload, **self._with("abort_multipart_upload"))


def _is_checksum(name: str) -> bool:
    """Whether S3 returns this key for a part with a checksum, and requires it for completion."""
    return name.startswith("Checksum") and name != "ChecksumType"


def _whole_tag(tags: Sequence[PartTag]) -> str | None:
    """Return the tag of the object composed of parts; None if their tags are not digests of their content.

    Source: observed of S3 and its kin: the MD5 of the parts' MD5s, and their number.
    """
    try:
        digests = b"".join(bytes.fromhex(tag.etag.strip('"')) for tag in tags)
    except ValueError:
        return None
    return f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(tags)}"
