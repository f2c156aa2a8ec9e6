"""Lints again whenever a file changes, until interrupted."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from gpurules.cli.terminal.output import clear_screen, pluralize, say
from gpurules.input_files import file_stamp

PAUSE_SECONDS = 0.3

Stamps = Mapping[str, tuple[int, int, int] | None]
"""The stamp of a file's state, by its path; None if the file does not exist."""


def stamps(paths: Iterable[str]) -> Stamps:
    """Return a stamp of each file, which changes with the file."""
    return {path: file_stamp(path) for path in paths}


def watch(run: Callable[[], object], files: Callable[[], Iterable[str]]) -> NoReturn:
    """Call *run* now, and whenever one of *files* is changed, created or removed.

    Raises:
        KeyboardInterrupt: the user stops it; nothing else does.
    """
    while True:
        seen = stamps(files())
        clear_screen()
        run()
        say(f"{time.strftime('%H:%M:%S')}  watching {pluralize(len(seen), 'file')}; press Ctrl-C to stop")
        while stamps(files()) == seen:
            time.sleep(PAUSE_SECONDS)
