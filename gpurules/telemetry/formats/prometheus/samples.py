"""Parses the Prometheus text format and its successor OpenMetrics: one sample per line.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from gpurules.telemetry.recordings.lines import Line

_NAME = re.compile(r"[A-Za-z_:][\w:]*", re.ASCII)
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*(,|(?=\}))', re.ASCII)
_VALUE = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?|[Nn]a[Nn]|[Ii]nf(?:inity)?)", re.ASCII)
_TIME = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_ESCAPE = re.compile(r'\\[\\"n]')
MILLISECONDS_FROM = 1e11
"""A time beyond it is in milliseconds: as seconds it would be after the year 5138, as milliseconds it is after 1973."""
MAX_SAMPLES = 200_000
"""The most samples of one scrape; a node with 16 GPUs has some 2,000."""


POD = frozenset(
    {"pod", "container", "namespace", "pod_name", "container_name", "pod_namespace", "exported_pod",
     "exported_container", "exported_namespace", "err_code", "err_msg"}
)  # fmt: skip
"""Labels that come and go from scrape to scrape: who uses the GPU, and what its last error was."""


class Labels(dict[str, str]):
    """The labels of a series; ``stable`` are those that do not vary between scrapes."""

    __slots__ = ("stable",)

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(labels)
        self.stable = frozenset(item for item in labels.items() if item[0] not in POD)


_NO_LABELS = Labels({})
NAME_LABEL = "__name__"
"""The label in which Prometheus keeps the name of a metric."""


class Sample(NamedTuple):
    """One sample.

    Units: ``time`` in seconds since 1970; ``in_seconds``: the text has seconds (OpenMetrics) instead of milliseconds
    (Prometheus).
    Missing: ``value`` if it is NaN or infinite, ``time`` if the line has none.
    """

    name: str
    labels: Labels
    value: float | None
    time: float | None = None
    in_seconds: bool = False


def _labels(text: str, start: int) -> tuple[dict[str, str], int] | None:
    """Return the labels whose brace opens before *start*, and the position after it; None if it does not close."""
    labels: dict[str, str] = {}
    while (match := _LABEL.match(text, start)) is not None:
        name, value, start = match[1], match[2], match.end()
        if name in labels:
            return None
        labels[name] = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], value) if "\\" in value else value
        if not match[3]:
            break
    end = len(text) - len(text[start:].lstrip()) if text[start : start + 1].isspace() else start
    return (labels, end + 1) if text[end : end + 1] == "}" else None


class SampleParser:
    """Parses lines; label sets, which repeat in every metric and scrape, are parsed once."""

    KEPT = 4096

    def __init__(self) -> None:
        self._known: dict[str, Labels] = {}
        self._named: dict[int, tuple[Labels, Labels]] = {}

    def parse(self, text: str) -> Sample | None:
        """Parse the sample of one line; None if it is not one."""
        text = text.strip()
        match = _NAME.match(text)
        if match is None:
            return self._parse_dumped(text) if text.startswith("{") else None
        name, labels, rest = match[0], _NO_LABELS, text[match.end() :].lstrip()
        if rest[:1] == "{":
            end = rest.rfind("}") + 1
            known = self._known.get(rest[:end])
            if known is None:
                found = _labels(rest, 1)
                if found is None:
                    return None
                known, end = Labels(found[0]), found[1]
                if len(self._known) >= self.KEPT:
                    self._known.clear()
                self._known[rest[:end]] = known
            labels, rest = known, rest[end:]
        elif match.end() < len(text) and not text[match.end()].isspace():
            return None
        return _sample(name, labels, rest)

    def _parse_dumped(self, text: str) -> Sample | None:
        """Parse a line of ``promtool tsdb dump``, in which the name is a label."""
        named = self.parse(f"_{text}")
        if named is None or not _NAME.fullmatch(name := named.labels.get(NAME_LABEL, "")):
            return None
        labels = self._named.get(id(named.labels))
        if labels is None or labels[0] is not named.labels:
            others = Labels({key: value for key, value in named.labels.items() if key != NAME_LABEL})
            if len(self._named) >= self.KEPT:
                self._named.clear()
            labels = self._named[id(named.labels)] = (named.labels, others)
        return named._replace(name=name, labels=labels[1])


def metric_name(text: str) -> str:
    """Return the metric that a line seems to belong to; empty if there is none.

    >>> metric_name('up{a="b"} 1'), metric_name('{__name__="up", a="b"} 1 1700000000000'), metric_name("# EOF")
    ('up', 'up', '')
    """
    match = _NAME.match(text)
    if match is None and text.startswith("{"):
        sample = parse_sample(text)
        return "" if sample is None else sample.name
    return match[0] if match else ""


def _sample(name: str, labels: Labels, rest: str) -> Sample | None:
    parts = rest.partition(" # {")[0].split()  # an OpenMetrics exemplar follows
    if not 1 <= len(parts) <= 2 or not _VALUE.fullmatch(parts[0]):
        return None
    value: float | None = float(parts[0])
    if value is not None and not math.isfinite(value):
        value = None
    if len(parts) == 1:
        return Sample(name, labels, value)
    if not _TIME.fullmatch(parts[1]):
        return None
    time = float(parts[1])
    in_seconds = time < MILLISECONDS_FROM
    return Sample(name, labels, value, time if in_seconds else time / 1000, in_seconds)


def parse_sample(text: str) -> Sample | None:
    """Parse the sample of one line; None if it is not one.

    >>> parse_sample('power{gpu="0"} 653.21').value
    653.21
    """
    return SampleParser().parse(text)


def is_comment(line: Line) -> bool:
    """Return whether a line is blank, a comment, or HELP and TYPE."""
    return not line.text.strip() or line.text.lstrip().startswith("#")


def looks_like_metrics(line: Line) -> bool:
    """Return whether a line is from a page of metrics: a sample with a label, or a TYPE line."""
    text = line.text.lstrip()
    return text.startswith(("# HELP ", "# TYPE ")) or ("{" in text and parse_sample(text) is not None)
