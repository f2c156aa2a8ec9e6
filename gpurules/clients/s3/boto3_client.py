"""What is used of a boto3 client that the user has made."""

from collections.abc import Mapping
from typing import Any, Protocol


class Boto3Client(Protocol):
    """What is used of ``boto3.client("s3")``."""

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
        """Begin an upload in parts."""
        ...

    def upload_part(self, **arguments: Any) -> Mapping[str, Any]:
        """Write a part."""
        ...

    def complete_multipart_upload(self, **arguments: Any) -> Mapping[str, Any]:
        """Make parts an object."""
        ...

    def list_parts(self, **arguments: Any) -> Mapping[str, Any]:
        """List the parts of an upload."""
        ...

    def abort_multipart_upload(self, **arguments: Any) -> Mapping[str, Any]:
        """Forget an upload."""
        ...
