"""Makes the system refuse calls on what is below a folder: the Nth one, or that one and all after it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BY_PATH = ("open", "stat", "lstat", "unlink", "utime", "mkdir", "replace", "rename", "truncate", "chmod")
BY_FILE = ("fstat", "statvfs", "listdir", "preadv", "pread", "read", "dup", "sendfile")
WRITES = ("pwrite", "write", "ftruncate", "fchmod")


class Faults:
    """Counts the calls below *folder*; raises *number* at the *at*-th of them, and at those after it if *is_lasting*.

    Missing: *at* 0: never.
    """

    def __init__(self, folder: Path, number: int = 0, at: int = 0, is_lasting: bool = False) -> None:
        self.calls: list[str] = []
        self.raised = 0
        self._folder = folder
        self._number = number
        self._at = at
        self._is_lasting = is_lasting

    def _concerns(self, what: object, dir_fd: int | None) -> bool:
        path = Path(f"/proc/self/fd/{what if dir_fd is None else dir_fd}")
        if not isinstance(what, int) and dir_fd is None:
            path = Path(os.fspath(what))
        if path.is_relative_to("/proc/self/fd"):
            path = Path(*path.parts[:5]).readlink()
        return path.is_relative_to(self._folder)

    def look(self, name: str, what: object, dir_fd: int | None = None) -> None:
        if self._concerns(what, dir_fd):
            self.calls.append(name)
            number = len(self.calls)
            if self._at and (number >= self._at if self._is_lasting else number == self._at):
                self.raised += 1
                raise OSError(self._number, f"{os.strerror(self._number)} (injected into {name})")

    @contextmanager
    def injected(self) -> Iterator["Faults"]:
        """Have them happen inside of ``with``."""
        real = {name: getattr(os, name) for name in (*BY_PATH, *BY_FILE, *WRITES)}
        flock = fcntl.flock

        def wrapped(name):
            def call(what, *arguments, **named):
                if name == "dup" or isinstance(what, int | str | os.PathLike):
                    self.look(name, what, named.get("dir_fd"))
                return real[name](what, *arguments, **named)

            return call

        def locking(file, operation):
            if operation != fcntl.LOCK_UN:
                self.look("flock", file)
            return flock(file, operation)

        try:
            for name in real:
                setattr(os, name, wrapped(name))
            fcntl.flock = locking
            yield self
        finally:
            for name, function in real.items():
                setattr(os, name, function)
            fcntl.flock = flock
