"""Splits Prometheus text into scrapes, and selects those of one node."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TypeAlias

from gpurules.telemetry.formats.prometheus.samples import MAX_SAMPLES, Sample, SampleParser
from gpurules.telemetry.recordings.reader import RecordingReader
from gpurules.telemetry.source import TelemetryError

_NODES = ("Hostname", "hostname", "node", "kubernetes_node", "instance", "exported_instance")
"""Labels that name the node, best first."""
Key: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
"""A series: its metric, and its labels but those that come and go."""
_BAD_TYPE = re.compile(
    r"# TYPE \S+ (?!(?:counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram)\s*$)"
)
MAX_SORTED = 500_000
"""The most samples that are put in order of time: some 100 MB of memory."""
_HEAD = 256
"""How many samples and comments are looked at to see that a text lists one series after the other."""
Entry: TypeAlias = "tuple[int, Sample | str]"
"""A comment or a sample, and its line."""
IsRelevant: TypeAlias = Callable[[str], bool]


@dataclass(slots=True)
class _Scrape:
    """The current scrape."""

    samples: list[Sample] = field(default_factory=list)
    headings: set[tuple[str, str]] = field(default_factory=set)
    values: dict[Key, Sample] = field(default_factory=dict)
    time: float | None = None
    last_name: str = ""

    def begins_next(self, sample: Sample, key: Key) -> bool:
        """Return whether *sample* belongs to the next scrape: by its time, or because its series repeats.

        Varying labels do not make a different series; within a run of one metric they may distinguish pods that share a
        GPU, with equal values.
        """
        if sample.time is not None and self.time is not None and sample.time != self.time:
            return True
        before = self.values.get(key)
        if before is None:
            return False
        is_run = self.last_name == sample.name and before.labels != sample.labels
        return not (is_run and before.value == sample.value)


def read_scrapes(recording: RecordingReader, is_relevant: IsRelevant) -> Iterator[list[Sample]]:
    """Yield the scrapes of a file with only the relevant metrics.

    A scrape ends at ``# EOF``, at a repeated HELP or TYPE, at another time, and at a repeated series.

    Raises:
        TelemetryError: one scrape has more than ``MAX_SAMPLES``, or there are several nodes and none is selected.
    """
    scrape = _Scrape()
    for number, found in _by_time(_entries(recording, is_relevant), recording):
        if isinstance(found, str):
            if _ends(scrape, found):
                yield from _of_one_node(scrape.samples, recording)
                scrape = _Scrape()
                _ends(scrape, found)
            continue
        key = _series(found)
        if scrape.begins_next(found, key):
            yield from _of_one_node(scrape.samples, recording)
            scrape = _Scrape()
        if len(scrape.samples) >= MAX_SAMPLES:
            raise recording.error(
                number, f"one scrape has more than {MAX_SAMPLES} samples; does it cover a single node?"
            )
        scrape.samples.append(found)
        scrape.values[key] = found
        scrape.last_name = found.name
        if found.time is not None:
            scrape.time = found.time
    yield from _of_one_node(scrape.samples, recording)


def _entries(recording: RecordingReader, is_relevant: IsRelevant) -> Iterator[Entry]:
    """Yield the comments and the relevant samples of a file; other lines are problems."""
    parser, renames, in_seconds = SampleParser(), recording.options.renames, None
    for line in recording.lines:
        text = line.text.strip()
        if line.is_cut_off and text and text != "# EOF":
            recording.problem(line.number, f"the last line has no line ending, so it may be cut off: {text[-60:]!r}")
            continue
        if text[:1] in ("#", ""):
            if _BAD_TYPE.match(text):
                recording.problem(line.number, f"not the type of a metric: {text[-60:]!r}")
            yield line.number, text
            continue
        sample = parser.parse(text)
        if sample is None:
            recording.problem(line.number, f"not a sample: {text[:80]!r}")
            continue
        if renames and (renamed := renames.get(sample.name.lower())):
            sample = sample._replace(name=renamed)
        if not is_relevant(sample.name):
            continue
        if sample.time is not None:
            in_seconds = sample.in_seconds if in_seconds is None else in_seconds
            if sample.in_seconds is not in_seconds or not _is_plausible(sample.time):
                recording.problem(line.number, f"a time in a different format from those before: {text[-40:]!r}")
                continue
        yield line.number, sample


def _by_time(entries: Iterator[Entry], recording: RecordingReader) -> Iterator[Entry]:
    """Sort a text that lists one series after the other, as ``promtool tsdb dump`` does, by time.

    Raises:
        TelemetryError: it has too many samples.
    """
    head: list[Entry] = []
    is_dump = False
    for entry in entries:
        is_dump = bool(head) and _goes_on(head[-1][1], entry[1])
        head.append(entry)
        if is_dump or len(head) >= _HEAD or (isinstance(entry[1], Sample) and entry[1].time is None):
            break
    if not is_dump:
        yield from chain(head, entries)
        return
    samples = [
        (number, found) for number, found in islice(chain(head, entries), MAX_SORTED) if isinstance(found, Sample)
    ]
    more = next(entries, None)
    if more is None:
        yield from sorted(samples, key=lambda entry: entry[1].time or 0.0)
    elif any(_series(sample) != _series(samples[0][1]) for _, sample in samples):
        raise recording.error(
            more[0],
            f"this lists one series after the other, and has more than {MAX_SORTED:,} samples; sort it by time first: "
            "awk '{print $NF, $0}' FILE | sort -n -s | cut -d' ' -f2- > SORTED",
        )
    else:
        yield from chain(samples, [more], entries)


def _series(sample: Sample) -> Key:
    return sample.name, sample.labels.stable


def _goes_on(first: Sample | str, second: Sample | str) -> bool:
    """Return whether two consecutive samples are of one series at different times, and so of different scrapes."""
    if isinstance(first, str) or isinstance(second, str) or first.time is None or second.time is None:
        return False
    return second.time > first.time and _series(first) == _series(second)


def _is_plausible(time: float) -> bool:
    return 946_684_800 <= time < 4_102_444_800  # from 2000 to 2099


def _ends(scrape: _Scrape, text: str) -> bool:
    """Return whether a comment ends the scrape; if not, record its heading."""
    parts = text.split(None, 3)[:3]
    if parts == ["#", "EOF"]:
        return True
    if len(parts) < 3 or parts[1] not in ("HELP", "TYPE"):
        return False
    heading = (parts[1], parts[2])
    if heading in scrape.headings:
        return True
    scrape.headings.add(heading)
    return False


def node_of(sample: Sample) -> str | None:
    """Return the node in the labels of a sample.

    Missing: the labels do not name one.
    """
    return next((value for name in _NODES if (value := sample.labels.get(name))), None)


def nodes_of(samples: Sequence[Sample]) -> list[str]:
    """Return the nodes of samples, in order of appearance."""
    return list(dict.fromkeys(node for sample in samples if (node := node_of(sample)) is not None))


def _of_one_node(samples: list[Sample], recording: RecordingReader) -> Iterator[list[Sample]]:
    samples = select_node(samples, recording.options.node, recording.place)
    if samples:
        yield samples


def select_node(samples: list[Sample], node: str | None, place: str) -> list[Sample]:
    """Return the samples of *node*, or of the only node; samples without a node label belong to any.

    Raises:
        TelemetryError: there are several nodes, and none is selected.
    """
    if node is not None:
        return [sample for sample in samples if _is_of(sample, node)]
    nodes = nodes_of(samples)
    if len(nodes) > 1:
        raise TelemetryError(
            f"{place} covers several nodes ({', '.join(nodes[:4])}); select one with --node {nodes[0]}"
        )
    return samples


def _is_of(sample: Sample, node: str) -> bool:
    named = [value for name in _NODES if (value := sample.labels.get(name))]
    return not named or any(value in (node, f"{node}:9400") for value in named)


def time_of(samples: list[Sample], recording: RecordingReader) -> float:
    """Return the time of a scrape: that of its first sample with one, else the next step of the recording."""
    time = next((sample.time for sample in samples if sample.time is not None), None)
    return recording.next_time() if time is None else time


def host_of(samples: Sequence[Sample], node: str | None) -> str | None:
    """Return the node of a scrape, under the name by which it was selected."""
    nodes = nodes_of(samples)
    return node if nodes and node else next(iter(nodes), None)
