"""Keeps what an agent observes in a recording store; trouble with the store never stops the agent."""

from collections.abc import Iterator
from contextlib import contextmanager

from gpurules.cli.extras import need_history
from gpurules.cli.output import note
from gpurules.engine import Coordinator
from gpurules.engine.polling.poller import PollReport


@contextmanager
def kept_in(place: str | None, coordinator: Coordinator) -> Iterator[None]:
    """Keep every snapshot, and what signals did, in the store at *place*; None: nowhere.

    Raises:
        UnavailableError: what writes a store is not installed.
    """
    if place is None:
        yield
        return
    need_history()
    from gpurules.history.store.storage import Storage
    from gpurules.history.store.writer import StoreWriter

    writer, trouble = StoreWriter(Storage(place)), list[str]()

    def attempt(report: PollReport | None) -> None:
        try:
            if report is None:
                writer.flush()
            elif report.snapshot is not None and writer.add(report.snapshot):
                writer.add_transitions(report.snapshot, report.transitions)
        except Exception as error:  # a full disk, a store that is gone: rules go on without being recorded
            if str(error) not in trouble:
                trouble.append(str(error))
                note(f"the history at {place} is not kept: {error}")

    coordinator.on_poll(attempt)
    try:
        yield
    finally:
        attempt(None)
