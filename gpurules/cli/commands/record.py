"""``gpurules record``."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TextIO

import click

from gpurules.cli.options import option, source_options
from gpurules.cli.output import counted, note, say, write
from gpurules.cli.progress import in_sight, report_unread
from gpurules.cli.signals import signals
from gpurules.cli.telemetry import no_telemetry, open_telemetry
from gpurules.engine.polling.source_worker import SourceWorker
from gpurules.strict_json import dumps
from gpurules.telemetry import EndOfTelemetry, FiniteSource, TelemetryError, TelemetryTimeout

DEFAULT_INTERVAL = 5.0


@click.command("record")
@source_options
@option(
    "-o", "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Add to this file; without it, stdout.",
)  # fmt: skip
@option("--count", type=click.IntRange(1), help="End after so many snapshots.")
def command(source: str, output: Path | None, count: int | None, **options: object) -> int:
    """Record telemetry, one JSON a line, until it is interrupted: every 5 seconds, or --interval.

    What is recorded can be played back with replay:FILE. Recorded and simulated telemetry is written at once.
    """
    opened, interval = open_telemetry(source, options)
    pause = 0.0 if isinstance(opened, FiniteSource) else interval or DEFAULT_INTERVAL
    reading, ends, written, is_finite = SourceWorker(opened), SimpleQueue[int](), 0, isinstance(opened, FiniteSource)
    try:
        with signals(ends.put, lambda: None), _opened(output) as file:
            lines = _lines(reading, pause, ends, is_finite)
            for line in in_sight(lines, "snapshots", file=opened) if is_finite and output is not None else lines:
                if not (write(line) if file is None else _add(line, file)):
                    break
                written += 1
                if written == count:
                    break
    finally:
        reading.close(2.0)
        report_unread(opened)
    if output is not None:
        say(f"gpurules: {counted(written, 'snapshot')} added to {output}")
    with suppress(Empty):
        return ends.get_nowait()
    return 0


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    with path.open("a", encoding="utf-8") as file:
        yield file


def _add(line: str, file: TextIO) -> bool:
    file.write(line)
    file.flush()
    return True


def _lines(reading: SourceWorker, pause: float, ends: "SimpleQueue[int]", is_finite: bool) -> Iterator[str]:
    """Yield a line for each snapshot; what cannot be read is said once, and tried again.

    Raises:
        TelemetryError: a recording cannot be read: trying again would give the same.
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
                yield dumps(snapshot.to_dict()) + "\n"
        with suppress(Empty):
            ends.put(ends.get(timeout=max(0.0, pause - (time.monotonic() - began))))
