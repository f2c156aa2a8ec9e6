"""The governor with real threads, tasks, and a real coordinator over telemetry that the tests write."""

import asyncio
import threading
import time
from dataclasses import dataclass, field

import pytest

from gpurules.engine import Coordinator, CoordinatorOptions, Engine
from gpurules.governor import DeadlinePassed, Governor, Limits, QueueFull, TransferCancelled, TransferState
from gpurules.model import Snapshot, Transfer, Workload
from tests.factories import gpu, ruleset
from tests.waiting import wait_until

HOT = ruleset(
    """
  - {name: hot, condition: gpu_temperature > 85, action: delay_transfer, parameters: {delay: 30s, running: pause}}
"""
)
NOTHING = ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}")


@dataclass
class Thermometer:
    """A source that reports the temperature that the test sets."""

    temperature: float = 40.0
    name: str = "thermometer"
    clock: float = field(default_factory=time.time)

    def read(self) -> Snapshot:
        self.clock += 1
        return Snapshot(timestamp=self.clock, gpus=(gpu(temperature=self.temperature),))

    def close(self) -> None:
        pass


def coordinator(rules, source=None):
    return Coordinator(rules, source or Thermometer(), options=CoordinatorOptions(poll_interval=3600))


def idle(rules=NOTHING, **limits):
    return Governor(Engine(rules), Limits(**limits) if limits else None)


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_hold_begins_with_the_rule_and_ends_with_it_for_a_running_transfer():
    source, parts = Thermometer(), []
    with coordinator(HOT, source) as node:
        governor = Governor(node)
        gate = threading.Event()

        def work():
            with governor.transfer(Transfer(id="big", size=3)) as ticket:
                for number in range(3):
                    with ticket.part(1):
                        parts.append(number)
                    if number == 0:
                        gate.wait(5)

        thread = in_thread(work)
        wait_until(lambda: parts == [0])
        source.temperature = 95
        node.poll()
        assert governor.status().transfers[0].state is TransferState.PAUSED
        gate.set()
        for _ in range(20):
            node.poll()
        time.sleep(0.05)  # long enough for a part that should not start
        assert parts == [0]
        (shown,) = governor.status().transfers
        assert (shown.rules, governor.status().counts.pauses) == (("hot",), 1)
        began = time.monotonic()
        source.temperature = 40
        node.poll()
        thread.join(5)
        assert time.monotonic() - began < 4
        assert parts == [0, 1, 2]
        assert governor.status().counts.done == 1


def test_rules_see_what_the_governor_has_pending():
    rules = ruleset(
        """
  - name: crowded
    condition: pending_transfers >= 2 AND pending_bytes > 100 AND active_training
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
"""
    )
    with coordinator(rules) as node:
        governor = Governor(node)
        governor.register_workload(Workload(id="w", type="training"), lease_seconds=60)
        with governor.transfer(Transfer(size=100)), governor.transfer(Transfer()) as second:
            second.know(size=50)
            node.poll()
            assert node.decide().prefetch_factor == 0.5
        node.poll()
        assert node.decide().prefetch_factor == 1.0


def test_a_trainer_that_dies_lapses():
    now = [0.0]
    governor = Governor(Engine(NOTHING), clock=lambda: now[0])
    governor.register_workload(Workload(id="w", type="training"), lease_seconds=10)
    assert governor.schedule.node(5)["active_training"] is True
    assert governor.schedule.node(10)["active_training"] is False


def test_a_small_transfer_overtakes_at_the_next_part():
    governor, order = idle(slots=1), []

    def big():
        with governor.transfer(Transfer(id="big")) as ticket:
            for number in range(20):
                with ticket.part(1):
                    order.append(f"big{number}")
                    time.sleep(0.01)  # so that the small transfer comes in the middle

    thread = in_thread(big)
    wait_until(lambda: len(order) >= 3)
    with governor.slot(Transfer(id="model", priority=50)):
        order.append("model")
    thread.join(5)
    assert 3 <= order.index("model") < 10


def test_threads_and_tasks_share_the_slots():
    governor, most, now_moving, lock = idle(slots=3), [0], [0], threading.Lock()

    def enter():
        with lock:
            now_moving[0] += 1
            most[0] = max(most[0], now_moving[0])

    def leave():
        with lock:
            now_moving[0] -= 1

    def work():
        for _ in range(10):
            with governor.slot(Transfer()):
                enter()
                time.sleep(0.001)  # so that slots are held at the same time
                leave()

    async def task():
        for _ in range(10):
            async with governor.slot(Transfer()):
                enter()
                await asyncio.sleep(0.001)  # so that slots are held at the same time
                leave()

    async def tasks():
        await asyncio.gather(*(task() for _ in range(8)))

    threads = [in_thread(work) for _ in range(8)]
    asyncio.run(tasks())
    for thread in threads:
        thread.join(10)
    status = governor.status()
    assert (most[0], status.counts.done, status.slots_taken, status.transfers) == (3, 160, 0, ())


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing_behind():
    governor = idle(slots=1)

    async def story():
        async with governor.slot(Transfer(id="first")):
            waiting = asyncio.create_task(governor.slot(Transfer(id="second")).__aenter__())
            await asyncio.sleep(0)  # one turn of the loop: the task begins to wait
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with governor.slot(Transfer(id="third")):
            pass

    asyncio.run(story())
    assert governor.status().transfers == ()
    assert governor.schedule.pending_count == 0


def test_cancelling_wakes_the_one_who_waits():
    governor, seen = idle(slots=1), []

    def work():
        try:
            with governor.slot(Transfer(id="second")):
                seen.append("ran")
        except TransferCancelled:
            seen.append("cancelled")

    with governor.slot(Transfer(id="first")):
        thread = in_thread(work)
        wait_until(lambda: governor.status().parts_ready == 1)
        assert governor.cancel("second")
        thread.join(5)
    assert seen == ["cancelled"]
    assert not governor.cancel("second")


def test_a_deadline_ends_the_wait():
    governor = idle(slots=1)
    with governor.slot(Transfer(id="first")):
        with pytest.raises(DeadlinePassed), governor.slot(Transfer(id="second"), deadline_seconds=0.05):
            pass
        assert governor.schedule.pending_count == 1
    assert governor.status().counts.failed == 1


def test_a_full_queue_is_an_error_at_once():
    governor = idle(queue=1)
    waiting = governor.transfer(Transfer())
    with pytest.raises(QueueFull):
        governor.transfer(Transfer())
    waiting.end()
    assert governor.schedule.pending_count == 0


def test_a_policy_that_raises_stops_nothing_and_is_counted(monkeypatch):
    governor = idle()
    monkeypatch.setattr(governor.decider.engine, "decide", lambda *_: 1 / 0)
    with governor.slot(Transfer()):
        pass
    assert governor.status().counts.decisions_failed == 1


def test_telemetry_that_grows_stale_lets_go():
    now = [1_767_225_600.0]
    engine = Engine(HOT, clock=lambda: now[0])
    engine.observe(Snapshot(timestamp=now[0], gpus=(gpu(temperature=95),)))
    governor = Governor(engine, Limits(refresh_seconds=0.05))
    done = threading.Event()

    def work():
        with governor.slot(Transfer(id="held")):
            done.set()

    thread = in_thread(work)
    wait_until(lambda: governor.status().transfers and governor.status().transfers[0].state is TransferState.HELD)
    assert not done.wait(0.15)
    now[0] += 3600
    assert done.wait(2)
    thread.join(5)
    assert governor.status().counts.decisions_stale > 0


def test_a_rate_set_live_wakes_those_who_wait():
    governor = idle()
    governor.set_rate("all", 1.0)
    with governor.slot(Transfer(size=1000)):
        pass
    done = threading.Event()

    def work():
        with governor.slot(Transfer(size=10)):
            done.set()

    thread = in_thread(work)
    assert not done.wait(0.05)
    governor.set_rate("all", 1e6)
    assert done.wait(2)
    thread.join(5)


def test_changes_are_reported_in_order():
    governor, received = idle(), []
    end = governor.on_change(lambda change: received.append((change.transfer.id, change.after.value)))
    with governor.slot(Transfer(id="a")):
        pass
    end()
    with governor.slot(Transfer(id="b")):
        pass
    assert received == [("a", "queued"), ("a", "running"), ("a", "done")]


def test_two_transfers_of_one_id_are_distinct():
    governor = idle()
    with governor.transfer(Transfer(id="a")) as first, governor.transfer(Transfer(id="a")) as second:
        assert first.id == "a" != second.id
        assert governor.schedule.pending_count == 2


def test_the_status_is_json_ready():
    import json

    governor = idle()
    with governor.slot(Transfer(id="a", path="/x", size=5)):
        shown = json.loads(json.dumps(governor.status().to_dict()))
    assert shown["transfers"][0]["state"] == "running"
