"""Plays back telemetry that any supported tool recorded."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl

from gpurules.fields import Field
from gpurules.model import Snapshot
from gpurules.telemetry.formats import jsonl
from gpurules.telemetry.formats.amd import amd_smi, rocm_smi
from gpurules.telemetry.formats.intel import intel_gpu_top, xpu_smi_dump
from gpurules.telemetry.formats.nvidia import capture, smi_text, smi_xml
from gpurules.telemetry.formats.nvidia.csv import log
from gpurules.telemetry.formats.prometheus import all_smi, dcgm, nvidia_gpu_exporter, xpum
from gpurules.telemetry.formats.prometheus.samples import looks_like_metrics
from gpurules.telemetry.formats.refusals import why_unknown
from gpurules.telemetry.recordings.files import RecordingFile
from gpurules.telemetry.recordings.lines import Line, close_after, lines_of, open_recording
from gpurules.telemetry.recordings.options import RecordingOptions
from gpurules.telemetry.recordings.order import Order
from gpurules.telemetry.recordings.reader import RecordingReader
from gpurules.telemetry.source import EndOfTelemetry, SourceOptions, TelemetryError
from gpurules.telemetry.tracking.xid_ages import XidAges

HEAD = 64
"""How many lines are looked at to detect the format."""
HEAD_OF_METRICS = 20_000
"""How many more lines are looked at of a page of metrics, which begins with those of the exporter itself."""
Read: TypeAlias = Callable[[RecordingReader], Iterator[Snapshot]]


@dataclass(frozen=True, slots=True)
class RecordingFormat:
    """A recording format: how to recognize it by the first lines, and how to read it."""

    name: str
    recognizes: Callable[[Sequence[Line]], bool]
    read: Read


FORMATS = (
    RecordingFormat("gpurules JSONL", jsonl.recognizes, jsonl.read),
    RecordingFormat("capture of nvidia-smi commands", capture.recognizes, capture.read),
    RecordingFormat("nvidia-smi -q -x XML", smi_xml.recognizes, smi_xml.read),
    RecordingFormat("nvidia-smi -q text", smi_text.recognizes, smi_text.read),
    RecordingFormat("dcgm-exporter text", dcgm.recognizes, dcgm.EXPORTER.read),
    RecordingFormat("nvidia_gpu_exporter text", nvidia_gpu_exporter.recognizes, nvidia_gpu_exporter.EXPORTER.read),
    RecordingFormat("XPU Manager exporter text", xpum.recognizes, xpum.EXPORTER.read),
    RecordingFormat("all-smi text", all_smi.recognizes, all_smi.EXPORTER.read),
    RecordingFormat("intel_gpu_top JSON", intel_gpu_top.recognizes, intel_gpu_top.read),
    RecordingFormat("amd-smi metric JSON", amd_smi.recognizes, amd_smi.read),
    RecordingFormat("rocm-smi JSON", rocm_smi.recognizes, rocm_smi.read),
    RecordingFormat("xpu-smi dump CSV", xpu_smi_dump.recognizes, xpu_smi_dump.read),
    RecordingFormat("nvidia-smi --query-gpu CSV", log.recognizes, log.read),
)
"""Every format, in the order in which they are tried."""


class Replay:
    """A recording that is played back, snapshot by snapshot, with a bounded part of the file in memory."""

    def __init__(
        self, recording: RecordingReader, format_name: str, snapshots: Iterator[Snapshot], file: RecordingFile
    ) -> None:
        self.name = f"replay:{recording.place}"
        self.format = format_name
        self.count = 0
        self._recording = recording
        self._file = file
        self._xid_ages = XidAges()
        self._read = snapshots
        self._snapshots = Order(recording).watch(snapshots)

    @property
    def problems(self) -> tuple[str, ...]:
        """The first few unusable lines, each with its place."""
        return tuple(self._recording.problems)

    @property
    def problem_count(self) -> int:
        """The number of unusable lines, documents and snapshots so far."""
        return self._recording.problem_count

    @property
    def notices(self) -> tuple[str, ...]:
        """The assumptions about what the recording does not specify."""
        return tuple(self._recording.notices)

    @property
    def share(self) -> float | None:
        """The share of the file that has been read, 0 to 1.

        Missing: the size of the file is unknown, as for a pipe.
        """
        return self._file.share

    def feed(self, fields: Collection[Field]) -> None:
        """Fill *fields* from the next snapshot on, where the recording is Prometheus text."""
        self._recording.feeds = tuple(fields)

    def read(self) -> Snapshot:
        """Return the next snapshot.

        Raises:
            TelemetryError: the recording cannot be read further.
            EndOfTelemetry: there is no further snapshot.
        """
        snapshot = next(self._snapshots, None)
        if snapshot is None:
            if not self.count and self.problems:
                raise TelemetryError(f"{self._recording.place} has no snapshot that can be read; {self.problems[0]}")
            raise EndOfTelemetry(f"{self._recording.place} ends after {self.count} snapshots")
        self.count += 1
        snapshot = self._xid_ages.complete(snapshot, snapshot.timestamp)
        host = self._recording.options.host
        return replace(snapshot, host=host) if host else snapshot

    def __iter__(self) -> Iterator[Snapshot]:
        while True:
            try:
                yield self.read()
            except EndOfTelemetry:
                return

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        for generator in (self._snapshots, self._read, self._recording.lines):
            if hasattr(generator, "close"):
                generator.close()
        self._file.close()


def _format(place: str, head: Sequence[Line], options: RecordingOptions) -> RecordingFormat:
    for candidate in FORMATS:
        if candidate.recognizes(head):
            return candidate
    first = next((line for line in head if line.text.strip()), None)
    if first is None:
        raise TelemetryError(f"{place} is empty; record something first")
    if options.columns is not None or options.renames:
        return next(candidate for candidate in FORMATS if candidate.read is log.read)
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise TelemetryError(f"{place}:{first.number}: {why_unknown(head, known)}")


def replay(path: str | PathLike[str], **given: object) -> Replay:
    """Open the recording at *path*; the format is detected from its first lines.

    *given* are the options of ``RecordingOptions`` by their command-line names: ``columns``,
    ``timezone``, ``interval``, ``gpus``, ``single_gpu``, ``map``, ``node``, ``host``, ``date``.

    Raises:
        TelemetryError: an option is invalid, the file cannot be read, or its format is unknown.
    """
    taken = SourceOptions("replay", given)
    options = RecordingOptions.take(taken)
    taken.finish()
    file = open_recording(Path(path))
    recording = RecordingReader(str(path), iter(()), options)
    lines = close_after(file, lines_of(file, str(path), recording.problem))
    head = list(islice(lines, HEAD))
    if any(map(looks_like_metrics, head)):
        head += islice(lines, HEAD_OF_METRICS)
    try:
        chosen = _format(str(path), head, options)
    except TelemetryError:
        file.close()
        raise
    recording.lines = chain(head, lines)
    return Replay(recording, chosen.name, chosen.read(recording), file)


def split_place(argument: str) -> tuple[str, dict[str, object]]:
    """Return path and options of ``PATH?option=value&option=value``; an existing file of that name takes precedence.

    >>> split_place("smi.csv?gpus=3&timezone=Europe/Berlin")
    ('smi.csv', {'gpus': '3', 'timezone': 'Europe/Berlin'})
    """
    path, mark, query = argument.rpartition("?")
    if not mark or not path or Path(argument).exists():
        return argument, {}
    pairs = parse_qsl(query, keep_blank_values=True)
    options: dict[str, object] = dict(pairs)
    renames = tuple(value for name, value in pairs if name == "map")
    return path, {**options, **({"map": renames} if renames else {})}


class ReplayFactory:
    """Opens ``replay:PATH``."""

    name = "replay"
    summary = "recordings from any supported tool"

    def open(self, argument: str, options: Mapping[str, object]) -> Replay:
        """Return the recording at the path *argument*.

        Raises:
            TelemetryError: an option is unknown, or the recording cannot be opened.
        """
        if not argument:
            raise TelemetryError("replay needs the path of a recording, as in replay:node.jsonl")
        path, asked = split_place(argument)
        return replay(path, **{**asked, **options})
