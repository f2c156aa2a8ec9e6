"""The ``ExtraArgs`` of boto3, and the calls that accept each."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from functools import cache
from hashlib import md5, sha256
from typing import Any
from urllib.parse import quote

from gpurules.registry import did_you_mean
from gpurules.strict_json import canonical

_KEY = ("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")
_PAYER = ("RequestPayer", "ExpectedBucketOwner")
_IDENTITY = ("VersionId", "SSECustomerAlgorithm", "SSECustomerKey")
"""What distinguishes objects of one name: another version, or bytes that another key opens."""
_OF_PUTTING = frozenset({"ChecksumType", "MpuObjectSize"})
_OF_PARTS = frozenset({"ChecksumAlgorithm", *_KEY, *_PAYER})
_OF_COMPLETING = frozenset({*_KEY, *_PAYER, "ChecksumType", "MpuObjectSize"})
_FOLLOWING: Mapping[str, frozenset[str]] = {
    "list_parts": frozenset({*_KEY, *_PAYER}),
    "abort_multipart_upload": frozenset(_PAYER),
    "head_object": frozenset({*_KEY, *_PAYER}),
}
"""What calls that belong to an upload take of its arguments. Source: the service model of botocore."""


@cache
def _known() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return boto3's arguments of downloads and uploads, and those of the latter that are whole-object checksums."""
    from s3transfer.constants import FULL_OBJECT_CHECKSUM_ARGS  # type: ignore[import-untyped]
    from s3transfer.manager import TransferManager  # type: ignore[import-untyped]

    return (
        frozenset(TransferManager.ALLOWED_DOWNLOAD_ARGS),
        frozenset(TransferManager.ALLOWED_UPLOAD_ARGS),
        frozenset(FULL_OBJECT_CHECKSUM_ARGS),
    )


class DownloadArguments:
    """The ``ExtraArgs`` of a download; each read call accepts all of them.

    Raises:
        ValueError: boto3 does not accept one of them in a download.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = dict(given or {})
        if self._given:
            _check(self._given, _known()[0], "download")

    def of(self, call: str) -> dict[str, Any]:
        """Return the arguments for *call*, a method of boto3's client."""
        return dict(self._given)

    @property
    def identity(self) -> str:
        """A text that distinguishes the object from others of the same name, without keys; may be empty."""
        found = {name: _shown(name, self._given[name]) for name in _IDENTITY if self._given.get(name) is not None}
        return "&".join(f"{name}={quote(value, safe='', errors='surrogateescape')}" for name, value in found.items())

    @property
    def variant(self) -> str:
        """Empty: a download leaves nothing in the store that could differ."""
        return ""


class UploadArguments:
    """The ``ExtraArgs`` of an upload; each call gets those that it accepts.

    A checksum of the whole object implies its algorithm and the type ``FULL_OBJECT``, as in boto3.

    Raises:
        ValueError: boto3 does not accept one of them in an upload.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = dict(given or {})
        if self._given:
            _check(self._given, _known()[1], "upload")

    def of(self, call: str) -> dict[str, Any]:
        """Return the arguments for *call*, a method of boto3's client."""
        if not self._given:
            return {}
        whole = _known()[2]
        match call:
            case "put_object":
                return {name: value for name, value in self._given.items() if name not in _OF_PUTTING}
            case "create_multipart_upload":
                given = self._in_parts(whole)
                return {name: value for name, value in given.items() if name not in whole and name != "MpuObjectSize"}
            case "upload_part":
                return {name: value for name, value in self._in_parts(whole).items() if name in _OF_PARTS}
            case "complete_multipart_upload":
                return {n: value for n, value in self._in_parts(whole).items() if n in _OF_COMPLETING or n in whole}
            case "list_parts":
                return _encoded({name: value for name, value in self._given.items() if name in _FOLLOWING[call]})
            case _:
                return {name: value for name, value in self._given.items() if name in _FOLLOWING[call]}

    def _in_parts(self, whole: Collection[str]) -> Mapping[str, Any]:
        found = next((name for name in self._given if name in whole), None)
        if found is None:
            return self._given
        checksum = {"ChecksumType": "FULL_OBJECT", "ChecksumAlgorithm": found.removeprefix("Checksum")}
        return {**self._given, **checksum}

    @property
    def identity(self) -> str:
        """Empty: an upload replaces the object of that name."""
        return ""

    @property
    def variant(self) -> str:
        """A text that distinguishes uploads of one file to one name, so that none continues another's parts."""
        if not self._given:
            return ""
        text = canonical({name: _shown(name, value) for name, value in self._given.items()})
        return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


Arguments = DownloadArguments | UploadArguments


def _check(given: Mapping[str, Any], allowed: Collection[str], what: str) -> None:
    for name in given:
        if name not in allowed:
            hint = did_you_mean(str(name), allowed) or f"one of {', '.join(sorted(allowed))}"
            raise ValueError(f"boto3 does not accept {name!r} in the ExtraArgs of a {what}; {hint}")


def _shown(name: str, value: Any) -> str:
    """Return a text that is unique for *value*; for a key, without disclosing it."""
    if not name.startswith("SSECustomerKey"):
        return str(value)
    data = value if isinstance(value, bytes | bytearray) else str(value).encode("utf-8", "surrogateescape")
    return sha256(data).hexdigest()[:32]


def _encoded(given: dict[str, Any]) -> dict[str, Any]:
    """Return *given* with its key encoded for the wire, which botocore does only for calls that move data."""
    key = given.get("SSECustomerKey")
    if key is None or "SSECustomerKeyMD5" in given:
        return given
    data = key if isinstance(key, bytes | bytearray) else str(key).encode("utf-8")
    digest = md5(data, usedforsecurity=False).digest()
    return {**given, "SSECustomerKey": b64encode(data).decode(), "SSECustomerKeyMD5": b64encode(digest).decode()}
