"""The one door to logging: what comes from outside cannot forge a line of a log, or drive the terminal that shows it.

A file name, an answer of a server or the name of a process may hold line feeds and escape sequences. Records carry them
made visible already, so that this holds for every handler, also in a program that has gpurules as a library.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gpurules.diagnostics.excerpt import visible

LONGEST = 4000
"""The most characters that one value has in a log."""
ROOT = "gpurules"


def logger(name: str) -> logging.Logger:
    """Return the logger *name* of the package, whose records carry visible text only."""
    found = logging.getLogger(name)
    if _CLEANER not in found.filters:
        found.addFilter(_CLEANER)
    return found


def loggable(value: object) -> object:
    """Return a value for a log: numbers as they are, everything else as text on one line.

    >>> loggable("a\\nb"), loggable(7)
    ('a␊b', 7)
    """
    if value is None or isinstance(value, int | float):
        return value
    try:
        text = str(value)
    except Exception as error:  # foreign: an exception whose text cannot be made, say
        text = f"<{type(value).__name__} without a text: {type(error).__name__}>"
    return visible(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


class _Cleaner(logging.Filter):
    """Makes what a record carries visible, before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean *record*; none is held back."""
        clean(record)
        return True


_CLEANER = _Cleaner()


def clean(record: logging.LogRecord) -> None:
    """Make the message, the arguments and the traceback of *record* visible."""
    record.msg = loggable(record.msg)
    if isinstance(record.args, Mapping):
        record.args = {key: loggable(value) for key, value in record.args.items()}
    elif record.args:
        record.args = tuple(map(loggable, record.args))
    if record.exc_info and not record.exc_text:
        record.exc_text = traceback_text(logging.Formatter().formatException(record.exc_info))


def traceback_text(text: str) -> str:
    """Return a traceback with every line indented and visible, so that none of them passes for a line of the log."""
    return "\n".join(f"    {visible(line)}" for line in text.split("\n"))


class LineFormatter(logging.Formatter):
    """Formats records of any logger, also those that did not come through :func:`logger`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line, and its traceback as indented ones."""
        clean(record)
        return super().format(record)


@contextmanager
def to_stderr() -> Iterator[None]:
    """What the package logs goes to stderr, a line each."""
    root, handler = logger(ROOT), logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextmanager
def silence() -> Iterator[None]:
    """Nothing that the package logs is shown."""
    root, handler = logger(ROOT), logging.NullHandler()
    propagates = root.propagate
    root.addHandler(handler)
    root.propagate = False
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.propagate = propagates
