"""The cache that fetches ahead as far as the rules say at each new block."""

import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fsspec")

from fsspec.caching import caches

from gpurules.clients.filesystem.open_files.prefetch import PrefetchCache

DATA = bytes(range(256)) * 10


class Fetcher:
    """Gives ranges of the data, and remembers which blocks were asked for."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.fails = 0
        self._lock = threading.Lock()

    def __call__(self, start: int, stop: int) -> bytes:
        with self._lock:
            self.starts.append(start)
            if self.fails:
                self.fails -= 1
                raise OSError("the server is gone")
        return DATA[start:stop]


def cache(fetcher: Fetcher, ahead: list[int]) -> PrefetchCache:
    return PrefetchCache(100, fetcher, len(DATA), ahead=lambda: ahead[0])


def test_fsspec_knows_it_by_name():
    assert caches["gpurules"] is PrefetchCache


@given(
    reads=st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, 700)), max_size=20),
    ahead=st.integers(0, 5),
)
def test_whatever_is_read_in_whatever_order_is_right(reads, ahead):
    the = cache(Fetcher(), [ahead])
    for start, length in reads:
        assert the._fetch(start, start + length) == DATA[start : start + length]


def test_who_reads_on_has_blocks_fetched_ahead_and_each_only_once():
    fetcher, ahead = Fetcher(), [3]
    the = cache(fetcher, ahead)
    for start in range(0, len(DATA), 50):
        assert the._fetch(start, start + 50) == DATA[start : start + 50]
    assert sorted(fetcher.starts) == list(range(0, len(DATA), 100))


def test_the_number_ahead_is_asked_for_at_each_new_block():
    fetcher, ahead = Fetcher(), [4]
    the = cache(fetcher, ahead)
    the._fetch(0, 100)
    assert the.nblocks == 5
    ahead[0] = 0
    for start in range(100, 600, 100):
        the._fetch(start, start + 100)
    before = len(fetcher.starts)
    the._fetch(600, 700)
    assert len(fetcher.starts) == before + 1, "only what is read is fetched"
    ahead[0] = 2
    the._fetch(700, 800)
    for start in (700, 800, 900):
        the._blocks[start // 100].result(5)
    assert sorted(fetcher.starts[-3:]) == [700, 800, 900]


def test_a_jump_fetches_nothing_ahead():
    fetcher = Fetcher()
    the = cache(fetcher, [4])
    the._fetch(1000, 1100)
    assert fetcher.starts == [1000]


def test_a_block_that_failed_is_an_error_once_and_fetched_again():
    fetcher = Fetcher()
    the = cache(fetcher, [0])
    fetcher.fails = 1
    with pytest.raises(OSError, match="the server is gone"):
        the._fetch(0, 10)
    assert the._fetch(0, 10) == DATA[:10]


def test_little_is_kept_of_a_file_that_is_read_through():
    the = cache(Fetcher(), [2])
    for start in range(0, len(DATA), 100):
        the._fetch(start, start + 100)
        assert the.nblocks <= 5


def test_what_is_pickled_has_no_blocks():
    the = PrefetchCache(100, len, len(DATA))
    assert pickle.loads(pickle.dumps(the))._blocks == {}
