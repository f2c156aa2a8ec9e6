"""Imports a range of the metrics of dcgm-exporter and nvidia_gpu_exporter from a Prometheus server, chunk by chunk.

The series of each chunk are converted back to scrapes and parsed by the readers of scrapes.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException
from math import ceil
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from gpurules.history.store.format.findings import Findings
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Snapshot
from gpurules.strict_json import loads
from gpurules.telemetry import TelemetryError
from gpurules.telemetry.playback import replay

SERIES = '{__name__=~"DCGM_FI_.+|dcgm_.+|nvidia_smi_.+"}'
CHUNK_SECONDS = 3600.0
MOST_POINTS = 10_000
"""Prometheus refuses more than 11,000 points of a series at once."""
LARGEST = 256 << 20
TIMEOUT = 60.0
_NODE_LABELS = ("Hostname", "node", "instance", "exported_instance")


@dataclass
class PrometheusRange:
    """A range of a Prometheus server's data.

    Units: ``start`` and ``end`` in seconds since 1970, ``step`` in seconds.

    Raises:
        StoreError: *url* is not an HTTP URL, or the range is empty.
    """

    url: str
    start: float
    end: float
    step: float = 15.0
    nodes: set[str] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)

    def __post_init__(self) -> None:
        """Validate the attributes."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RecordingStoreError(
                f"{self.url!r} is not the address of a Prometheus server; write it as in prometheus:http://host:9090"
            )
        if not self.end > self.start:
            raise RecordingStoreError("the range is empty: --from is not before --to")

    @property
    def _chunk(self) -> float:
        return self.step * max(1, min(MOST_POINTS, int(CHUNK_SECONDS / self.step)))

    @property
    def chunks(self) -> int:
        """The number of queries for the range."""
        return ceil((self.end - self.start) / self._chunk)

    def answers(self) -> Iterator[list[Any]]:
        """Yield the series of each chunk; one that cannot be read is reported, and reading continues with the next."""
        for number in range(self.chunks):
            start = self.start + number * self._chunk
            end = min(self.end, start + self._chunk) - (0 if number == self.chunks - 1 else self.step / 2)
            try:
                yield self._asked(start, end)
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                self.findings.add(self.url, f"the range from {start:.0f} to {end:.0f} cannot be read: {_why(error)}")
                yield []

    def _asked(self, start: float, end: float) -> list[Any]:
        asked = {"query": SERIES, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{self.step:g}"}
        with urlopen(f"{self.url.rstrip('/')}/api/v1/query_range?{urlencode(asked)}", timeout=TIMEOUT) as response:
            body = response.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MiB; take a longer --step")
        found = loads(body)["data"]["result"]
        if not isinstance(found, list):
            raise ValueError("the response is not that of a range query")
        return found


def _why(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    return str(getattr(error, "reason", None) or error) or type(error).__name__


def _node_of(labels: Mapping[str, str]) -> str:
    node = next((labels[name] for name in _NODE_LABELS if labels.get(name)), "node")
    return node.rsplit(":", 1)[0] if node.rpartition(":")[2].isdecimal() else node


def _scrapes(series: list[Any]) -> dict[str, str]:
    """Return the lines of the scrapes of each node, in order of time."""
    lines: dict[str, list[tuple[float, str]]] = {}
    for one in series:
        labels = {str(k): str(v) for k, v in one["metric"].items()}
        name, node = labels.pop("__name__"), _node_of(labels)
        label_text = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items()))
        for time, value in one["values"]:
            lines.setdefault(node, []).append(
                (float(time), f"{name}{{{label_text}}} {value} {round(float(time) * 1000)}\n")
            )
    return {node: "".join(line for _, line in sorted(found)) for node, found in lines.items()}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _snapshots(text: str, node: str, source: PrometheusRange) -> Iterator[Snapshot]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scrapes.prom")
        path.write_text(text, encoding="utf-8")
        try:
            with closing(replay(path, host=node)) as reader:
                yield from reader
                for problem in reader.problems:
                    source.findings.add(source.url, problem.replace(str(path), node))
        except TelemetryError as error:
            source.findings.add(source.url, str(error).replace(str(path), node))


def write_range(storage: Storage, source: PrometheusRange) -> Iterator[int]:
    """Write the range into a store, and yield the number of snapshots of each chunk."""
    with StoreWriter(storage, flush_seconds=86_400.0) as writer:
        for series in source.answers():
            before = writer.added
            try:
                scrapes = _scrapes(series)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                source.findings.add(source.url, f"an answer is not a matrix of series ({error})")
                scrapes = {}
            for node, text in scrapes.items():
                source.nodes.add(node)
                for snapshot in _snapshots(text, node, source):
                    writer.add(snapshot)
            yield writer.added - before
