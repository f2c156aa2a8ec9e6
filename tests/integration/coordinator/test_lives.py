"""Starting, stopping, the end of the interpreter, and forks."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules import Coordinator
from gpurules.engine import CoordinatorOptions
from gpurules.model import Transfer
from gpurules.rules import loads
from tests.integration.coordinator.stand import Script, gpu, node, ruleset
from tests.waiting import wait_until

RULES = ruleset("{name: held, condition: gpu_memory > 80, action: pause_transfer}")


def live(source: Script, **options: Any) -> Coordinator:
    return Coordinator(
        loads(RULES), source, options=CoordinatorOptions(**{"poll_interval": 0.01, "stop_timeout": 1.0, **options})
    )


_EARLIER: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def earlier_threads() -> None:
    """Remember the threads that other tests have left: a handler that hangs, say, outlives its test on purpose."""
    _EARLIER.clear()
    _EARLIER.update(threading.enumerate())


def threads_of_ours() -> list[str]:
    """Return the names of our threads that this test started."""
    return [t.name for t in threading.enumerate() if t.name.startswith("gpurules") and t not in _EARLIER]


def test_polling_goes_on_in_the_background_until_the_end_of_the_block() -> None:
    source = Script(time.time, (gpu(90),))
    with live(source) as coordinator:
        assert coordinator.decide(Transfer(id="t")).paused, "there is telemetry from the start"
        wait_until(lambda: coordinator.collect().polls > 3)
        assert coordinator.is_running
    assert not coordinator.is_running
    assert source.closed == 1
    wait_until(lambda: not threads_of_ours())


def test_stop_before_start_twice_and_from_anywhere() -> None:
    source = Script(time.time)
    coordinator = live(source)
    coordinator.stop()
    assert source.closed == 1
    coordinator.stop()
    coordinator.start()
    assert not coordinator.is_running
    assert coordinator.poll().error == "the coordinator is stopped"
    assert source.closed == 1


def test_stop_from_a_callback() -> None:
    source = Script(time.time)
    coordinator = live(source)
    coordinator.on_poll(lambda report: coordinator.stop())
    coordinator.start()
    wait_until(lambda: source.closed)
    wait_until(lambda: not threads_of_ours())


def test_stop_from_many_threads_at_once() -> None:
    source = Script(time.time)
    with live(source) as coordinator:
        stoppers = [threading.Thread(target=coordinator.stop) for _ in range(5)]
        for thread in stoppers:
            thread.start()
        for thread in stoppers:
            thread.join()
    assert source.closed == 1


def test_start_twice_is_once() -> None:
    source = Script(time.time)
    with live(source) as coordinator:
        coordinator.start()
        assert threads_of_ours().count("gpurules-coordinator") == 1


def test_stop_while_the_source_hangs_is_bounded_and_releases_it_later() -> None:
    source = Script(time.time)
    coordinator = live(source, poll_interval=5, stop_timeout=0.2).start()
    wait_until(lambda: source.reads)
    source.hang()
    coordinator.request_reload()
    wait_until(lambda: source.under_way)
    began = time.monotonic()
    coordinator.collect()
    coordinator.stop()
    assert time.monotonic() - began < 4
    source.recover()
    wait_until(lambda: source.closed == 1)


def test_a_source_that_closes_with_an_error_is_closed() -> None:
    source = Script(time.time)
    source.close = lambda: 1 / 0  # type: ignore[assignment, return-value]
    with live(source):
        pass
    wait_until(lambda: not threads_of_ours())


def test_a_hundred_coordinators_leave_nothing_behind() -> None:
    with live(Script(time.time)):
        pass
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(100):
        with live(Script(time.time)):
            pass
    wait_until(lambda: not threads_of_ours())
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


def run(code: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=Path(__file__).parents[3],
    )


PREAMBLE = f"""\
import os, sys, time, threading
from gpurules import Coordinator, Transfer
from gpurules.engine import CoordinatorOptions
from gpurules.rules import loads
from tests.integration.coordinator.stand import Script, gpu
rules = loads({RULES!r})
class Closing(Script):
    def close(self):
        print("closed", os.getpid() == parent, flush=True)
parent = os.getpid()
source = Closing(time.time, (gpu(90),))
"""


@pytest.mark.parametrize(
    "last",
    [
        "",
        "sys.exit(0)",
        "source.gate = threading.Event(); source.gate.wait = lambda s: time.sleep(60); time.sleep(0.05)",
    ],
    ids=["end", "exit", "hanging"],
)
def test_the_end_of_the_interpreter_is_not_held_up(last: str) -> None:
    began = time.monotonic()
    done = run(
        PREAMBLE
        + "c = Coordinator(rules, source, options=CoordinatorOptions(poll_interval=0.01)).start()\ntime.sleep(0.1)\n"
        + last
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if "60" in last else "closed True\n")
    assert time.monotonic() - began < 6


def test_a_coordinator_of_a_daemon_thread_ends_with_the_interpreter() -> None:
    code = (
        "def work():\n"
        "  with Coordinator(rules, source, options=CoordinatorOptions(poll_interval=0.01)): time.sleep(60)\n"
    )
    done = run(PREAMBLE + code + "threading.Thread(target=work, daemon=True).start()\ntime.sleep(0.2)\n")
    assert (done.returncode, done.stderr) == (0, "")


FORK = """
c = Coordinator(rules, source, options=CoordinatorOptions(poll_interval=0.001)).start()
while not c.decide(Transfer(id="t")).paused: time.sleep(0.001)
for n in range(20):
    child = os.fork()
    if child == 0:
        paused = c.decide(Transfer(id="t")).paused
        c.schedule_transfer(Transfer(id="t")); c.status(); c.collect(); c.reload(rules); c.start()
        held = c.decide(Transfer(id="t")).paused
        c.stop()
        ok = paused and held and not c.is_running and threading.active_count() == 1 and source.closed == 0
        os._exit(0 if ok else 1)
    deadline = time.monotonic() + 5
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid: break
        if time.monotonic() > deadline:
            os.kill(child, 9); print("deadlock"); break
        time.sleep(0.001)
    if status: print("child failed", status)
polls = c.collect().polls
time.sleep(0.05)
print("parent goes on", c.collect().polls > polls, c.is_running)
c.stop()
"""


def test_a_forked_child_decides_and_leaves_the_source_alone() -> None:
    done = run(PREAMBLE + FORK)
    assert done.stdout == "parent goes on True True\nclosed True\n", done.stderr
    assert done.stderr == ""


def test_a_forked_child_does_not_touch_the_state_of_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with node(RULES, state_path=path) as it:
        it.poll(90)
        it.coordinator._save()
        before = path.read_bytes()
        child = os.fork()
        if child == 0:
            try:
                it.coordinator._save()
                it.coordinator.stop()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert path.read_bytes() == before
        assert it.poll(90).snapshot


def test_a_child_of_multiprocessing_exits_cleanly() -> None:
    code = """
import multiprocessing
def work(): sys.exit(0 if c.decide(Transfer(id="t")).paused else 1)
if __name__ == "__main__":
    c = Coordinator(rules, source, options=CoordinatorOptions(poll_interval=0.01)).start()
    while not c.engine.snapshot: time.sleep(0.001)
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start(); child.join(5); print(child.exitcode)
    c.stop()
"""
    done = run(PREAMBLE + code)
    assert (done.stdout, done.stderr) == ("0\nclosed True\n", "")
