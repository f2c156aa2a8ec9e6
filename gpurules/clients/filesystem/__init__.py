"""Files of every fsspec filesystem, by URL: ``gpurules::s3://bucket/key``; fsspec finds ``chained`` by entry point."""

from gpurules.clients.filesystem.client import FileClient, FileSystemKind
from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.filesystem.process import client_of, use

__all__ = ["FileClient", "FileOptions", "FileSystemKind", "client_of", "use"]
