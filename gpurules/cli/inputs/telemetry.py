"""Opens the telemetry source that the command line names, and explains what is missing when there is none."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gpurules.cli.extras import need_history
from gpurules.cli.options import given_options
from gpurules.input_files import is_folder_or_url
from gpurules.model import Snapshot, format_duration
from gpurules.telemetry import Source, TelemetryError, open_source

if TYPE_CHECKING:
    from gpurules.engine.recordings import Recording
    from gpurules.history.store.exchange import StoredRecording

_WITH_INTERVAL = ("replay", "synthetic")


def open_telemetry(source: str, options: Mapping[str, object]) -> tuple[Source, float | None]:
    """Return the source and its polling interval (None: that of the ruleset).

    The option ``interval`` is the sampling interval of a recording; for any other source, the polling interval.

    Raises:
        RegistrationError: no source has that name.
        TelemetryError: an option does not apply, or the source cannot be opened.
    """
    given = given_options(options)
    if source.partition(":")[0] in _WITH_INTERVAL:
        return open_source(source, **given), None
    interval = given.pop("interval", None)
    return open_source(source, **given), interval if isinstance(interval, float) and interval > 0 else None


def no_telemetry(error: TelemetryError, interval: float | None) -> Iterator[str]:
    """Yield the reasons why there is no telemetry, a line for each source that was tried, and what happens next.

    Units: *interval* in seconds.
    Missing: *interval* None: there is no retry.
    """
    yield f"no telemetry: {error.summary}"
    yield from (f"  {name}: {reason}" for name, reason in error.reasons.items())
    if interval is not None:
        every = format_duration(interval)
        yield f"retrying every {every}; until then GPU facts are missing (Ctrl-C to stop)"


def no_gpu(snapshot: Snapshot | None) -> Iterator[str]:
    """Yield a line if a snapshot has no GPU."""
    if snapshot is not None and not snapshot.gpus:
        yield "the source reports no GPUs: rules about GPUs cannot match until it does"


def recordings_at(path: str, options: Mapping[str, object]) -> "list[Recording | StoredRecording]":
    """Return the recordings at *path*: the file itself, or of a store one per node, or that of the named node.

    For a store, the options ``from`` and ``to`` limit the span that is read.

    Raises:
        UnavailableError: it is a store, and the extra for reading it is not installed.
        StoreError: a store has nothing, or nothing for the node or in the span.
    """
    from gpurules.engine.recordings import Recording

    if not is_folder_or_url(path):
        return [Recording(path, **options)]
    need_history()
    from gpurules.history.store.exchange import StoredRecording
    from gpurules.history.store.reader import StoreReader
    from gpurules.history.store.storage import RecordingStoreError, Storage
    from gpurules.history.store.time_span import TimeSpan

    reader, wanted = StoreReader(Storage(path)), options.get("node")
    nodes, span = reader.nodes, TimeSpan.read(*(_text(options.get(name)) for name in ("from", "to")))
    if wanted is not None and wanted not in nodes:
        raise RecordingStoreError(f"nothing is recorded of {wanted!r} in {path}; there are {', '.join(nodes[:12])}")
    chosen = [node for node in nodes if wanted in (None, node)]
    if not any(reader.days(node, span) for node in chosen):
        dates = sorted(date for node in chosen for date in reader.days(node))
        raise RecordingStoreError(f"{path} has no snapshot in this range; its days are {dates[0]} to {dates[-1]}")
    return [StoredRecording(path, node, span) for node in chosen]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def history_at(argument: str) -> "Recording | StoredRecording":
    """Return the recording at a path with options after ``?``; of a store, that of one node in a span.

    Raises:
        UnavailableError: it is a store, and the extra for reading it is not installed.
        StoreError: a store is empty.
        TelemetryError: a store has several nodes and the options name none.
    """
    from gpurules.telemetry.playback import split_place

    path, options = split_place(argument)
    if not is_folder_or_url(path):
        return recordings_at(argument, {})[0]
    if unknown := sorted(options.keys() - {"node", "from", "to"}):
        raise TelemetryError(f"{path} is a store, which has no option {unknown[0]!r}; it has node, from and to")
    recordings = recordings_at(path, options)
    if len(recordings) > 1:
        raise TelemetryError(f"{path} is a store of {len(recordings)} nodes; choose one with {path}?node=NAME")
    return recordings[0]
