"""A rule that combines a GPU threshold with a transfer, and no signal: clients hear when the threshold is crossed."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gpurules
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.governor import Governor, Limits
from gpurules.model import GPU, Snapshot, Workload
from gpurules.remote import RemoteEngine
from gpurules.rules import loads
from gpurules.service.server import ReloadNotice, ServeOptions, serve
from tests.waiting import wait_until

RULES = """\
version: 1
name: node
settings: {poll_interval: 100ms, stale_after: 1h}
rules:
  - {name: hot, condition: gpu_temperature > 80C AND transfer_size > 1GiB, action: delay_transfer,
     parameters: {delay: 60s}}
  - {name: full, condition: transfer_size > gpu_memory_free, action: pause_transfer}
  - {name: train, condition: workload_type == 'training' AND gpu_temperature > 60C, action: delay_transfer,
     parameters: {delay: 60s}}
"""
LARGE = gpurules.Transfer(id="large", path="/data/a.tar", size=2 << 30)


class HeatedSource:
    """A GPU whose readings are set by hand."""

    name = "heated"

    def __init__(self) -> None:
        self.temperature, self.free = 40.0, 8 << 30

    def read(self) -> Snapshot:
        gpu = GPU(index=0, temperature=self.temperature, memory_total=16 << 30, memory_used=(16 << 30) - self.free)
        return Snapshot(timestamp=time.time(), gpus=(gpu,))

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def source() -> HeatedSource:
    return HeatedSource()


@pytest.fixture
def coordinator(source: HeatedSource, tmp_path: Path) -> Iterator[Coordinator]:
    with (
        Coordinator(loads(RULES), source, options=CoordinatorOptions(poll_interval=0.1)) as running,
        serve(running, ServeOptions([f"unix:{tmp_path / 'a.sock'}"]), ReloadNotice()),
    ):
        yield running


@pytest.fixture
def remote(coordinator: Coordinator, tmp_path: Path) -> Iterator[RemoteEngine]:
    engine = gpurules.connect(f"unix:{tmp_path / 'a.sock'}", timeout=2.0)
    assert isinstance(engine, RemoteEngine)
    yield engine
    engine.stop(1.0)


@pytest.fixture
def governor(remote: RemoteEngine) -> Iterator[Governor]:
    """A governor that by itself would decide again in ten minutes."""
    governor = Governor(remote, Limits(refresh_seconds=600))
    yield governor
    governor.stop()


def state(governor: Governor) -> str:
    return str(governor.status().transfers[0].state)


def test_a_transfer_is_held_and_released_when_a_threshold_is_crossed(governor: Governor, source: HeatedSource) -> None:
    moving = governor.transfer(LARGE)
    assert state(governor) == "queued"
    source.temperature = 90.0
    wait_until(lambda: state(governor) == "held", 2)
    source.temperature = 50.0
    wait_until(lambda: state(governor) != "held", 2)
    moving.cancel()


def test_a_part_that_compares_the_transfer_with_a_gpu_is_looked_at_on_each_snapshot(
    governor: Governor, source: HeatedSource
) -> None:
    moving = governor.transfer(LARGE)
    source.free = 1 << 30
    wait_until(lambda: governor.status().transfers[0].rules == ("full",), 2)
    source.free = 8 << 30
    wait_until(lambda: governor.status().transfers[0].rules == (), 2)
    moving.cancel()


def test_a_workload_that_is_registered_at_the_agent_is_news(
    governor: Governor, coordinator: Coordinator, source: HeatedSource
) -> None:
    source.temperature = 70.0
    moving = governor.transfer(gpurules.Transfer(id="t", path="/a", size=5, workload_id="job"))
    assert governor.status().transfers[0].rules == ()
    coordinator.register_workload(Workload(id="job", type="training"))
    wait_until(lambda: governor.status().transfers[0].rules == ("train",), 2)
    moving.cancel()


def test_what_no_transfer_depends_on_is_no_news(
    coordinator: Coordinator, remote: RemoteEngine, source: HeatedSource
) -> None:
    source.free = 0  # then the rule that compares with it would be open on each snapshot
    heard: list[float] = []
    text = RULES.replace("  - {name: full, condition: transfer_size > gpu_memory_free, action: pause_transfer}\n", "")
    coordinator.engine.replace(loads(text))
    remote.on_change(lambda: heard.append(time.monotonic()))
    wait_until(lambda: heard, 5)
    polls = coordinator.collect().polls
    wait_until(lambda: coordinator.collect().polls > polls + 5)
    before = len(heard)
    source.temperature = 70.0  # hot, and training, need more or a workload
    polls = coordinator.collect().polls
    wait_until(lambda: coordinator.collect().polls > polls + 5)
    assert len(heard) <= before + 1, "once for the rule about training, which is open now"
