"""Reads the Prometheus text format: one sample a line.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpurules.telemetry.formats.lines import Line
from gpurules.telemetry.formats.recording import Recording

_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)\s*(\{.*\})?\s+(\S+)(?:\s+(-?\d{1,18}(?:\.\d+)?))?\s*", re.ASCII)
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.ASCII)
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_ESCAPE = re.compile(r'\\[\\"n]')
MAX_SAMPLES = 200_000
"""The most samples of one scrape; a node with 16 GPUs has some 2,000."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Units: ``time`` in seconds since 1970.
    Missing: ``value`` where it is NaN or infinite, ``time`` where the line has none.
    """

    name: str
    labels: Mapping[str, str]
    value: float | None
    time: float | None = None


def _labels(text: str) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text) and text[at:].strip():
        match = _LABEL.match(text, at)
        if match is None:
            return None
        labels[match[1]] = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], match[2])
        at = match.end()
    return labels


def parse_sample(text: str) -> Sample | None:
    """Return the sample of one line, None where it is none.

    >>> parse_sample('power{gpu="0"} 653.21').value
    653.21
    """
    match = _SAMPLE.fullmatch(text.strip())
    labels = None if match is None else _labels((match[2] or "{}")[1:-1])
    if match is None or labels is None:
        return None
    try:
        value = float(match[3])
    except ValueError:
        return None
    time = float(match[4]) / 1000 if match[4] else None
    return Sample(match[1], labels, value if math.isfinite(value) else None, time)


def is_comment(line: Line) -> bool:
    """Tell whether a line says nothing: it is blank, a comment, or HELP and TYPE."""
    return not line.text.strip() or line.text.lstrip().startswith("#")


def read_scrapes(recording: Recording) -> Iterator[list[Sample]]:
    """Walk through the scrapes of a file: a series that comes a second time begins the next one.

    Raises:
        TelemetryError: one scrape has more than ``MAX_SAMPLES``.
    """
    samples: list[Sample] = []
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for line in recording.lines:
        if is_comment(line):
            continue
        sample = parse_sample(line.text)
        if sample is None:
            recording.problem(line.number, f"no sample: {line.text[:80]!r}")
            continue
        series = (sample.name, tuple(sorted(sample.labels.items())))
        if series in seen:
            yield samples
            samples, seen = [], set()
        if len(samples) >= MAX_SAMPLES:
            raise recording.error(line.number, f"one scrape has more than {MAX_SAMPLES} samples; is this of one node?")
        samples.append(sample)
        seen.add(series)
    if samples:
        yield samples


def time_of(samples: list[Sample], recording: Recording) -> float:
    """Return the time of a scrape: that of its first sample that has one, else the next step of the recording."""
    time = next((sample.time for sample in samples if sample.time is not None), None)
    return recording.next_time() if time is None else time
