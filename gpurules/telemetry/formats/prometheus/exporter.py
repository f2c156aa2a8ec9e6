"""The description of a GPU exporter: its metrics, and the conversion of a scrape to a snapshot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.model import GPU, Snapshot
from gpurules.telemetry.formats.prometheus.feeds import STALE_AFTER, Page, fill_fields, metrics_of
from gpurules.telemetry.formats.prometheus.samples import Sample
from gpurules.telemetry.formats.prometheus.scrapes import IsRelevant, host_of, read_scrapes, time_of
from gpurules.telemetry.recordings.reader import RecordingReader

ToGpus: TypeAlias = Callable[[Sequence[Sample]], tuple[GPU, ...]]
ToText: TypeAlias = Callable[[Sequence[Sample]], str | None]


def _nothing(samples: Sequence[Sample]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter: how its metrics are recognized and interpreted.

    Missing: ``driver`` returns None if the exporter has no driver version, ``why_unread`` if at least one of its
    metrics is read.
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
        """Walk through the scrapes of a file, one snapshot each, with the fields that the recording feeds.

        Raises:
            TelemetryError: there are several nodes and none is selected.
        """
        metrics, waiting = metrics_of(recording.feeds), _Waiting()
        for samples in read_scrapes(recording, lambda name: name in metrics or self.is_metric(name)):
            own = [sample for sample in samples if self.is_metric(sample.name)] if metrics else samples
            if not own and samples[0].time is not None:
                waiting.add(samples)
                continue
            why = self.why_unread(own) if own else None
            if why is not None:
                recording.problem(None, why)
                continue
            host, time = host_of(samples, recording.options.node), time_of(own or samples, recording)
            snapshot = self.snapshot(own, time, host)
            if metrics:
                page = Page(recording.place, waiting.join(samples, time))
                snapshot = fill_fields(snapshot, [page], recording.feeds)
            yield snapshot


class _Waiting:
    """Series with times of their own that came without one of the exporter: they are read with its next scrape.

    A dump has the scrapes of several jobs one after the other. Without times, a scrape that has no series of the
    exporter is of a node whose exporter is gone, and does not wait.
    """

    def __init__(self) -> None:
        self._samples: dict[tuple[str, frozenset[tuple[str, str]]], Sample] = {}

    def add(self, samples: Sequence[Sample]) -> None:
        self._samples |= {_key(sample): sample for sample in samples}
        self._keep(samples[-1].time or 0.0)

    def join(self, samples: Sequence[Sample], now: float) -> Sequence[Sample]:
        """Return *samples* with the others that are not stale."""
        self._keep(now)
        named = set(map(_key, samples)) if self._samples else set()
        return [*samples, *(sample for key, sample in self._samples.items() if key not in named)]

    def _keep(self, now: float) -> None:
        self._samples = {k: one for k, one in self._samples.items() if now - (one.time or 0.0) <= STALE_AFTER}


def _key(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.name, frozenset(sample.labels.items())
