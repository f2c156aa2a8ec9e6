"""Distributes nodes over the processes of this machine."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from typing import Protocol

from gpurules.history.backtest.judge import Ask, NodeResult, judge
from gpurules.history.backtest.task import NodeTask


class Distribute(Protocol):
    """A function that evaluates nodes: the extension point for another execution engine."""

    def __call__(self, tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        """Yield the result of each of *tasks*, in any order."""
        ...


def in_processes(jobs: int) -> Distribute:
    """Return a function that evaluates nodes in *jobs* processes; with one, in this process."""

    def distribute(tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        if min(jobs, len(tasks)) <= 1:
            yield from map(partial(judge, ask=ask), tasks)
            return
        work: Callable[[NodeTask], NodeResult] = partial(judge, ask=ask)
        pool = ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _leave_interrupts_to_the_parent)
        try:
            for done in as_completed([pool.submit(work, task) for task in tasks]):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return distribute


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
