"""``gpurules record``."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TextIO

import click

from gpurules.cli.extras import need_history
from gpurules.cli.inputs.telemetry import no_telemetry, open_telemetry
from gpurules.cli.options import option, source_options
from gpurules.cli.process.signals import signals
from gpurules.cli.terminal.output import note, pluralize, say, write
from gpurules.cli.terminal.progress import report_unread, with_progress
from gpurules.engine.polling.source_worker import SourceWorker
from gpurules.input_files import is_folder_or_url
from gpurules.model import Snapshot
from gpurules.strict_json import dumps
from gpurules.telemetry import EndOfTelemetry, FiniteSource, TelemetryError, TelemetryTimeout

DEFAULT_INTERVAL = 5.0


@click.command("record")
@source_options
@option(
    "-o", "--output", "given",
    metavar="FILE",
    help="Append to this file, or to this store if it ends in /, is a folder or a URL; default: stdout.",
)  # fmt: skip
@option("--count", type=click.IntRange(1), help="Stop after COUNT snapshots.")
def command(source: str, given: str | None, count: int | None, **options: object) -> int:
    """Record telemetry until interrupted, every 5 seconds or --interval: as one JSON object per line, or into a store.

    Replay a recorded file with replay:FILE; backtest and tune read a store.
    Recorded and simulated telemetry is written immediately.
    """
    opened, interval = open_telemetry(source, options)
    pause = 0.0 if isinstance(opened, FiniteSource) else interval or DEFAULT_INTERVAL
    reading, ends, written, is_finite = SourceWorker(opened), SimpleQueue[int](), 0, isinstance(opened, FiniteSource)
    try:
        with signals(ends.put, lambda: None), _opened(given) as add:
            snapshots = _snapshots(reading, pause, ends, is_finite)
            for one in (
                with_progress(snapshots, "snapshots", file=opened) if is_finite and given is not None else snapshots
            ):
                if not add(one):
                    break
                written += 1
                if written == count:
                    break
    finally:
        reading.close(2.0)
        report_unread(opened)
    if given is not None:
        say(f"gpurules: {pluralize(written, 'snapshot')} added to {given}")
    with suppress(Empty):
        return ends.get_nowait()
    return 0


def _is_store(given: str) -> bool:
    return given.endswith("/") or is_folder_or_url(given)


@contextmanager
def _opened(given: str | None) -> Iterator[Callable[[Snapshot], bool]]:
    """Yield a function that adds a snapshot to stdout, a file or a store; it returns False when no more are needed."""
    if given is None:
        yield lambda snapshot: write(dumps(snapshot.to_dict()) + "\n")
    elif _is_store(given):
        need_history()
        from gpurules.history.store.storage import RecordingStoreError, Storage
        from gpurules.history.store.writer import StoreWriter

        said: list[str] = []

        def complain(error: Exception) -> None:
            if not said:
                note(f"{given} cannot be written: {error}; the recording is kept in memory and retried")
            said.append(str(error))

        with StoreWriter(Storage(given), complain=complain) as writer:
            yield lambda snapshot: bool(writer.add(snapshot)) or True
        if lost := writer.lost + writer.unwritten:
            raise RecordingStoreError(
                f"{given} lacks {pluralize(lost, 'snapshot')} that could not be written: {said[-1]}"
            )
    else:
        with Path(given).open("a", encoding="utf-8") as file:
            yield lambda snapshot: _add(dumps(snapshot.to_dict()) + "\n", file)


def _add(line: str, file: TextIO) -> bool:
    file.write(line)
    file.flush()
    return True


def _snapshots(reading: SourceWorker, pause: float, ends: "SimpleQueue[int]", is_finite: bool) -> Iterator[Snapshot]:
    """Yield each snapshot that is newer than the last; a failed read is reported once and retried.

    Raises:
        TelemetryError: a recording cannot be read; a retry would fail too.
    """
    said, last = None, float("-inf")
    while ends.empty():
        began = time.monotonic()
        try:
            snapshot = reading.read(pause or 60.0)
        except EndOfTelemetry:
            return
        except TelemetryError as error:
            if is_finite and not isinstance(error, TelemetryTimeout):
                raise
            if said is None:
                for line in no_telemetry(error, pause):
                    note(line)
            said = str(error)
        else:
            said = None
            if snapshot.timestamp > last:
                last = snapshot.timestamp
                yield snapshot
        with suppress(Empty):
            ends.put(ends.get(timeout=max(0.0, pause - (time.monotonic() - began))))
