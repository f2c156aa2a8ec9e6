"""What a forked child inherits: open files that go on, or are closed, and a client that starts again."""

import os
import sys
import threading
import traceback
from collections.abc import Callable

import fsspec
import pytest

from gpurules.clients.filesystem import use
from gpurules.governor import Limits
from tests.unit.clients.filesystem.conftest import Node
from tests.unit.clients.filesystem.open_files.test_blocks import BLOCK, DATA, RangeFileSystem

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]
ROWS = bytes(range(256)) * 100


def in_child(work: Callable[[], object], seconds: int = 20) -> str:
    """Run *work* in a forked child; return what went wrong there, or nothing."""
    import signal

    near, far = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        signal.alarm(seconds)  # one that hangs dies
        try:
            work()
        except BaseException:
            said = traceback.format_exc()
        os.write(far, said.encode())
        os._exit(0)
    os.close(far)
    with os.fdopen(near) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said or ("it hung" if status else "")


@pytest.fixture
def path(tmp_path):
    (tmp_path / "rows.bin").write_bytes(ROWS)
    return f"{tmp_path}/rows.bin"


def ranged() -> object:
    return fsspec.filesystem("gpurules", fs=RangeFileSystem(), block_size=BLOCK, skip_instance_cache=True)


OPENED = {
    "local, read": lambda path: fsspec.open(f"gpurules::file://{path}", "rb").open(),
    "local, written": lambda path: fsspec.open(f"gpurules::file://{path}.new", "wb").open(),
    "local, edited": lambda path: fsspec.open(f"gpurules::file://{path}", "r+b").open(),
    "by ranges": lambda path: ranged().open("a.bin"),
    "in memory": lambda path: fsspec.open("gpurules::memory:///forks/new", "wb").open(),
}


@pytest.mark.parametrize("kind", OPENED)
@pytest.mark.parametrize("has_begun", [False, True])
def test_an_open_file_is_no_trouble_in_a_child(node, path, kind, has_begun):
    file = OPENED[kind](path)
    reads = file.readable() and kind != "local, edited"  # which shares its place with that of the child
    shares_place = kind == "local, read" and not has_begun  # as every file of Python in a fork, until it has read ahead
    if has_begun and reads:
        file.read(10)

    def work():
        if reads:
            assert len(file.read(10)) == 10
        file.close()
        with fsspec.open(f"gpurules::file://{path}", "rb") as again:
            assert again.read() == ROWS
        counts = node.counts
        assert 1 <= counts.done <= 2 and counts.failed == 0, "what went on here counts, what was only closed does not"
        assert node.governor.status().transfers == ()

    assert in_child(work) == ""
    with file:
        assert not reads or shares_place or len(file.read(10)) == 10
    assert (node.counts.done, node.governor.status().transfers) == (1, ())


def test_a_file_that_is_forgotten_in_a_child_is_no_trouble_to_the_next_that_is_opened(node, path):
    files = [fsspec.open(f"gpurules::file://{path}", "rb").open()]

    def work():
        files.clear()
        with fsspec.open(f"gpurules::file://{path}", "rb") as again:
            assert again.read() == ROWS

    assert in_child(work) == ""
    files.clear()


def test_blocks_that_are_under_way_in_the_parent_are_fetched_again_in_the_child(node):
    fs = ranged()
    may_go = threading.Event()
    fetch = fs.fs.fetch

    def slow(start, end):
        if start > 0 and os.getpid() == parent:
            may_go.wait(20)
        return fetch(start, end)

    parent, fs.fs.fetch = os.getpid(), slow
    with fs.open("a.bin") as file:
        assert file.read(10) == DATA[:10]  # the next blocks are under way now, and one has its turn

        def work():
            assert file.read() == DATA[10:]

        found = in_child(work)
        may_go.set()
        assert found == ""
        assert file.read() == DATA[10:]


def test_a_file_that_waits_in_the_parent_is_not_counted_in_the_child(path):
    busy = Node()
    busy.governor = type(busy.governor)(busy.engine, Limits(slots=1, queue=1))
    use(busy.governor)
    try:
        with fsspec.open(f"gpurules::file://{path}", "rb") as file:
            file.read(1)

            def work():
                for _ in range(3):
                    with fsspec.open(f"gpurules::file://{path}", "rb") as again:
                        assert again.read() == ROWS
                file.read(1)
                file.close()

            assert in_child(work) == ""
    finally:
        use(None)


def test_the_lock_of_a_client_that_the_parent_held_is_not_held_in_the_child(node, path):
    from gpurules.clients.filesystem import process

    assert process.client_of.__self__ is process._PROCESS
    with process._PROCESS._lock:

        def work():
            with fsspec.open(f"gpurules::file://{path}", "rb", priority=3) as again:
                assert again.read() == ROWS

        assert in_child(work) == ""


def test_multiprocessing_workers_read_what_the_parent_has_open(node, path):
    if sys.version_info >= (3, 14):
        pytest.skip("fork is no longer the default there; the tests above fork by themselves")
    import multiprocessing

    with fsspec.open(f"gpurules::file://{path}", "rb") as file:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(_read, [path] * 6) == [ROWS] * 6
        assert file.read() == ROWS


def _read(path: str) -> bytes:
    with fsspec.open(f"gpurules::file://{path}", "rb") as file:
        return file.read()
