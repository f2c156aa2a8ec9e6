"""GPUs through a scrape of an exporter, on this node or another.

Source: https://github.com/NVIDIA/dcgm-exporter, https://github.com/utkuozdemir/nvidia_gpu_exporter,
https://github.com/intel/xpumanager, https://github.com/lablup/all-smi; the Prometheus text format.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpurules.model import Snapshot
from gpurules.telemetry.formats.prometheus import all_smi, dcgm, nvidia_gpu_exporter, xpum
from gpurules.telemetry.formats.prometheus.exporter import Exporter
from gpurules.telemetry.formats.prometheus.feeds import Page, fill_fields
from gpurules.telemetry.formats.prometheus.samples import MAX_SAMPLES, Sample, SampleParser, metric_name
from gpurules.telemetry.formats.prometheus.scrapes import host_of, select_node
from gpurules.telemetry.live.availability import Availability, try_out
from gpurules.telemetry.live.isolation.thread import InThread
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.scraper import Scraper, whole_url
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryError

EXPORTERS = (dcgm.EXPORTER, nvidia_gpu_exporter.EXPORTER, xpum.EXPORTER, all_smi.EXPORTER)
"""Every exporter that is read, in the order in which they are looked for in a page."""
DCGM_URL = "http://localhost:9400/metrics"
FEED_TIMEOUT = 3.0
"""Seconds for the page of a source that is joined with others."""
_EXAMPLE = "http://localhost:9835/metrics"


class ExporterReader:
    """Reads the GPUs that an exporter reports.

    Missing: *node* None: the page is of one node.
    """

    def __init__(
        self,
        scraper: Scraper,
        exporters: Sequence[Exporter] = EXPORTERS,
        node: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.scraper = scraper
        self._exporters = exporters
        self._node = node
        self._clock = clock

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current readings of the exporter; it reports everything, whatever is requested.

        Raises:
            TelemetryError: it cannot be reached, reports no GPUs, or GPUs of several nodes and none is selected.
            TelemetryTimeout: it does not respond in time.
        """
        now, place = self._clock(), self.scraper.place
        samples, problems = self._samples(self.scraper.fetch())
        found = [(exporter, own) for exporter in self._exporters if (own := _samples_of(exporter, samples))]
        page = Page(place, select_node(samples, self._node, place) if request.feeds else ())
        if not found and request.feeds:
            snapshot = Snapshot(timestamp=now, host=host_of(page.samples, self._node), problems=tuple(problems))
            return fill_fields(snapshot, [page], request.feeds)
        if not found:
            names = " or ".join(exporter.name for exporter in self._exporters)
            raise TelemetryError(f"{place} reports no GPU; is it {names}, and has it started?")
        exporter, own = found[0]
        if (why := exporter.why_unread(own)) is not None:
            raise TelemetryError(f"{place}: {why}")
        selected = select_node(own, self._node, place)
        if not selected:
            raise TelemetryError(f"{place} has no metric of the node {self._node!r}")
        others = [f"{place} also has metrics of {other.name}, which are not read" for other, _ in found[1:]]
        snapshot = exporter.snapshot(selected, now, host_of(selected, self._node))
        if problems or others:
            snapshot = replace(snapshot, problems=(*snapshot.problems, *problems, *others))
        return fill_fields(snapshot, [page], request.feeds)

    def _samples(self, text: str) -> tuple[list[Sample], list[str]]:
        """Return the samples of a page, and notes on lines that are not samples."""
        parser, place = SampleParser(), self.scraper.place
        samples: list[Sample] = []
        bad: list[str] = []
        for line in text.split("\n"):
            if line.strip() and not line.startswith("#"):
                sample = parser.parse(line)
                (bad if sample is None else samples).append(line if sample is None else sample)  # type: ignore[arg-type]
        if len(samples) > MAX_SAMPLES:
            raise TelemetryError(f"{place} has more than {MAX_SAMPLES} samples; does it cover a single node?")
        return samples, [f"{place}: {len(bad)} lines are not samples, first {bad[0][:80]!r}"] if bad else []

    def close(self) -> None:
        """Nothing is held between reads."""


def _samples_of(exporter: Exporter, samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if exporter.is_metric(sample.name)]


def _open(name: str, address: str, options: Mapping[str, object], exporters: Sequence[Exporter]) -> LiveSource:
    taken = SourceOptions(name, options)
    live = LiveOptions.take(taken)
    node = taken.text("node")
    taken.finish()
    url = whole_url(address, f"{name}:{DCGM_URL if name == 'dcgm' else _EXAMPLE}")
    reader = ExporterReader(Scraper(url, live.timeout), exporters, node)
    # in a thread, since name resolution has no timeout
    return LiveSource(name, InThread(reader, live.timeout), live.fields, live.drop_after)


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads the metrics of any page."""

    scraper: Scraper

    def pages(self, wanted: frozenset[str]) -> tuple[Page, ...]:
        """Return the page, with samples of the *wanted* metrics.

        Raises:
            TelemetryError: it cannot be fetched, has too many samples, or is not a page of metrics.
            TelemetryTimeout: it does not arrive in time.
        """
        place, parser = self.scraper.place, SampleParser()
        samples: list[Sample] = []
        lines = bad = 0
        for line in self.scraper.fetch().split("\n"):
            if not line.strip() or line.startswith("#"):
                continue
            lines += 1
            name = metric_name(line)
            bad += not name
            if name in wanted and (sample := parser.parse(line)) is not None:
                samples.append(sample)
            if len(samples) > MAX_SAMPLES:
                raise TelemetryError(f"{place} has more than {MAX_SAMPLES} samples; does it cover a single node?")
        if bad and 2 * bad >= lines:
            raise TelemetryError(f"{place} is not a page of metrics")
        return (Page(place, samples),)


def scrape_reader(address: str, timeout: float = FEED_TIMEOUT) -> PageReader:
    """Return a reader of the page at *address*.

    Units: *timeout* in seconds.

    Raises:
        TelemetryError: the address is invalid.
    """
    if not address:
        raise TelemetryError(f"scrape needs the address of an exporter, as in scrape:{_EXAMPLE}")
    return PageReader(Scraper(whole_url(address, f"scrape:{_EXAMPLE}"), timeout))


class ScrapeFactory:
    """Opens ``scrape:http://node-7:9835/metrics``, the page of any supported exporter."""

    name = "scrape"
    summary = "GPUs through a scrape of any supported exporter"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs that an exporter reports; nothing is fetched before it is read.

        Raises:
            TelemetryError: the address or an option is invalid.
        """
        if not argument:
            raise TelemetryError(f"scrape needs the address of an exporter, as in scrape:{_EXAMPLE}")
        return _open(self.name, argument, options, EXPORTERS)


class DcgmFactory:
    """Opens ``dcgm`` (on this node) or ``dcgm:http://node-7:9400/metrics``."""

    name = "dcgm"
    summary = "GPUs through a scrape of dcgm-exporter"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the GPUs that a dcgm-exporter reports; nothing is fetched before it is read.

        Raises:
            TelemetryError: the address or an option is invalid.
        """
        return _open(self.name, argument or DCGM_URL, options, (dcgm.EXPORTER,))

    def probe(self, argument: str = "", timeout: float = 10.0) -> Availability:
        """Return whether an exporter responds; this takes at most *timeout* seconds."""
        return try_out(lambda: self.open(argument, {"timeout": timeout}))
