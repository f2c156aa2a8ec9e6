"""A coordinator over NVML in a process of its own: decisions go on whatever happens to the driver and its sampler."""

import os
import signal
import threading
import time

import pytest

from gpurules import Coordinator, Transfer
from gpurules.engine import CoordinatorOptions
from gpurules.rules import loads
from gpurules.telemetry import open_source
from tests.integration.nvml.children import children
from tests.integration.nvml.node import GIB, LOST
from tests.waiting import wait_until

RULES = """
version: 1
name: tested
settings: {stale_after: 500ms}
signals: {pressure: {condition: gpu_memory > 80}}
rules:
  - {name: held, condition: pressure, action: pause_transfer}
  - {name: lost, condition: any(NOT gpu_healthy), action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
"""


@pytest.fixture
def agent(library, node):
    """A coordinator that polls the stand-in fast; no process may be left of it."""
    before = children()
    node.add("gpu0", memory_used=72 * GIB)
    node.add("gpu1")
    source = open_source("nvml", library=str(library), timeout=0.5, start_timeout=20, retry=0.05)
    coordinator = Coordinator(loads(RULES), source, options=CoordinatorOptions(poll_interval=0.02)).start()
    assert wait_until(lambda: coordinator.decide().paused, 20)
    yield coordinator
    coordinator.stop()
    assert wait_until(lambda: not children() - before)


class Asker:
    """Asks for decisions all the time, in a thread of its own, and keeps the longest that one took."""

    def __init__(self, coordinator):
        self.longest, self.count, self.errors = 0.0, 0, []
        self._coordinator = coordinator
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self):
        while not self._is_over.is_set():
            began = time.monotonic()
            try:
                decision = self._coordinator.decide(Transfer(id="t", path="/m/a.pt"))
                assert decision.stale or decision.snapshot_time > 0
            except Exception as error:
                self.errors.append(error)
            self.longest = max(self.longest, time.monotonic() - began)
            self.count += 1
            time.sleep(0.0005)  # so that the poller gets the interpreter in between

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()


def pid_of(coordinator):
    return coordinator._poller.reading._source.reader.status.pid


def test_decisions_go_on_while_the_sampler_is_killed_again_and_again(agent):
    assert agent.decide().paused
    with Asker(agent) as asker:
        for _ in range(5):
            before = pid_of(agent)
            polls = agent.collect().polls
            os.kill(before, signal.SIGKILL)
            assert wait_until(lambda polls=polls: agent.collect().polls > polls)
            assert wait_until(lambda before=before: pid_of(agent) not in (None, before), 10)
            assert wait_until(lambda: not agent.status().source_error and not agent.decide().stale, 10)
    assert asker.errors == []
    assert asker.count > 100
    assert asker.longest < 0.5
    assert agent.decide().paused


def test_a_driver_that_hangs_makes_telemetry_stale_and_polls_go_on(agent, node):
    for subject in ("system", "gpu0", "gpu1"):
        node.hang(subject)
    with Asker(agent) as asker:
        assert wait_until(lambda: agent.decide().stale, 10)
        assert wait_until(lambda: not agent.decide().paused, 10), "its signal is released"
        polls = agent.collect().polls
        assert wait_until(lambda: agent.collect().polls > polls + 1, 10)
        for subject in ("system", "gpu0", "gpu1"):
            node.hang(subject, seconds=0)
        assert wait_until(lambda: agent.decide().paused and not agent.decide().stale, 20)
    assert asker.errors == []


def test_a_lost_gpu_is_lost_to_the_rules_and_comes_back(agent, node):
    assert agent.decide().prefetch_factor == 1.0
    node.fail("gpu1", "*", LOST)
    assert wait_until(lambda: agent.decide().prefetch_factor == 0.5, 10)
    assert [gpu.healthy for gpu in agent.gpu_status()] == [True, False]
    node.fail("gpu1", "*", 0)
    assert wait_until(lambda: agent.decide().prefetch_factor == 1.0, 20)


def test_a_stopped_coordinator_leaves_no_sampler(agent, node):
    node.hang("system")
    time.sleep(0.1)  # a poll begins to hang: from outside it cannot be seen
    began = time.monotonic()
    agent.stop(2.0)
    assert time.monotonic() - began < 2.5
