"""Publishes the state of a coordinator, after each poll and whenever workloads change."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from gpurules.actions.decision import Decision
from gpurules.backends.native.cells import DIRECTIVES, Stamp, StateEncoder
from gpurules.engine import Coordinator
from gpurules.engine.coordinator import on_news
from gpurules.engine.inspection import stale_at, wall_clock
from gpurules.logs import logger
from gpurules.rules.native import native_schema
from gpurules.rules.program import BoundProgram, Program
from gpurules.service.state_file.writer import StateWriter

_LOGGER = logger("gpurules.state_file")


class _Publisher:
    """Writes the state of one coordinator; thread-safe."""

    def __init__(self, coordinator: Coordinator, path: str | os.PathLike[str]) -> None:
        self._coordinator = coordinator
        self._clock = wall_clock(coordinator)
        self._writer = StateWriter(path)
        self._lock = threading.Lock()
        self._encoder: tuple[Program, StateEncoder] | None = None
        self._revision = 0
        self._has_failed = False
        self._is_closed = False

    def publish(self) -> None:
        """Write the state; an I/O error is logged once and stops nothing.

        The lock is held so that an older state never overwrites a newer one.
        """
        with self._lock:
            if self._is_closed:
                return
            try:
                self._write()
            except (OSError, ValueError) as error:
                if not self._has_failed:
                    _LOGGER.error("the state file cannot be written, so clients see it go stale: %s", error)
                self._has_failed = True
            else:
                self._has_failed = False

    def write_first(self) -> None:
        """Write the state.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            self._write()

    def _write(self) -> None:
        engine = self._coordinator.engine
        bound, until = engine.bound, stale_at(engine)
        encoder = self._encoder_of(bound)
        now, monotonic = self._clock(), time.monotonic_ns()
        left = max(-1.0, min(until - now, 86_400.0))
        self._revision += 1
        stamp = Stamp(
            self._writer.next_sequence,
            self._revision,
            monotonic,
            now,
            max(0, monotonic + int(left * 1e9)),
            not self._coordinator.is_enabled,
        )
        facts = bound.facts
        context = replace(facts.context, telemetry_age=max(0.0, now - bound.timestamp))
        slot = encoder.slot(replace(facts, context=context), stamp, _directives(self._coordinator.decide()))
        self._writer.write(slot, bound.version, encoder)

    def _encoder_of(self, bound: BoundProgram) -> StateEncoder:
        """Return the encoder for the current program, which a reload replaces."""
        if self._encoder is None or self._encoder[0] is not bound.program:
            ruleset = self._coordinator.engine.ruleset
            self._encoder = bound.program, StateEncoder(native_schema(ruleset), bound.program.layout)
        return self._encoder[1]

    def close(self) -> None:
        """Remove the file."""
        with self._lock:
            self._is_closed = True
            self._writer.close()


def _directives(decision: Decision) -> dict[str, object]:
    return {name: getattr(decision, name) for name in DIRECTIVES}


def publish(coordinator: Coordinator, path: str | os.PathLike[str]) -> Callable[[], None]:
    """Keep the state file at *path* current with the state of *coordinator*.

    It is written now, after each poll, and when workloads change. Returns a function that stops this and removes the
    file. Later errors are logged; readers then see the state expire.

    Raises:
        OSError: the file cannot be written, or something else is at the path.
    """
    publisher = _Publisher(coordinator, path)
    publisher.write_first()
    unsubscribe = on_news(coordinator, publisher.publish)

    def end() -> None:
        unsubscribe()
        publisher.close()

    return end


@contextmanager
def keep_published(coordinator: Coordinator, path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Publish at *path* during the context; do nothing if it is None.

    Raises:
        OSError: the file cannot be written, or something else is at the path.
    """
    if path is None:
        yield
        return
    end = publish(coordinator, path)
    try:
        yield
    finally:
        end()
