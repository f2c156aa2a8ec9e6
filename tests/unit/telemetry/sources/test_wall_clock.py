"""A recording in a live agent answers like a device: with what is known now, on the wall clock."""

import pytest

from gpurules.engine import Coordinator
from gpurules.model import GPU, Snapshot, Transfer
from gpurules.rules import loads
from gpurules.telemetry import EndOfTelemetry, TelemetryError
from gpurules.telemetry.sources.wall_clock import WallClockSource

RECORDED = 1_000_000.0  # in 1970
NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.steady = 50.0
        self.ahead = NOW - 50.0

    def source(self, source):
        return WallClockSource(source, lambda: self.steady + self.ahead, lambda: self.steady)


class Recording:
    name = "recording"

    def __init__(self, *times):
        self.left = list(times)

    def read(self):
        if not self.left:
            raise EndOfTelemetry("the recording has ended")
        found = self.left.pop(0)
        if isinstance(found, Exception):
            raise found
        return Snapshot(timestamp=RECORDED + found, gpus=(GPU(index=0, memory=found),))

    def __iter__(self):
        return iter(())

    def close(self):
        self.left.clear()


def ages(snapshot):
    return snapshot.timestamp - NOW, snapshot.gpus[0].memory


def test_snapshots_come_at_their_own_pace_on_the_wall_clock():
    clock = Clock()
    source = clock.source(Recording(0, 10, 20, 30))
    assert ages(source.read()) == (0, 0)
    clock.steady += 9
    assert ages(source.read()) == (0, 0)
    clock.steady += 1
    assert ages(source.read()) == (10, 10)
    clock.steady += 15
    assert ages(source.read()) == (20, 20), "it was taken at 20, and it is 25 now"
    clock.steady += 100
    assert ages(source.read()) == (30, 30)
    with pytest.raises(EndOfTelemetry):
        source.read()
    with pytest.raises(EndOfTelemetry):
        source.read()


def test_between_two_snapshots_the_answer_is_the_same_object():
    clock = Clock()
    source = clock.source(Recording(0, 10))
    assert source.read() is source.read()


def test_what_was_not_asked_for_in_time_is_passed_over():
    clock = Clock()
    source = clock.source(Recording(0, 1, 2, 3, 50))
    source.read()
    clock.steady += 5
    assert ages(source.read()) == (3, 3)


def test_times_move_with_a_clock_that_is_set():
    clock = Clock()
    source = clock.source(Recording(0, 10))
    source.read()
    clock.ahead += 3600
    clock.steady += 10
    assert ages(source.read()) == (3610, 10)


def test_a_piece_that_cannot_be_read_costs_itself_alone():
    clock = Clock()
    source = clock.source(Recording(0, TelemetryError("line 2 is torn"), 20))
    assert ages(source.read()) == (0, 0)
    clock.steady += 10
    with pytest.raises(TelemetryError, match="torn"):
        source.read()
    clock.steady += 10
    assert ages(source.read()) == (20, 20)


def test_a_simulated_node_in_a_live_agent_is_not_stale():
    rules = loads("version: 1\nname: x\nrules: [{name: a, condition: gpu_memory >= 0, action: pause_transfer}]")
    with Coordinator(rules, "synthetic:gpus=2,seconds=3600,faults=0") as node:
        decision = node.decide(Transfer(id="t"))
        assert not decision.stale
        assert decision.rules == ("a",)
        assert node.status().telemetry_age < 60
        node.poll()
        assert node.collect().ignored_snapshots == 0, "a poll between two snapshots is not a fault of the source"
