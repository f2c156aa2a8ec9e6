"""The address of an agent: ``unix:PATH``, ``http://HOST:PORT`` or ``https://HOST:PORT``."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gpurules.errors import GpurulesError

if TYPE_CHECKING:
    import ssl

VARIABLE = "GPURULES_ADDRESS"


class AddressError(GpurulesError):
    """An address is not valid."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an agent.

    Missing: ``path`` None: TCP; otherwise ``host`` and ``port`` are unused; ``tls`` None: without TLS.
    """

    path: str | None = None
    host: str = "agent"
    port: int = 0
    tls: "ssl.SSLContext | None" = None

    def __str__(self) -> str:
        """Return its written form."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"{'http' if self.tls is None else 'https'}://{self.host}:{self.port}"

    def open(self, timeout: float) -> socket.socket:
        """Open a connection.

        Raises:
            OSError: it failed.
        """
        if self.path is not None:
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                opened.settimeout(timeout)
                opened.connect(self.path)
            except BaseException:
                opened.close()
                raise
            return opened
        opened = socket.create_connection((self.host, self.port), timeout)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return opened if self.tls is None else self.tls.wrap_socket(opened, server_hostname=self.host)
        except BaseException:
            opened.close()
            raise


def read_address(text: str, ca_file: str | Path | None = None) -> Address:
    """Parse an address; *ca_file* has the trusted certificates, by default the system's.

    Raises:
        AddressError: *text* is not an address.
        OSError: the file cannot be read.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return Address(path=rest)
    if kind in ("http", "https"):
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if host and parts.path in ("", "/") and not parts.query and parts.username is None:
            return Address(None, host, port or (443 if kind == "https" else 80), _tls(kind, ca_file))
    raise AddressError(f"{text[:200]!r} is not an address; write unix:PATH, http://HOST:PORT or https://HOST:PORT")


def _tls(kind: str, ca_file: str | Path | None) -> "ssl.SSLContext | None":
    if kind == "http":
        return None
    import ssl  # rarely needed: most agents are local

    return ssl.create_default_context(cafile=ca_file)


def find_address() -> str | None:
    """Return the address of this node's agent: ``GPURULES_ADDRESS``, else a default socket; None if there is none."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    folders = ["/run/gpurules"]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        folders.insert(0, f"{runtime}/gpurules")
    for folder in folders:
        path = Path(folder, "agent.sock")
        if path.is_socket():
            return f"unix:{path}"
    return None
