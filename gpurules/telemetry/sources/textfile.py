"""Metrics in the files of a directory, as node_exporter's textfile collector reads them.

Source: https://github.com/prometheus/node_exporter#textfile-collector; a script writes to another name and renames.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpurules.input_files import read_input
from gpurules.model import Snapshot, format_duration
from gpurules.telemetry.formats.prometheus.feeds import Page, UnusablePart, fill_fields, metrics_of
from gpurules.telemetry.formats.prometheus.samples import MAX_SAMPLES, Sample, SampleParser
from gpurules.telemetry.live.isolation.thread import InThread
from gpurules.telemetry.live.opening import LiveOptions
from gpurules.telemetry.live.poll import PollRequest
from gpurules.telemetry.live.source import LiveSource
from gpurules.telemetry.source import SourceOptions, TelemetryError

MAX_FILE, MOST_FILES = 4 << 20, 1000
"""Bytes of one file, and files of a directory; what is beyond is not read, and said."""
STALE_AFTER = 900.0
"""Seconds after which a file that was not written again is stale."""
_SUFFIX = ".prom"
_EXAMPLE = "textfile:/var/lib/node_exporter/textfile"


class _Unusable(Exception):
    """A file cannot be used, for the reason given; ``metrics`` are those that it mentions, None if unknown."""

    def __init__(self, reason: str, metrics: frozenset[str] | None = None) -> None:
        super().__init__(reason)
        self.metrics = metrics


@dataclass(frozen=True, slots=True)
class TextfileReader:
    """Reads ``*.prom`` in *folder*; a stale, truncated or invalid file is skipped.

    Units: ``stale_after`` in seconds.
    """

    folder: Path
    stale_after: float = STALE_AFTER
    clock: Callable[[], float] = time.time

    def read(self, request: PollRequest) -> Snapshot:
        """Return the fields of the node that the files feed; files list no GPUs.

        Raises:
            TelemetryError: the directory cannot be read.
        """
        pages = self.pages(metrics_of(request.feeds))
        return fill_fields(Snapshot(timestamp=self.clock()), pages, request.feeds)

    def pages(self, wanted: frozenset[str]) -> tuple[Page, ...]:
        """Return the samples of the *wanted* metrics in all usable files.

        Raises:
            TelemetryError: the directory cannot be read.
        """
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.suffix == _SUFFIX)
        except OSError as error:
            raise TelemetryError(f"{self.folder} cannot be read: {error.strerror or error}") from None
        samples: list[Sample] = []
        failed: list[UnusablePart] = []
        for path in paths[:MOST_FILES]:
            try:
                samples += self._samples(path, wanted)
            except _Unusable as error:
                failed.append(UnusablePart(f"{path}: {error}", error.metrics))
        if len(paths) > MOST_FILES:
            reason = f"{self.folder} has {len(paths)} files, and only the first {MOST_FILES} are read"
            failed.append(UnusablePart(reason))
        return (Page(str(self.folder), tuple(samples), tuple(failed)),)

    def _samples(self, path: Path, wanted: frozenset[str]) -> Iterator[Sample]:
        text, age = self._text(path)
        mentioned = frozenset(name for name in wanted if name in text)
        if age > self.stale_after:
            raise _Unusable(f"last written {format_duration(int(age))} ago; stale", mentioned)
        if text and not text.endswith("\n"):
            raise _Unusable("cut short: the last line has no line ending", mentioned)
        parser, found = SampleParser(), list[Sample]()
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            sample = parser.parse(line)
            if sample is None:
                raise _Unusable(f"line {number} is not a sample: {line[:60]!r}", mentioned)
            if sample.name in wanted:
                found.append(sample)
            if len(found) > MAX_SAMPLES:
                raise _Unusable(f"more than {MAX_SAMPLES} samples", mentioned)
        return iter(found)

    def _text(self, path: Path) -> tuple[str, float]:
        """Return the text of a file, and its age in seconds."""
        try:
            age = self.clock() - path.stat().st_mtime
            data = read_input(path, MAX_FILE)
        except (OSError, ValueError) as error:
            raise _Unusable(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if len(data) > MAX_FILE:
            raise _Unusable(f"larger than {MAX_FILE >> 20} MiB")
        try:
            return data.decode("utf-8"), age
        except UnicodeDecodeError:
            raise _Unusable("not UTF-8") from None

    def close(self) -> None:
        """Nothing is held between reads."""


class TextfileFactory:
    """Opens ``textfile:/var/lib/node_exporter/textfile`` or ``textfile:DIR,stale=3600``."""

    name = "textfile"
    summary = "fields of the node from *.prom files, as node_exporter reads them"

    def open(self, argument: str, options: Mapping[str, object]) -> LiveSource:
        """Return a source for the files of a directory; none is read before the source is.

        Raises:
            TelemetryError: the directory does not exist, or an option is invalid.
        """
        reader, live = self.reader(argument, options)
        return LiveSource(self.name, InThread(reader, live.timeout), live.fields, live.drop_after)

    def reader(self, argument: str, options: Mapping[str, object]) -> tuple[TextfileReader, LiveOptions]:
        """Return the reader of the files, and the common options of live sources.

        Raises:
            TelemetryError: the directory does not exist, or an option is invalid.
        """
        folder, _, said = argument.partition(",")
        if not folder:
            raise TelemetryError(f"textfile needs a directory, as in {_EXAMPLE}")
        taken = SourceOptions.parse(self.name, said, options)
        live = LiveOptions.take(taken)
        stale_after = taken.number("stale", STALE_AFTER, 1.0)
        taken.finish()
        return TextfileReader(Path(folder), stale_after), live
