"""Locks among processes: one waits for another that makes progress, and no longer; and none is left behind."""

import fcntl
import os
import threading
import time
from contextlib import contextmanager

import pytest

from gpurules.clients.pieces.resumable_file import PART_SUFFIX
from gpurules.clients.staging.folder import Folder
from gpurules.clients.staging.locks import Waiting, hold_lock, locked_at_once
from gpurules.clients.staging.trouble import StagingLocked
from gpurules.governor import TransferCancelled
from tests.unit.clients.staging.conftest import KIB, RULES, Stored, content
from tests.waiting import wait_until

IMPATIENT = RULES.replace("rules:", "settings: {{max_delay: 1s}}\nrules:")


@contextmanager
def held(path):
    """Hold a lock as a process does that hangs."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def lock_of(node, source):
    return node.area.path / f"{node.place(source).name}.lock"


@pytest.mark.parametrize("is_staged", [False, True])
def test_a_process_that_hangs_with_a_lock_holds_up_no_other_for_long(started, is_staged):
    node, source = started(rules=IMPATIENT), Stored()
    if is_staged:
        node.read(source)
    with held(lock_of(node, source)):
        began = time.monotonic()
        assert node.read(source) == source.data
        assert 0.9 < time.monotonic() - began < 20
    assert node.faults == {"staging_locked": 1}
    assert node.read(source) == source.data


def test_a_process_that_hangs_while_it_makes_room_holds_up_no_other_for_long(started):
    node, source = started(rules=IMPATIENT), Stored()
    with held(node.area.path / "area.lock"):
        assert node.read(source) == source.data
        started()  # does not wait for it either
    assert node.faults == {"staging_locked": 1}
    assert [path.name for path in node.area.path.iterdir()] == ["area.lock"]


def test_a_process_that_makes_progress_is_waited_for(started):
    node, source = started(rules=IMPATIENT), Stored()
    other = started()
    released, part = threading.Event(), node.area.path / f".{node.place(source).name}{PART_SUFFIX}"

    def stage_slowly():
        with held(lock_of(node, source)):
            locking.set()
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                part.touch()
                time.sleep(0.1)  # progress is read from times of the file system, over real seconds
            part.unlink()
            released.set()

    locking = threading.Event()
    thread = threading.Thread(target=stage_slowly)
    thread.start()
    locking.wait(10)
    assert node.read(source) == source.data
    assert released.is_set()
    thread.join(10)
    assert (node.faults, node.area.counts.staged, other.read(source)) == ({}, 1, source.data)


def test_a_transfer_that_waits_for_a_lock_can_be_cancelled(started):
    node, source = started(), Stored()
    found = []

    def read():
        try:
            node.read(source)
        except TransferCancelled as error:
            found.append(error)

    with held(lock_of(node, source)):
        thread = threading.Thread(target=read)
        thread.start()
        wait_until(lambda: node.governor.status().transfers)
        node.governor.cancel(node.governor.status().transfers[0].id)
        thread.join(20)
    assert len(found) == 1


def test_many_use_one_copy_at_a_time_and_one_that_takes_it_out_waits_for_none(started):
    node, source = started(), Stored()
    node.read(source)
    name = lock_of(node, source).name
    with Folder.opened_at(node.area.path) as one, Folder.opened_at(node.area.path) as two:
        waiting = Waiting(lambda: None, 5)
        with (
            hold_lock(one, name, waiting, is_shared=True),
            hold_lock(two, name, waiting, is_shared=True),
            locked_at_once(two, name) as is_free,
        ):
            assert not is_free
        with locked_at_once(two, name) as is_free:
            assert is_free


def test_a_lock_that_was_removed_while_one_waited_for_it_is_not_taken_for_held(started):
    node = started()
    with Folder.opened_at(node.area.path) as folder, hold_lock(folder, "x.lock", Waiting(lambda: None, 5)):
        taken = []

        def wait():
            with Folder.opened_at(node.area.path) as own, hold_lock(own, "x.lock", Waiting(lambda: None, 20)):
                taken.append(own.stat("x.lock").st_ino)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.2)  # the thread waits in flock by now, which cannot be seen from here
        removed = folder.stat("x.lock").st_ino
        folder.unlink("x.lock")
        held_open = os.open(node.area.path / "x.lock", os.O_CREAT | os.O_RDWR)  # so that the inode is another
    thread.join(20)
    os.close(held_open)
    assert taken and taken[0] != removed


def test_a_lock_waits_no_longer_than_it_should(started):
    node = started()
    with (
        held(node.area.path / "x.lock"),
        Folder.opened_at(node.area.path) as folder,
        pytest.raises(StagingLocked, match=r"held for 0\.2 s without progress"),
        hold_lock(folder, "x.lock", Waiting(lambda: None, 0.2)),
    ):
        raise AssertionError("it is held by another")


@pytest.mark.parametrize("how", ["open", "download"])
def test_a_child_that_was_forked_meanwhile_keeps_no_lock(started, tmp_path, how):
    node, source = started(rules=IMPATIENT), Stored()
    reading, go_on = threading.Event(), threading.Event()
    read = source.read

    def slow(*arguments):
        reading.set()
        go_on.wait(20)
        return read(*arguments)

    source.read = slow
    thread = threading.Thread(target=node.get, args=(how, source, tmp_path))
    thread.start()
    assert reading.wait(20)
    parent, child = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(child)
        os.read(parent, 1)  # until the parent has closed its end
        os._exit(0)
    os.close(parent)
    try:
        go_on.set()
        thread.join(20)
        assert started(rules=IMPATIENT).get(how, source, tmp_path) == source.data
        with (
            Folder.opened_at(node.area.path) as folder,
            locked_at_once(folder, lock_of(node, source).name) as is_free,
        ):
            assert is_free, "the child has the lock of its parent"
    finally:
        os.close(child)
        os.waitpid(pid, 0)


def test_locks_go_with_what_they_protect(started, tmp_path):
    node = started(quota=250 * KIB)
    sources = [Stored(f"mem://bucket/{number}", content(number)) for number in range(8)]
    for source in sources:
        assert node.read(source) == source.data
    assert node.area.counts.evicted == 6
    names = [path.name for path in node.area.path.iterdir()]
    assert sorted(name.rpartition(".")[2] for name in names if "." in name) == ["lock"] * 3 + ["seal"] * 2
    assert len(names) == 7, "two copies, each with its lock and its record, and the lock of the area"
    for source in sources[-2:]:
        os.truncate(node.place(source), 5)
    too_large = Stored("mem://bucket/large", content(9, 300 * KIB))
    assert node.read(too_large) == too_large.data
    assert node.faults == {"staging_full": 1}
    assert sorted(path.name for path in node.area.path.iterdir()) == sorted(names), "and none of what found no room"
