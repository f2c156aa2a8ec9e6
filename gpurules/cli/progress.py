"""How far long work has come: one line on a terminal, and nothing anywhere else."""

import os
import sys
from collections.abc import Collection, Iterator
from time import monotonic
from typing import TypeVar

PATIENCE_SECONDS = 1.0
"""Work that is done sooner says nothing."""
_STEP_SECONDS = 0.1
_WIDTH = 24
_ERASE = "\r\x1b[K"

Item = TypeVar("Item")


def in_sight(items: Collection[Item], noun: str) -> Iterator[Item]:
    """Yield *items*; where that takes long, a bar on stderr shows how many are done, until all are."""
    if not _is_watched() or len(items) < 2:
        yield from items
        return
    shown, due = False, monotonic() + PATIENCE_SECONDS
    try:
        for done, item in enumerate(items):
            now = monotonic()
            if now >= due:
                shown, due = True, now + _STEP_SECONDS
                _draw(done, len(items), noun)
            yield item
    finally:
        if shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def _is_watched() -> bool:
    """Return whether stderr is a terminal that somebody may look at."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def _draw(done: int, total: int, noun: str) -> None:
    filled = _WIDTH * done // total
    sys.stderr.write(f"{_ERASE}[{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,} of {total:,} {noun}")
    sys.stderr.flush()
