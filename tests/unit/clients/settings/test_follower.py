"""Clients that are steered by settings follow the rules of a node."""

import itertools

from gpurules import GPU, Coordinator, Snapshot, loads
from gpurules.clients.settings.follower import Follower
from gpurules.engine import CoordinatorOptions
from tests.waiting import wait_until

RULES = """
version: 1
name: hot
settings: {stale_after: 15s}
rules:
  - name: read_less
    condition: gpu_temperature > 80
    actions:
      - {action: reduce_prefetch, parameters: {reduction_factor: 0.25}}
      - {action: delay_transfer, parameters: {delay: 5s}}
"""


class Dial:
    name = "dial"

    def __init__(self) -> None:
        self.temperature = 50.0
        self.now = 1000.0
        self._steps = itertools.count()

    def read(self) -> Snapshot:
        self.now += 1
        return Snapshot(timestamp=self.now, gpus=(GPU(index=0, temperature=self.temperature),))

    def close(self) -> None:
        pass


class Recorder:
    """A client that notes what it is asked."""

    name = "recorder"
    capabilities = frozenset({"prefetch_factor"})

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.restored = 0
        self.fails = 0

    def apply(self, directives):
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the daemon is gone")
        self.asked.append(dict(directives))
        return frozenset(directives) - self.capabilities

    def restore(self) -> None:
        self.restored += 1


def node(dial: Dial) -> Coordinator:
    return Coordinator(loads(RULES), dial, clock=lambda: dial.now, options=CoordinatorOptions(poll_interval=3600))


def test_each_change_is_applied_once_and_what_is_left_undone_is_counted():
    dial, client = Dial(), Recorder()
    coordinator = node(dial)
    follower = Follower(coordinator, [client])
    coordinator.poll()
    follower.look()
    dial.temperature = 90
    coordinator.poll()
    follower.look()
    follower.look()
    assert client.asked == [{"prefetch_factor": 0.25, "delay": 5.0}]
    assert coordinator.schedule.uncarried == {"recorder": {"delay": 1}}
    dial.temperature = 50
    coordinator.poll()
    follower.look()
    assert client.asked[-1] == {}
    coordinator.stop()


def test_stale_telemetry_turns_everything_back():
    dial, client = Dial(), Recorder()
    coordinator = node(dial)
    follower = Follower(coordinator, [client])
    dial.temperature = 90
    coordinator.poll()
    follower.look()
    dial.now += 60
    follower.look()
    assert client.asked[-1] == {}
    coordinator.stop()


def test_a_client_that_fails_is_tried_again_and_stops_no_other(caplog):
    dial, broken, other = Dial(), Recorder(), Recorder()
    broken.name, broken.fails = "broken", 1
    coordinator = node(dial)
    follower = Follower(coordinator, [broken, other])
    dial.temperature = 90
    coordinator.poll()
    follower.look()
    assert other.asked and not broken.asked
    follower.look()
    assert broken.asked and follower.failed == {"broken": 1} and "the daemon is gone" in caplog.text
    coordinator.stop()


def test_polls_reach_it_at_once_and_leaving_restores():
    dial, client = Dial(), Recorder()
    with node(dial) as coordinator, Follower(coordinator, [client]):
        dial.temperature = 90
        coordinator.poll()
        wait_until(lambda: client.asked)
    assert client.restored == 1
