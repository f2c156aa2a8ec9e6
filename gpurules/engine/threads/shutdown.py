"""Ends what still runs when the interpreter ends, and sees to what a forked child inherits."""

import atexit
import os
import time
import weakref
from typing import Protocol

EXIT_SECONDS = 1.0
"""How long all coordinators together may take to stop when the interpreter ends."""


class Living(Protocol):
    """What has threads."""

    def stop(self, timeout: float | None = None) -> None:
        """Stop within *timeout* seconds."""
        ...

    def after_fork(self) -> None:
        """Make do without the threads, which are the parent's."""
        ...


_ALIVE: "weakref.WeakSet[Living]" = weakref.WeakSet()


def add(living: Living) -> None:
    """Stop *living* when the interpreter ends, unless it is gone by then."""
    _ALIVE.add(living)


def remove(living: Living) -> None:
    """Leave *living* alone from now on."""
    _ALIVE.discard(living)


def _stop_all() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    for living in list(_ALIVE):
        living.stop(max(0.1, deadline - time.monotonic()))


def _fork_all() -> None:
    for living in list(_ALIVE):
        living.after_fork()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
