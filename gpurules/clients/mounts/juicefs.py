"""JuiceFS: the download limit of a volume, for all its clients, follows ``limit_bandwidth``."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from gpurules.clients.client import Capability
from gpurules.clients.settings.restorable_setting import RestorableSetting, SettingError
from gpurules.clients.settings.tunable_client import Tunable, TunableClient
from gpurules.model.reading import finite
from gpurules.strict_json import loads

TIMEOUT_SECONDS = 20.0
BYTES_PER_MBPS = 1e6 / 8


class JuiceFSKind:
    """The kind of client, as registered."""

    name = "juicefs"
    capabilities = frozenset({Capability.BANDWIDTH})
    argument = "META-URL (of the volume)"

    def unavailable(self) -> str | None:
        """Return why it cannot be used here."""
        if shutil.which("juicefs") is None:
            return "juicefs is not on the PATH; install it (juicefs.com)"
        return None

    def open(self, argument: str) -> TunableClient:
        """Return the client for the volume with its metadata at *argument*.

        Raises:
            SettingError: the volume cannot be queried.
        """
        return juicefs(argument)


class DownloadLimit:
    """``--download-limit`` of a volume; its clients adopt it at their next heartbeat, about 12 s later.

    Units: Mbps (1e6 bits/second) as text; 0 means unlimited.
    Source: juicefs.com/docs, the commands format and config.
    """

    def __init__(self, url: str, command: str = "juicefs") -> None:
        self._url = url
        self._command = command
        # the URL may contain a password
        self.key = f"download-limit of JuiceFS at {_without_secret(url)} ({sha256(url.encode()).hexdigest()[:8]})"

    def read(self) -> str:
        """Return the value."""
        said = self._run()
        try:
            return str(int(loads(said[said.index("{") :]).get("DownloadLimit", 0)))
        except (ValueError, TypeError, AttributeError):
            raise SettingError(f"{self.key} cannot be read: juicefs config does not print JSON") from None

    def write(self, value: str) -> None:
        """Change the value."""
        self._run("--download-limit", value, "--yes")

    def _run(self, *options: str) -> str:
        command = [self._command, "config", self._url, *options]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise SettingError(f"{self.key}: juicefs did not answer in {TIMEOUT_SECONDS:g} s") from None
        except OSError as error:
            raise SettingError(f"{self.key}: juicefs cannot be run: {error.strerror}") from None
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1].replace(self._url, "META-URL")
            raise SettingError(f"{self.key}: juicefs config failed: {last[:300]}")
        return done.stdout


def juicefs(url: str, folder: Path | None = None, command: str = "juicefs") -> TunableClient:
    """Return the client that limits the bandwidth of the JuiceFS volume with metadata at *url* by the rules.

    The limit applies to all nodes that mount the volume, so only one node's agent should control it. An existing limit
    of the volume still applies: the lower one counts. It is restored at the end, or after a crash by the next client.

    Raises:
        SettingError: the volume cannot be queried, or another process controls it.
    """
    kept = RestorableSetting(DownloadLimit(url, command), folder)
    return TunableClient(f"juicefs {_without_secret(url)}", {Capability.BANDWIDTH: Tunable(kept, _limited)})


def _limited(said: object, before: str) -> str:
    rate = finite(said)
    if rate is None or rate <= 0:
        return before
    wanted = max(1, int(rate / BYTES_PER_MBPS))  # 0 would mean unlimited
    return str(min(wanted, int(before)) if int(before) else wanted)


def _without_secret(url: str) -> str:
    """Return *url* without its credentials and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "META-URL"
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" if parts.scheme else url.rpartition("@")[2]
