"""A GPU exporter: its metrics, and how the samples of one scrape become a snapshot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.prometheus.samples import Sample
from gpurules.telemetry.formats.prometheus.scrapes import IsRelevant, host_of, read_scrapes, time_of
from gpurules.telemetry.recordings.reader import RecordingReader

ToGpus: TypeAlias = Callable[[Sequence[Sample]], tuple[GPU, ...]]
ToText: TypeAlias = Callable[[Sequence[Sample]], str | None]


def _nothing(samples: Sequence[Sample]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter: which metrics are its own, and what its samples say.

    Missing: ``driver`` and ``why_unread`` return None where the exporter does not give a driver version, and where
    at least one of its metrics is read.
    """

    name: str
    is_metric: IsRelevant
    gpus: ToGpus
    driver: ToText = _nothing
    why_unread: ToText = _nothing

    def snapshot(self, samples: Sequence[Sample], time: float, host: str | None) -> Snapshot:
        """Return the samples of one scrape of one node as a snapshot."""
        return Snapshot(timestamp=time, host=host, driver_version=self.driver(samples), gpus=self.gpus(samples))

    def read(self, recording: RecordingReader) -> Iterator[Snapshot]:
        """Walk through the scrapes of a file, one snapshot each.

        Raises:
            TelemetryError: there are several nodes and none is chosen.
        """
        for samples in read_scrapes(recording, self.is_metric):
            why = self.why_unread(samples)
            if why is not None:
                recording.problem(None, why)
            else:
                host = host_of(samples, recording.options.node)
                yield self.snapshot(samples, time_of(samples, recording), host)
