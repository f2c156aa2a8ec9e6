"""Which files of a directory are rulesets or rule tests, judged by their names."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

SUFFIXES = (".yaml", ".yml", ".json")
FOLDERS = frozenset({"rules", "rulesets"})

PathFilter: TypeAlias = Callable[[Path, bool], bool]
"""Whether a file of a directory counts; the second argument says whether a folder above it is one of rules."""


def is_test(path: Path, inside: bool) -> bool:
    """Return whether a file is a test of rules: it is called ``*.test.yaml``."""
    return path.stem.endswith(".test")


def is_ruleset(path: Path, inside: bool) -> bool:
    """Return whether a file is a ruleset: called ``*.rules.yaml``, or *inside* a folder of rules and no test."""
    return path.stem.endswith(".rules") or (inside and not path.stem.endswith(".test"))


def is_inside(folder: str) -> bool:
    """Return whether *folder*, or one above it that the path names, is one of rules."""
    return bool(FOLDERS & set(Path(folder).parts))


def files_below(directory: str, wanted: PathFilter, shown: Callable[[str], str]) -> Iterator[str]:
    """Yield the files under *directory* that are *wanted*, in order; *shown* gives the part of a path that counts.

    Pipes and devices are left out: reading one may never end.
    """
    for folder, subfolders, files in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "node_modules")
        inside = is_inside(shown(folder)) or Path(folder).resolve().name in FOLDERS
        for name in sorted(files):
            path = Path(folder, name)
            is_named = path.suffix in SUFFIXES and not name.startswith(".") and wanted(path, inside)
            if is_named and not is_device(path):
                yield str(path)


def is_device(path: Path) -> bool:
    """Return whether *path* is a pipe, socket or device, which may never end. A missing file is none of these."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
