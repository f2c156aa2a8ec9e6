"""Imports recordings into a store with a progress bar per file, and reports what was skipped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from gpurules.cli.terminal.output import pluralize, say, write
from gpurules.cli.terminal.progress import with_progress
from gpurules.engine.recordings import Recording
from gpurules.history.store.exchange import import_recordings
from gpurules.history.store.prometheus import PrometheusRange, write_range
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.time_span import read_time as time_of
from gpurules.model import Snapshot
from gpurules.telemetry.playback import split_place

SHOWN = 5


def _files(paths: Sequence[str]) -> list[str]:
    """Return the named recordings; a folder stands for the recordings in it.

    Raises:
        click.UsageError: there is no such file, or a directory has none.
    """
    found: list[str] = []
    for path in paths:
        if not Path(split_place(path)[0]).exists():
            raise click.UsageError(f"{path}: no such file")
        is_directory = Path(path).is_dir()
        files = sorted(str(file) for file in Path(path).iterdir() if file.is_file()) if is_directory else [path]
        if not files:
            raise click.UsageError(f"{path}: no files in this directory; name recordings first and the store last")
        found += files
    return found


def import_files(paths: Sequence[str], place: str, node: str | None, options: Mapping[str, object]) -> int:
    """Import recordings, and return the number of unusable parts."""
    recordings = [Recording(path, **options) for path in _files(paths)]

    def watch(items: Iterable[Snapshot], recording: Recording) -> Iterable[Snapshot]:
        return with_progress(items, f"snapshots of {Path(recording.path).name}", file=recording)

    done = import_recordings(Storage(place), recordings, node, watch)
    nodes = ", ".join(sorted(done.nodes)[:6])
    write(
        f"{pluralize(done.snapshots, 'snapshot')} of {pluralize(len(done.nodes), 'node')} ({nodes}) "
        f"from {pluralize(done.files, 'file')}\n"
    )
    if done.ignored:
        say(f"gpurules: {pluralize(done.ignored, 'snapshot')} not newer than the previous one skipped")
    for path, problems in done.unread.items():
        for problem in problems[:SHOWN]:
            say(f"gpurules: {problem if path in problem else f'{path}: {problem}'}")
    if done.problems:
        say(f"gpurules: {pluralize(done.problems, 'line')} or files could not be used")
    if not (done.snapshots or done.ignored):
        say("gpurules: nothing was imported")
    return done.problems + (not done.snapshots and not done.ignored)


def read_time(text: str | None, default: float) -> float:
    """Parse a time: seconds since 1970, in UTC if *text* has no zone.

    Raises:
        click.UsageError: it is not a time.
    """
    if text is None:
        return default
    try:
        return time_of(text)
    except RecordingStoreError as error:
        raise click.UsageError(str(error)) from None


def import_prometheus(urls: Sequence[str], place: str, span: tuple[str | None, str | None], step: float) -> int:
    """Import ranges from Prometheus servers, by default the last day; return the number of unreadable parts."""
    end = read_time(span[1], datetime.now(UTC).timestamp())
    start, problems = read_time(span[0], end - 86_400.0), 0
    for url in urls:
        source = PrometheusRange(url.removeprefix("prometheus:"), start, end, step)
        written = sum(with_progress(write_range(Storage(place), source), "chunks", source.chunks))
        write(f"{pluralize(written, 'snapshot')} of {pluralize(len(source.nodes), 'node')} from {source.url}\n")
        for text in source.findings.texts[:SHOWN]:
            say(f"gpurules: {text}")
        if not written:
            say(f"gpurules: {source.url} has no metric of dcgm-exporter or nvidia_gpu_exporter in this range")
        problems += source.findings.count + (not written)
    return problems
