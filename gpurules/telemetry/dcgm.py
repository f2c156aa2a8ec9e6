"""GPUs through a scrape of dcgm-exporter, on this node or another.

Source: https://github.com/NVIDIA/dcgm-exporter; the Prometheus text format.
"""

import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from gpurules.model import Snapshot
from gpurules.telemetry.formats.prometheus import dcgm
from gpurules.telemetry.formats.prometheus.samples import MAX_SAMPLES, Sample, SampleParser
from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.isolation.thread import InThread
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryError, TelemetryTimeout

URL = "http://localhost:9400/metrics"
MAX_SCRAPE = 32 << 20
"""Bytes; a node with eight GPUs takes some 100 KB."""
_CHUNK = 1 << 16


class DcgmExporter:
    """Reads the GPUs that a dcgm-exporter tells of.

    Units: *timeout* in seconds, for one read.

    Raises:
        TelemetryError: *url* is none.
    """

    def __init__(
        self,
        url: str = URL,
        timeout: float = 3.0,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = whole_url(url)
        self._timeout = timeout
        self._clock = clock
        self._steady = steady

    def read(self, request: PollRequest) -> Snapshot:
        """Return what the exporter says now; it says everything, whatever is wanted.

        Missing: the constants that DCGM writes for a blank.

        Raises:
            TelemetryError: it cannot be reached, or is no dcgm-exporter of one node.
            TelemetryTimeout: it does not answer in time.
        """
        now = self._clock()
        samples = self._samples(self._scrape(self._steady() + self._timeout))
        labels = [sample.labels for sample in samples]
        hosts = list(dict.fromkeys(host for label in labels if (host := label.get("Hostname"))))
        if len(hosts) > 1:
            named = ", ".join(hosts[:3])
            raise TelemetryError(f"{self.url.geturl()} tells of several nodes ({named}); name the exporter of one")
        return Snapshot(
            timestamp=now,
            host=hosts[0] if hosts else None,
            driver_version=next((v for label in labels if (v := label.get("DCGM_FI_DRIVER_VERSION"))), None),
            gpus=dcgm.gpus_from_samples(samples),
        )

    def _samples(self, text: str) -> list[Sample]:
        lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        parser = SampleParser()
        samples = [sample for line in lines if (sample := parser.parse(line)) is not None]
        if not any(sample.name.lower().startswith("dcgm_") for sample in samples):
            raise TelemetryError(f"{self.url.geturl()} tells of no GPU; is it a dcgm-exporter, and has it started?")
        if len(samples) > MAX_SAMPLES:
            raise TelemetryError(f"{self.url.geturl()} has more than {MAX_SAMPLES} samples; is it of one node?")
        return samples

    def _scrape(self, until: float) -> str:
        kind = HTTPSConnection if self.url.scheme == "https" else HTTPConnection
        connection = kind(self.url.hostname or "", self.url.port, timeout=self._timeout)
        try:
            path = self.url.path + (f"?{self.url.query}" if self.url.query else "")
            connection.request("GET", path, headers={"Accept": "text/plain;version=0.0.4", "User-Agent": "gpurules"})
            with connection.getresponse() as response:
                if response.status != 200:
                    raise TelemetryError(f"{self.url.geturl()} answers {response.status} {response.reason}".rstrip())
                return self._body(response, until)
        except TimeoutError:
            raise TelemetryTimeout(f"{self.url.geturl()} does not answer within {self._timeout:g} s") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise TelemetryError(f"{self.url.geturl()} cannot be reached: {why}; is dcgm-exporter running?") from None
        except (HTTPException, ValueError) as error:
            raise TelemetryError(f"{self.url.geturl()} does not speak HTTP: {error!r}") from None
        finally:
            connection.close()

    def _body(self, response: HTTPResponse, until: float) -> str:
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > MAX_SCRAPE:
                raise TelemetryError(f"{self.url.geturl()} says more than {MAX_SCRAPE >> 20} MiB; is it of one node?")
            if self._steady() > until:
                raise TimeoutError
        return body.decode("utf-8", "replace")

    def close(self) -> None:
        """Nothing is held between reads."""


def whole_url(text: str) -> SplitResult:
    """Return the URL that *text* means: ``node-7:9400`` is ``http://node-7:9400/metrics``.

    Raises:
        TelemetryError: it is none, or not of HTTP.
    """
    url = SplitResult("", "", "", "", "")
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        is_whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is not a number, or brackets without an address
        is_whole = False
    if not is_whole or not text.isprintable() or " " in text:
        raise TelemetryError(f"dcgm: {text[:200]!r} is no address of an exporter; write it as in dcgm:{URL}")
    return url if url.path not in ("", "/") else url._replace(path="/metrics")


class DcgmFactory:
    """Opens ``dcgm`` (on this node) or ``dcgm:http://node-7:9400/metrics``."""

    name = "dcgm"
    summary = "GPUs through a scrape of dcgm-exporter"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs that an exporter tells of; nothing is asked before it is read.

        Raises:
            TelemetryError: the address or an option does not fit.
        """
        taken = SourceOptions(self.name, options)
        live = LiveOptions.take(taken)
        taken.finish()
        exporter = DcgmExporter(argument or URL, live.timeout)
        # in a thread, since looking a name up has no time-out
        return LiveSource(self.name, InThread(exporter, live.timeout), live.fields, live.drop_after)

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether an exporter answers, by asking it; this takes *timeout* seconds at most."""
        return try_out(lambda: self.open(argument, {"timeout": timeout}))
