"""The processes that a test has started, and whether they have ended."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def children() -> set[int]:
    """Return the children of this process that have not been reaped."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found.update(int(pid) for pid in (task / "children").read_text().split())
    return found


def is_running(pid: int) -> bool:
    """Return whether *pid* runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def group_is_empty(pid: int) -> bool:
    """Return whether no process of the group *pid* is left."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return not is_running(pid)
