"""When work begins that was asked for: at once, after a breath, or after a pause, by how long it took lately."""

from collections.abc import Iterator
from queue import Queue

import pytest

from gpurules.lsp.transport.debouncer import LONG_SECONDS, QUICK_SECONDS, SHORT_SECONDS, Debouncer


class Work:
    """Work that takes as long as it is said to, by a clock of its own."""

    def __init__(self) -> None:
        self.now, self.takes = 0.0, 0.0
        self.done: Queue[str] = Queue()
        self.debouncer = Debouncer(self.run, clock=lambda: self.now)

    def run(self, key: str) -> None:
        self.now += self.takes
        self.done.put(key)

    def next(self) -> str:
        return self.done.get(timeout=60)


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.debouncer.close()


def run_once(work: Work, takes: float) -> None:
    """Have the work for ``a`` run once, so that it is known how long it takes."""
    work.takes = takes
    work.debouncer.ask("a", at_once=True)
    assert work.next() == "a"
    work.takes = 0.0
    work.debouncer.ask("other", at_once=True)  # the time is noted before the next key is looked for
    assert work.next() == "other"


def test_quick_work_begins_after_a_breath(work: Work) -> None:
    run_once(work, QUICK_SECONDS)
    work.debouncer.ask("a")
    work.now += SHORT_SECONDS
    work.debouncer.ask("b", at_once=True)
    assert sorted([work.next(), work.next()]) == ["a", "b"]


def test_work_that_takes_long_waits_for_a_pause(work: Work) -> None:
    run_once(work, 2 * QUICK_SECONDS)
    work.debouncer.ask("a")
    work.now += LONG_SECONDS / 2
    work.debouncer.ask("b", at_once=True)
    assert work.next() == "b"
    work.debouncer.ask("a")  # typing goes on
    work.now += LONG_SECONDS * 3 / 4
    work.debouncer.ask("c", at_once=True)
    assert work.next() == "c"
    work.now += LONG_SECONDS
    work.debouncer.ask("d", at_once=True)
    assert sorted([work.next(), work.next()]) == ["a", "d"]


def test_work_that_was_given_up_early_still_counts_as_long(work: Work) -> None:
    run_once(work, 4 * QUICK_SECONDS)
    run_once(work, 0.0)
    work.debouncer.ask("a")
    work.now += SHORT_SECONDS
    work.debouncer.ask("b", at_once=True)
    assert work.next() == "b"
    assert work.done.empty()


def test_a_key_that_was_dropped_is_not_worked_on(work: Work) -> None:
    work.debouncer.ask("a")
    work.debouncer.drop("a")
    work.now += LONG_SECONDS
    work.debouncer.ask("b", at_once=True)
    assert work.next() == "b"
    assert work.done.empty()
