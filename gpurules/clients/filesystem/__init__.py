"""Files of every fsspec filesystem, by URL: ``gpurules::s3://bucket/key``; fsspec finds ``chained`` by entry point.

::

    chained --> open_files/     one open file, read and written as rules decide
            --> bypass          what no rule affects, many files in one call
            --> delegation      what moves no data --> underlying    the user's filesystem
            --> process         the governor of these options --> client

The entry points are ``chained.GovernedFileSystem`` for fsspec, and ``use`` and ``client_of`` for programs.
"""

from gpurules.clients.filesystem.client import FileClient, FileSystemKind
from gpurules.clients.filesystem.options import FileOptions
from gpurules.clients.filesystem.process import client_of, use

__all__ = ["FileClient", "FileOptions", "FileSystemKind", "client_of", "use"]
