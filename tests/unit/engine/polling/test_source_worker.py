import threading

import pytest

from gpurules.engine.polling.source_worker import SourceWorker, check_source
from gpurules.errors import RegistrationError
from gpurules.model import Snapshot
from gpurules.telemetry import EndOfTelemetry, TelemetryError
from gpurules.telemetry.source import TelemetryTimeout


class Gated:
    name = "gated"

    def __init__(self):
        self.gate = threading.Event()
        self.count = 0
        self.closed = threading.Event()

    def read(self):
        self.count += 1
        count = self.count
        self.gate.wait(5)
        return Snapshot(timestamp=float(count))

    def close(self):
        self.closed.set()


def test_a_reading_that_is_late_is_the_answer_to_the_next():
    source = Gated()
    reading = SourceWorker(source)
    for _ in range(3):
        with pytest.raises(TelemetryTimeout, match="gated has not answered for"):
            reading.read(0.01)
    source.gate.set()
    assert reading.read(5).timestamp == 1
    assert reading.read(5).timestamp == 2
    assert reading.close(5)
    assert source.closed.is_set()


def test_interrupt_ends_the_wait():
    source = Gated()
    reading = SourceWorker(source)
    threading.Timer(0.02, reading.interrupt).start()
    with pytest.raises(TelemetryError, match="closed"):
        reading.read(5)
    assert not reading.close(0.01)
    source.gate.set()
    assert reading.close(5)
    assert source.closed.is_set()


def test_once_closed_nothing_is_read():
    reading = SourceWorker("synthetic:gpus=1")
    assert reading.close(1)
    with pytest.raises(TelemetryError, match="closed"):
        reading.read(1)


def test_the_end_is_reported():
    reading = SourceWorker("synthetic:gpus=1,seconds=10,interval=10")
    assert reading.name == "synthetic:gpus=1,seconds=10,interval=10"
    reading.read(5)
    assert reading.name == "synthetic"
    with pytest.raises(EndOfTelemetry):
        reading.read(5)
    assert reading.close(5)


def test_a_source_that_was_never_read_is_closed():
    source = Gated()
    assert SourceWorker(source).close(5)
    assert source.closed.is_set()


def test_names_are_checked_without_opening():
    check_source("replay:/none")
    check_source(Gated())
    with pytest.raises(RegistrationError, match="no telemetry source is named 'bogus'"):
        check_source("bogus:x")
