"""NVML in a process of its own: whatever the driver does, a read ends in time and a later one works again."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gpurules.telemetry import TelemetryError, TelemetryTimeout, TelemetryUnavailable, open_source
from tests.integration.nvml.children import children, group_is_empty, is_running
from tests.integration.nvml.node import MISMATCH, NO_DRIVER, NO_PERMISSION, UNKNOWN
from tests.waiting import wait_until

TIMEOUT = 0.5


@pytest.fixture
def open_nvml(library, node):
    """Open ``nvml`` on the stand-in, with short times; no process may be left of it."""
    before = children()
    opened = []

    def open_it(**options):
        times = {"timeout": TIMEOUT, "start_timeout": 20, "retry": 0.05}
        source = open_source("nvml", **{"library": str(library), **times, **options})
        opened.append(source)
        return source

    yield open_it
    for source in opened:
        source.close()
    assert wait_until(lambda: not children() - before)


def timed(read):
    """Return how long *read* takes, and what it raises."""
    start = time.monotonic()
    try:
        read()
        raised = None
    except TelemetryError as error:
        raised = error
    return time.monotonic() - start, raised


def until_read(source):
    """Read until that works, and return the snapshot."""

    def read():
        try:
            return source.read()
        except TelemetryError:
            return None

    snapshot = wait_until(read)
    assert snapshot is not None
    return snapshot


@pytest.mark.parametrize("mode", ["process", "thread", "inline"])
def test_a_node_is_read_in_any_mode(open_nvml, node, mode):
    node.add()
    node.add("gpu1", processes=f"{os.getpid()}:1024:C")
    source = open_nvml(mode=mode)
    snapshot = until_read(source)
    assert [(gpu.index, gpu.power, gpu.missing["fan_speed"]) for gpu in snapshot.gpus] == [
        (0, 612.345, "not supported"),
        (1, 612.345, "not supported"),
    ]
    assert "python" in snapshot.gpus[1].processes[0].name
    assert snapshot.driver_version == "580.126.09"
    assert snapshot.host
    assert abs(snapshot.timestamp - time.time()) < 30


def test_the_library_is_found_on_the_search_path(open_nvml, node, library, monkeypatch):
    node.add()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library.parent))
    assert open_nvml(library=None, timeout=10).read().gpus[0].power == 612.345


def test_no_library(open_nvml):
    with pytest.raises(TelemetryUnavailable, match=r"NVML: '/none/libnvidia-ml\.so\.1' cannot be loaded"):
        open_nvml(library="/none/libnvidia-ml.so.1", timeout=10).read()


def test_no_library_on_the_search_path(open_nvml, monkeypatch):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    probe = "import ctypes; ctypes.CDLL('libnvidia-ml.so.1')"
    if subprocess.run([sys.executable, "-c", probe], capture_output=True, timeout=30).returncode == 0:
        pytest.skip("this machine has the driver's library")
    with pytest.raises(TelemetryUnavailable, match="was not found; install the NVIDIA driver"):
        open_nvml(library=None, timeout=10).read()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (NO_DRIVER, "the NVIDIA driver is not loaded; load it with 'modprobe nvidia'"),
        (MISMATCH, "of different versions, as after an upgrade; load the new driver"),
        (NO_PERMISSION, "no permission to open the NVIDIA devices; let this user read and write /dev/nvidiactl"),
        (UNKNOWN, "it cannot be initialized: unknown error"),
    ],
    ids=["driver not loaded", "version mismatch", "no permission", "unknown"],
)
def test_nvml_that_cannot_be_initialized_says_what_to_do_and_is_tried_again(open_nvml, node, code, remedy):
    node.add()
    node.fail("system", "nvmlInitWithFlags", code)
    source = open_nvml(timeout=10)
    with pytest.raises(TelemetryError, match=remedy):
        source.read()
    node.fail("system", "nvmlInitWithFlags", 0)
    assert until_read(source).gpus[0].healthy


def test_tries_are_further_apart_while_nothing_works(open_nvml, node):
    node.fail("system", "nvmlInitWithFlags", NO_DRIVER)
    source = open_nvml(retry=30, timeout=10)
    for _ in range(5):
        with pytest.raises(TelemetryError, match="driver is not loaded"):
            source.read()
    assert source.reader.status.starts == 2
    assert source.reader.status.state == "waiting"


def test_a_driver_that_was_upgraded_is_met_by_a_new_process(open_nvml, node):
    node.add()
    source = open_nvml(timeout=10)
    until_read(source)
    before = source.reader.status.pid
    node.fail("system", "nvmlDeviceGetCount_v2", MISMATCH)
    with pytest.raises(TelemetryError, match="NVML error 18"):
        source.read()
    node.fail("system", "nvmlDeviceGetCount_v2", 0)
    assert until_read(source).gpus[0].healthy
    assert source.reader.status.pid not in (None, before)


def test_one_call_that_hangs_costs_one_poll_and_then_one_fact(open_nvml, node):
    node.add("gpu0")
    node.add("gpu1")
    source = open_nvml()
    until_read(source)
    node.hang("gpu1", "nvmlDeviceGetPowerUsage")
    took, error = timed(source.read)
    assert isinstance(error, TelemetryTimeout)
    assert "it hangs in nvmlDeviceGetPowerUsage of GPU-gpu1" in str(error)
    assert took < TIMEOUT + 2
    well, ill = until_read(source).gpus
    assert (well.power, ill.power, ill.temperature) == (612.345, None, 64)
    assert (ill.missing["power"], ill.status) == ("hung at an earlier poll; retried later", "degraded")


def test_a_gpu_that_hangs_at_every_call_is_lost_and_the_others_are_not(open_nvml, node):
    node.add("gpu0")
    node.add("gpu1")
    source = open_nvml()
    until_read(source)
    node.hang("gpu1")
    snapshot = wait_until(lambda: until_read(source), 10)
    assert [gpu.healthy for gpu in snapshot.gpus] == [True, False]
    assert snapshot.gpus[1].uuid == "GPU-gpu1"


def test_every_call_hangs_and_each_read_ends_in_time(open_nvml, node):
    node.add()
    source = open_nvml(start_timeout=TIMEOUT)
    until_read(source)
    node.hang("system")
    node.hang("gpu0")
    for _ in range(3):
        took, error = timed(source.read)
        assert isinstance(error, TelemetryTimeout)
        assert took < TIMEOUT + 2, "it may be late on a busy machine, but it ends"
    node.hang("system", seconds=0)
    node.hang("gpu0", seconds=0)
    assert until_read(source).gpus[0].healthy


def test_there_is_never_more_than_one_sampler(open_nvml, node):
    before = children()
    node.add()
    source = open_nvml(timeout=0.2, start_timeout=0.2)
    node.hang("system")
    for _ in range(6):
        timed(source.read)
        assert len({pid for pid in children() - before if is_running(pid)}) <= 1


def test_a_slow_start_is_waited_for_over_several_reads(open_nvml, node):
    node.add()
    node.hang("system", "nvmlInitWithFlags", seconds=1.0)
    source = open_nvml(timeout=0.3, start_timeout=20)
    _, error = timed(source.read)
    assert "has been starting" in str(error)
    assert until_read(source).gpus[0].healthy
    assert source.reader.status.starts == 1


def test_an_answer_that_came_too_late_is_not_taken_for_a_new_one(open_nvml, node):
    node.add()
    node.hang("system", "nvmlInitWithFlags", seconds=0.6)
    source = open_nvml(timeout=0.3, start_timeout=20)
    timed(source.read)
    time.sleep(1.0)  # the late answer has come by now, and nothing reads it
    node.set("gpu0", temperature=99)
    asked = time.time()
    snapshot = until_read(source)
    assert (snapshot.gpus[0].temperature, snapshot.timestamp >= asked) == (99, True)


def test_reads_go_on_when_the_sampler_is_killed_between_them(open_nvml, node):
    node.add()
    source = open_nvml(timeout=10)
    first = until_read(source)
    for _ in range(3):
        before = source.reader.status.pid
        os.kill(before, signal.SIGKILL)
        assert wait_until(lambda: source.reader._child.process.is_gone)
        assert source.read().gpus[0].uuid == first.gpus[0].uuid
        assert source.reader.status.pid != before


def test_a_sampler_that_was_stopped_is_replaced(open_nvml, node):
    node.add()
    source = open_nvml()
    until_read(source)
    os.kill(source.reader.status.pid, signal.SIGSTOP)
    took, error = timed(source.read)
    assert isinstance(error, TelemetryTimeout)
    assert took < TIMEOUT + 2
    assert until_read(source).gpus[0].healthy


def test_reads_from_several_threads_are_all_answered(open_nvml, node):
    node.add()
    source = open_nvml(timeout=10)
    found = []
    threads = [threading.Thread(target=lambda: found.append(source.read().gpus[0].power)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [612.345] * 8
    assert source.reader.status.starts == 1


def test_only_what_is_asked_for_is_sampled_there_too(open_nvml, node):
    node.add()
    source = open_nvml(fields="gpu_power+gpu_temperature", timeout=10)
    gpu = source.read().gpus[0]
    assert (gpu.power, gpu.temperature, gpu.memory) == (612.345, 64, None)
    source.sample({"gpu_memory"})
    gpu = source.read().gpus[0]
    assert (gpu.power, gpu.memory) == (None, 25.0)


def test_reads_go_on_when_the_sampler_is_killed_in_the_midst_of_one(open_nvml, node):
    node.add()
    source = open_nvml(timeout=5)
    until_read(source)
    node.hang("gpu0", "nvmlDeviceGetTemperature", seconds=30)
    threading.Timer(0.2, os.kill, (source.reader.status.pid, signal.SIGKILL)).start()
    took, error = timed(source.read)
    assert "ended by signal 9" in str(error)
    assert took < 2
    node.hang("gpu0", "nvmlDeviceGetTemperature", seconds=0)
    assert until_read(source).gpus[0].temperature == 64


def test_a_lost_gpu_is_still_known_after_the_sampler_was_started_again(open_nvml, node):
    """A new process never saw the GPU, so who is lost is remembered here."""
    node.add("gpu0")
    node.add("gpu1")
    source = open_nvml()
    until_read(source)
    node.remove("gpu0")
    os.kill(source.reader.status.pid, signal.SIGKILL)
    snapshot = until_read(source)
    assert {gpu.uuid: gpu.index for gpu in snapshot.gpus} == {"GPU-gpu1": 0, "GPU-gpu0": "lost-0"}


def test_the_last_xid_is_still_known_after_the_sampler_was_started_again(open_nvml, node):
    node.add(xid="0:0")
    source = open_nvml()
    until_read(source)
    node.set("gpu0", xid="79:1")
    assert wait_until(lambda: source.read().gpus[0].xid) == 79
    os.kill(source.reader.status.pid, signal.SIGKILL)
    gpu = until_read(source).gpus[0]
    assert gpu.xid == 79
    assert gpu.xid_age < 30
    assert "xid" not in gpu.missing


def test_a_process_that_cannot_be_killed_is_reported_and_no_other_is_started(open_nvml, node, monkeypatch):
    """As when it waits in the kernel; here the system only says so."""
    node.add()
    node.hang("system")
    source = open_nvml(start_timeout=TIMEOUT)
    timed(source.read)
    starts = source.reader.status.starts
    wedged = source.reader._dying
    monkeypatch.setattr(type(wedged), "is_gone", property(lambda process: process is not wedged))
    for _ in range(3):
        took, error = timed(source.read)
        assert isinstance(error, TelemetryTimeout)
        assert "has not ended: it waits in the kernel for the driver" in str(error)
        assert took < TIMEOUT + 2
    assert source.reader.status.starts == starts
    wait_until(lambda: source.reader.status.state == "wedged")
    monkeypatch.undo()
    node_facts = node.facts["system"]
    node_facts.pop("hang.*")
    os.environ.update(STANDIN_NVML=str(node.path), STANDIN_NVML_CALLS=str(node.calls_path))
    node.write()
    assert until_read(source).gpus[0].healthy


@pytest.mark.parametrize("state", ["unread", "running", "hung", "killed", "failing"])
def test_closing_takes_no_time_in_any_state(open_nvml, node, state):
    node.add()
    source = open_nvml()
    if state != "unread":
        until_read(source)
    if state == "hung":
        node.hang("gpu0")
        timed(source.read)
        threading.Thread(target=timed, args=(source.read,)).start()
    elif state == "killed":
        os.kill(source.reader.status.pid, signal.SIGKILL)
    elif state == "failing":
        node.fail("system", "*", UNKNOWN)
        timed(source.read)
    start = time.monotonic()
    source.close()
    source.close()
    assert time.monotonic() - start < 1.5
    with pytest.raises(TelemetryError, match="closed"):
        source.read()


def test_closing_ends_a_read_that_is_under_way(open_nvml, node):
    node.add()
    source = open_nvml(timeout=20, start_timeout=20)
    until_read(source)
    node.hang("gpu0")
    raised = []
    reading = threading.Thread(target=lambda: raised.append(timed(source.read)))
    reading.start()
    time.sleep(0.2)  # the read waits in another process by now
    source.close()
    reading.join(2)
    assert not reading.is_alive()
    assert raised[0][0] < 2


def test_a_thread_that_hangs_holds_no_read_up(open_nvml, node):
    node.add()
    source = open_nvml(mode="thread")
    until_read(source)
    node.hang("gpu0", "nvmlDeviceGetTemperature", seconds=1.0)
    took, error = timed(source.read)
    assert isinstance(error, TelemetryTimeout)
    assert took < TIMEOUT + 2
    node.hang("gpu0", "nvmlDeviceGetTemperature", seconds=0)
    node.set("gpu0", temperature=70)
    assert until_read(source).gpus[0].temperature == 70


PARENT = """
import os, sys, time
from gpurules.telemetry import open_source
source = open_source("nvml", library=sys.argv[1], timeout=5)
assert source.read().gpus[0].power == 612.345
print(source.reader.status.pid, flush=True)
"""
FORKED = (
    PARENT
    + """
parent = source.reader.status.pid
child = os.fork()
if child == 0:
    assert source.read().gpus[0].power == 612.345
    own = source.reader.status.pid
    assert own not in (None, parent)
    source.close()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert source.reader.status.pid == parent
assert source.read().gpus[0].power == 612.345
assert source.reader.status == (before := source.reader.status) and before.starts == 1
second = os.fork()
if second == 0:
    del source
    sys.exit(0)
os.waitpid(second, 0)
assert source.read().gpus[0].power == 612.345 and source.reader.status.starts == 1
print("well")
"""
)
KILLED = (
    PARENT
    + """
if sys.argv[2] == "forked" and os.fork() == 0:
    time.sleep(20)
    os._exit(0)
print("ready", flush=True)
time.sleep(60)
"""
)
LOADED = """
from pathlib import Path
print('libnvidia-ml' in Path('/proc/self/maps').read_text(), 'pynvml' in sys.modules)
"""


def started(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_fork_of_the_host_has_a_sampler_of_its_own_and_leaves_the_other_alone(library, node):
    node.add()
    process = started(FORKED, str(library))
    out, err = process.communicate(timeout=60)
    sampler, said = out.split()
    assert (said, err, process.returncode) == ("well", "", 0)
    assert wait_until(lambda: group_is_empty(int(sampler)))


@pytest.mark.parametrize("how", ["alone", "forked", "hung"])
def test_the_sampler_ends_with_its_parent(library, node, how):
    node.add()
    process = started(KILLED, str(library), how)
    sampler = int(process.stdout.readline())
    assert process.stdout.readline() == "ready\n"
    if how == "hung":
        node.hang("system")
    assert is_running(sampler)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert wait_until(lambda: not is_running(sampler))
    if how == "forked":
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.stderr.close()


def test_the_sampler_never_loads_nvml_into_the_host(library, node, tmp_path):
    """What has touched a GPU cannot be forked, so the host's workers could use none."""
    node.add()
    process = started(PARENT + LOADED, str(library))
    out, err = process.communicate(timeout=60)
    assert (out.split()[1:], err) == (["False", "False"], "")


def test_a_program_that_forgets_to_close_leaves_no_sampler(library, node):
    node.add()
    process = started(PARENT, str(library))
    out, err = process.communicate(timeout=60)
    assert (err, process.returncode) == ("", 0)
    assert wait_until(lambda: group_is_empty(int(out)))


def test_reading_opens_no_file_that_stays_open(open_nvml, node):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    node.add()
    source = open_nvml()
    until_read(source)
    before = descriptors()
    for _ in range(5):
        os.kill(source.reader.status.pid, signal.SIGKILL)
        until_read(source)
    assert descriptors() <= before
