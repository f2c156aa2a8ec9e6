"""Shows on stderr the progress of long-running work and the unusable parts of a recording."""

import os
import sys
from collections.abc import Iterable, Iterator, Sized
from time import monotonic
from typing import TypeVar

from gpurules.cli.terminal.output import pluralize, say, show_status

PATIENCE_SECONDS = 1.0
"""Work that is done sooner says nothing."""
_STEP_SECONDS = 0.1
_WIDTH = 24

Item = TypeVar("Item")


def with_progress(items: Iterable[Item], noun: str, total: int | None = None, file: object = None) -> Iterator[Item]:
    """Yield *items*; if that takes long, a line on stderr shows the number done.

    *file*, or without one *items*, may have the attribute ``share``: the share of it (0 to 1) that has been read.
    Missing: *total* None: as many as *items* has; if that is unknown too, the line shows the share of the
    file, and without one it has no bar.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if not _is_watched() or (total is not None and total < 2):
        yield from items
        return
    shown, due = False, monotonic() + PATIENCE_SECONDS
    try:
        for done, item in enumerate(items):
            now = monotonic()
            if now >= due:
                shown, due = True, now + _STEP_SECONDS
                _draw(done, total, noun, getattr(items if file is None else file, "share", None))
            yield item
    finally:
        if shown:
            show_status("")


def _is_watched() -> bool:
    """Return whether stderr is an interactive terminal."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def _draw(done: int, total: int | None, noun: str, share: object = None) -> None:
    line = f"{done:,} {noun}"
    if total is None and isinstance(share, float):
        filled = int(_WIDTH * share)
        line = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {100 * share:.0f} % · {line}"
    if total is not None:
        filled = _WIDTH * done // total
        line = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,} of {total:,} {noun}"
    show_status(line)


SHOWN = 5
"""How many problems and notices are shown word by word."""


def report_unread(reader: object) -> None:
    """Report what *reader* could not use, with counts and the first places, and what it assumed."""
    notices: tuple[str, ...] = tuple(getattr(reader, "notices", ()))
    problems, count = tuple(getattr(reader, "problems", ())), getattr(reader, "problem_count", 0)
    for text in (*notices[:SHOWN], *problems[:SHOWN], *getattr(reader, "fields_missing", ())[:SHOWN]):
        say(f"gpurules: {text}")
    if count > SHOWN:
        say(f"gpurules: and {pluralize(count - SHOWN, 'more line')} that could not be used")
