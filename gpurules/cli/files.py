"""Finds the rulesets that arguments mean: files, directories and globs."""

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import TypeAlias

import click

from gpurules.cli.rulesets import PREFIX, check_there

SUFFIXES = (".yaml", ".yml", ".json")
FOLDERS = frozenset({"rules", "rulesets"})
_WILD = frozenset("*?[")


def ruleset_files(arguments: Iterable[str]) -> list[str]:
    """Return the path of every ruleset that *arguments* mean, each once, in order of path within an argument.

    A file that is named counts whatever it is called; in a directory those count that are called ``*.rules.yaml``, or
    lie in a folder called ``rules`` or ``rulesets``.

    Raises:
        click.UsageError: an argument names nothing that is there.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        if argument.startswith(PREFIX):
            check_there(argument)
            found.setdefault(argument, argument)
            continue
        for path in _meant(argument, _is_ruleset):
            found.setdefault(os.path.realpath(path), shown(path))
    return list(found.values())


def test_files(arguments: Iterable[str]) -> list[str]:
    """Return the path of every test file that *arguments* mean: in a directory those called ``*.test.yaml``.

    Raises:
        click.UsageError: an argument names nothing that is there.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        for path in _meant(argument, _is_test):
            found.setdefault(os.path.realpath(path), shown(path))
    return list(found.values())


def _is_test(path: Path, inside: bool) -> bool:
    return path.stem.endswith(".test")


def _is_ruleset(path: Path, inside: bool) -> bool:
    return path.stem.endswith(".rules") or (inside and not path.stem.endswith(".test"))


def excluded(paths: Iterable[str], named: Iterable[str], globs: Iterable[str]) -> list[str]:
    """Return *paths* without those that a glob of *globs* means; what is *named* itself is never left out."""
    kept, patterns = {shown(path) for path in named}, list(globs)
    return [
        path
        for path in paths
        if path in kept or not any(fnmatchcase(path, g) or fnmatchcase(Path(path).name, g) for g in patterns)
    ]


def shown(path: str) -> str:
    """Return *path* as reports show it: relative where it lies below, with ``/`` between its parts."""
    relative = os.path.relpath(path)
    return Path(path if relative.startswith("..") else relative).as_posix()


Wanted: TypeAlias = Callable[[Path, bool], bool]
"""Whether a file of a directory counts; the second argument says whether a folder above it is one of rules."""


def _meant(argument: str, wanted: Wanted) -> Iterator[str]:
    if Path(argument).is_dir():
        yield from _below(argument, wanted)
    elif Path(argument).exists():
        yield argument
    elif _WILD & set(argument):
        matches = sorted(path for path in glob(argument, recursive=True) if Path(path).is_file())  # noqa: PTH207
        if not matches:
            raise click.UsageError(f"no file matches {argument!r}")
        yield from matches
    else:
        raise click.UsageError(f"{argument}: no such file or directory")


def _below(directory: str, wanted: Wanted) -> Iterator[str]:
    for folder, subfolders, files in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "node_modules")
        inside = bool(FOLDERS & set(Path(shown(folder)).parts)) or Path(folder).resolve().name in FOLDERS
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix in SUFFIXES and not name.startswith(".") and wanted(path, inside):
                yield str(path)
