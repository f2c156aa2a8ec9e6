"""The part of the user's boto3 client that is used."""

from collections.abc import Mapping
from typing import Any, Protocol


class Boto3Client(Protocol):
    """The methods of ``boto3.client("s3")`` that are used."""

    def head_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Describe an object."""
        ...

    def get_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Read an object."""
        ...

    def put_object(self, **arguments: Any) -> Mapping[str, Any]:
        """Write an object."""
        ...

    def create_multipart_upload(self, **arguments: Any) -> Mapping[str, Any]:
        """Begin a multipart upload."""
        ...

    def upload_part(self, **arguments: Any) -> Mapping[str, Any]:
        """Write a part."""
        ...

    def complete_multipart_upload(self, **arguments: Any) -> Mapping[str, Any]:
        """Complete a multipart upload."""
        ...

    def list_parts(self, **arguments: Any) -> Mapping[str, Any]:
        """List the parts of an upload."""
        ...

    def abort_multipart_upload(self, **arguments: Any) -> Mapping[str, Any]:
        """Abort a multipart upload."""
        ...
