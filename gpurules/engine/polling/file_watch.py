"""Notices that files of a ruleset changed: edits, replacements, and symlinks that were swapped."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from gpurules.input_files import file_stamp
from gpurules.rules.files import SHIPPED

Mark: TypeAlias = tuple[str, int, int, int] | None


def mark(path: str) -> Mark:
    """Return what changes when *path* does; None where it is not there.

    The real path is part of it: a mounted config map is a symlink that is swapped, its files keep their times.
    """
    try:
        stamp = file_stamp(path)
        return None if stamp is None else (str(Path(path).resolve()), *stamp)
    except (OSError, RuntimeError):
        return None


class FileWatch:
    """Detects whether any of some files has changed since the last call."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._marks = self._of(paths)

    @staticmethod
    def _of(paths: Iterable[str]) -> dict[str, Mark]:
        return {path: mark(path) for path in paths if not path.startswith((SHIPPED, "<"))}

    def has_changed(self) -> bool:
        """Return whether a file was changed, added or removed; the next call reports only later changes."""
        now = self._of(self._marks)
        changed = now != self._marks
        self._marks = now
        return changed

    def follow(self, paths: Iterable[str]) -> None:
        """Watch *paths* too, as they are now."""
        self._marks = {**self._of(paths), **{k: v for k, v in self._marks.items() if v is not None}}
