"""Fetches a page of metrics by HTTP: bounded in time and in size."""

import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit

from gpurules.telemetry.source import TelemetryError, TelemetryTimeout

MAX_SCRAPE = 32 << 20
"""Bytes; a node with eight GPUs takes some 100 KB."""
_CHUNK = 1 << 16


class Scraper:
    """Fetches the page at one address; ``place`` is the address for messages, without its password.

    Units: *timeout* in seconds, for one page.
    """

    def __init__(self, url: SplitResult, timeout: float, steady: Callable[[], float] = time.monotonic) -> None:
        self.place = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        self._url = url
        self._timeout = timeout
        self._steady = steady

    def fetch(self) -> str:
        """Return the page at the address.

        Raises:
            TelemetryError: it cannot be reached, or its response is an error or too large.
            TelemetryTimeout: it does not respond in time.
        """
        until = self._steady() + self._timeout
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        try:
            path = self._url.path + (f"?{self._url.query}" if self._url.query else "")
            connection.request("GET", path, headers=self._headers())
            with connection.getresponse() as response:
                if response.status != 200:
                    raise TelemetryError(f"{self.place} answers {response.status} {response.reason}".rstrip())
                return self._body(response, until)
        except TimeoutError:
            raise TelemetryTimeout(f"{self.place} does not answer within {self._timeout:g} s") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise TelemetryError(f"{self.place} cannot be reached: {why}; is the exporter running?") from None
        except (HTTPException, ValueError) as error:
            raise TelemetryError(f"{self.place} does not speak HTTP: {error!r}") from None
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "text/plain;version=0.0.4", "User-Agent": "gpurules"}
        if self._url.username is not None:
            user = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
        return headers

    def _body(self, response: HTTPResponse, until: float) -> str:
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > MAX_SCRAPE:
                raise TelemetryError(
                    f"{self.place} returned more than {MAX_SCRAPE >> 20} MiB; does it cover a single node?"
                )
            if self._steady() > until:
                raise TimeoutError
        return body.decode("utf-8", "replace")


def whole_url(text: str, example: str) -> SplitResult:
    """Complete a URL: ``node-7:9400`` becomes ``http://node-7:9400/metrics``.

    Raises:
        TelemetryError: *text* is not an HTTP URL.
    """
    url = SplitResult("", "", "", "", "")
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        is_whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is not a number, or brackets without an address
        is_whole = False
    if not is_whole or not text.isprintable() or " " in text:
        shown = text[:200].rpartition("@")[2]
        raise TelemetryError(f"{shown!r} is not the address of an exporter; write it as in {example}")
    return url if url.path not in ("", "/") else url._replace(path="/metrics")
