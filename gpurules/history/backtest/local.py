"""Distributes nodes over the processes of this machine."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Protocol

from gpurules.history.backtest.judge import Ask, NodeResult, judge
from gpurules.history.backtest.task import NodeTask

AHEAD = 4
"""Nodes that each process may evaluate ahead of the one whose result is next."""


class Distribute(Protocol):
    """A function that evaluates nodes: the extension point for another execution engine."""

    def __call__(self, tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        """Yield the result of each of *tasks*, in any order."""
        ...


def in_processes(jobs: int) -> Distribute:
    """Return a function that evaluates nodes in *jobs* processes; with one, in this process.

    Results come in the order of the tasks, and few wait for their turn, so that memory does not grow with the nodes.
    """

    def distribute(tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        if min(jobs, len(tasks)) <= 1:
            yield from map(partial(judge, ask=ask), tasks)
            return
        work: Callable[[NodeTask], NodeResult] = partial(judge, ask=ask)
        pool = ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _leave_interrupts_to_the_parent)
        try:
            left, waiting = iter(tasks), deque[Future[NodeResult]]()
            waiting.extend(pool.submit(work, task) for task in islice(left, AHEAD * jobs))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, task) for task in islice(left, 1))
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return distribute


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
