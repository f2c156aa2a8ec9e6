"""rclone (a mount, serve or copy): its bandwidth limit, set by remote control, follows ``limit_bandwidth``."""

import http.client
import os
import shutil
import socket
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from gpurules.clients.client import Capability
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from gpurules.clients.settings.tunable_client import Tunable, TunableClient
from gpurules.model.reading import finite
from gpurules.strict_json import dumps, loads

TIMEOUT_SECONDS = 2.0
MAX_BYTES = 1024**2
OFF = "off"
USER, PASSWORD = "GPURULES_RCLONE_USER", "GPURULES_RCLONE_PASS"


class RcloneKind:
    """The kind of client, as registered."""

    name = "rclone"
    capabilities = frozenset({Capability.BANDWIDTH})
    argument = "SOCKET (of rclone --rc --rc-addr unix:///SOCKET)"

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        if shutil.which("rclone") is None:
            return "rclone is not on the PATH; install it (rclone.org), and run it with --rc --rc-addr unix:///SOCKET"
        return None

    def open(self, argument: str) -> TunableClient:
        """Return the client for the rclone process that listens at the socket *argument*.

        Raises:
            SettingError: it does not respond.
        """
        return rclone(argument)


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(self._path)


class BandwidthSetting:
    """``core/bwlimit`` of a running rclone.

    Units: bytes/second in each direction with ``B`` after the number, as rclone takes it; or ``off``.
    Source: rclone.org/rc, core/bwlimit.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.key = f"core/bwlimit of rclone at {path}"

    def read(self) -> str:
        """Return the value."""
        said = self._call({})
        rates = [said.get(name) for name in ("bytesPerSecondTx", "bytesPerSecondRx")]
        written = [OFF if not isinstance(rate, int) or rate < 0 else f"{rate}B" for rate in rates]
        return written[0] if written[0] == written[1] else ":".join(written)

    def write(self, value: str) -> None:
        """Change the value."""
        self._call({"rate": value})

    def _call(self, asked: Mapping[str, str]) -> Mapping[str, object]:
        headers = {"Content-Type": "application/json"}
        if os.environ.get(USER):
            secret = f"{os.environ[USER]}:{os.environ.get(PASSWORD, '')}"
            headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
        connection = _Connection(self._path)
        try:
            connection.request("POST", "/core/bwlimit", dumps(asked, ascii_only=True), headers)
            answer = connection.getresponse()
            said = loads(answer.read(MAX_BYTES) or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SettingError(f"{self.key} cannot be reached: {error}") from None
        finally:
            connection.close()
        if answer.status != http.client.OK or not isinstance(said, dict):
            why = said.get("error") if isinstance(said, dict) else None
            hint = f"; set {USER} and {PASSWORD}" if answer.status in (401, 403) else ""
            raise SettingError(f"{self.key} refuses: {why or answer.reason}{hint}")
        return said


def rclone(path: str | os.PathLike[str], folder: Path | None = None) -> TunableClient:
    """Return the client that limits the bandwidth of the rclone at the Unix socket *path* by the rules.

    A limit from its own settings still applies: the lower one counts. It is restored at the end, or after a crash by
    the next client.

    Raises:
        SettingError: it does not respond, or another process controls it.
    """
    kept = RestorableSetting(BandwidthSetting(os.fspath(path)), folder)
    return TunableClient(f"rclone {path}", {Capability.BANDWIDTH: Tunable(kept, _limited)})


def _limited(said: object, before: str) -> str:
    rate = finite(said)
    if rate is None or rate <= 0:
        return before
    own = [int(part.removesuffix("B")) for part in before.split(":") if part != OFF]
    return f"{max(1, int(min([rate, *own])))}B"
