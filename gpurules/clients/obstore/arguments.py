"""Translates the ``ExtraArgs`` of boto3 that obstore supports."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gpurules.registry import did_you_mean

ATTRIBUTES: Mapping[str, str] = {
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "ContentType": "Content-Type",
    "StorageClass": "Storage-Class",
}


class ObjectArguments:
    """The extra arguments for one object: its version when it is read, its attributes when it is written.

    Raises:
        ValueError: obstore does not support one of the arguments.
    """

    def __init__(self, version: str | None = None, attributes: Mapping[str, str] | None = None) -> None:
        self.version = version
        self.attributes = dict(attributes or {})

    @classmethod
    def of_download(cls, given: Mapping[str, Any] | None) -> "ObjectArguments":
        """Return the arguments of a download: ``VersionId``.

        Raises:
            ValueError: there is an unsupported one.
        """
        _check(given, ("VersionId",), "download")
        version = (given or {}).get("VersionId")
        return cls(version=None if version is None else str(version))

    @classmethod
    def of_upload(cls, given: Mapping[str, Any] | None) -> "ObjectArguments":
        """Return the arguments of an upload: attributes and ``Metadata``.

        Raises:
            ValueError: there is an unsupported one.
        """
        _check(given, (*ATTRIBUTES, "Metadata"), "upload")
        found = {ATTRIBUTES[name]: str(value) for name, value in (given or {}).items() if name in ATTRIBUTES}
        return cls(attributes={**dict((given or {}).get("Metadata") or {}), **found})

    @property
    def identity(self) -> str:
        """A text that distinguishes the object from others of the same name."""
        return "" if self.version is None else f"#VersionId={quote(self.version, safe='', errors='surrogateescape')}"


def _check(given: Mapping[str, Any] | None, known: tuple[str, ...], what: str) -> None:
    for name in given or ():
        if name not in known:
            hint = did_you_mean(str(name), known) or f"one of {', '.join(sorted(known))}"
            raise ValueError(f"obstore stores do not accept {name!r} in a {what}; {hint}")
