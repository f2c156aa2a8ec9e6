"""Expands file arguments: files, directories and globs; reads files within bounds."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import glob
from itertools import islice
from pathlib import Path

import click

from gpurules.cli.inputs.rulesets import PREFIX, check_there
from gpurules.input_files import is_among, read_input
from gpurules.registry import did_you_mean
from gpurules.rules.files import PathFilter, files_below, is_like_ruleset, is_ruleset, is_test, leads_outside
from gpurules.rules.yaml import MAX_BYTES

_MOST_NEIGHBORS = 1000
_WILD = frozenset("*?[")


def ruleset_files(arguments: Iterable[str]) -> list[str]:
    """Return the path of every ruleset that *arguments* match, each once, in order of path within an argument.

    A file given by name is always included; of a directory, files named ``*.rules.yaml`` and those in a folder named
    ``rules`` or ``rulesets``.

    Raises:
        click.UsageError: an argument matches no file.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        if argument.startswith(PREFIX):
            check_there(argument)
            found.setdefault(argument, argument)
            continue
        for path in _meant(argument, is_ruleset):
            found.setdefault(os.path.realpath(path), display_path(path))
    return list(found.values())


def test_files(arguments: Iterable[str]) -> list[str]:
    """Return the path of every test file that *arguments* match: in a directory those named ``*.test.yaml``.

    Raises:
        click.UsageError: an argument matches no file.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        for path in _meant(argument, is_test):
            found.setdefault(os.path.realpath(path), display_path(path))
    return list(found.values())


def without_excluded(paths: Iterable[str], named: Iterable[str], globs: Iterable[str]) -> list[str]:
    """Return *paths* without those that match one of *globs*; paths *named* as arguments are always kept."""
    kept, patterns = {display_path(path) for path in named}, list(globs)
    return [path for path in paths if path in kept or not is_among(path, patterns)]


def display_path(path: str) -> str:
    """Return *path* as reports show it: relative if it is below the working directory, with ``/`` as separator."""
    relative = os.path.relpath(path)
    return Path(path if relative.startswith("..") else relative).as_posix()


def named_in_tests(path: str, folder: Path) -> str:
    """Return the path by which a test file in *folder* names the ruleset at *path*: a relative one.

    Raises:
        click.UsageError: the path cannot be written in YAML.
    """
    name = path if path.startswith("gpurules:") else Path(os.path.relpath(path, folder)).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"a test file cannot refer to {path!r}, which is not UTF-8; rename it") from None
    return name


def _meant(argument: str, wanted: PathFilter) -> Iterator[str]:
    if Path(argument).is_dir():
        yield from files_below(argument, wanted, display_path)
    elif Path(argument).exists():
        yield argument
    elif _WILD & set(argument):
        matches = sorted(path for path in glob(argument, recursive=True) if Path(path).is_file())  # noqa: PTH207
        if not matches:
            raise click.UsageError(f"no file matches {argument!r}")
        yield from matches
    else:
        raise click.UsageError(f"{argument}: no such file or directory{_advice(argument)}")


def _advice(argument: str) -> str:
    """Return the advice about a missing file that ends a message."""
    folder = Path(argument).parent
    with suppress(OSError):
        near = [path.name for path in islice(folder.iterdir(), _MOST_NEIGHBORS)]
        close = did_you_mean(Path(argument).name, [name for name in near if name.endswith((".yaml", ".yml", ".json"))])
        if close:
            return f"; {close}"
    return "; gpurules init writes a ruleset and a test to start from"


def read_at_most(path: str | Path) -> bytes:
    """Return the content of a file, cut off one byte above the size limit, so that callers can detect that.

    Raises:
        OSError: it cannot be read.
    """
    return read_input(path, MAX_BYTES)


def read_stdin() -> bytes:
    """Return the content of stdin, within the same bound as :func:`read_at_most`."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def text_to_show(path: str | None) -> str | None:
    """Return the text of the file at *path* for an excerpt; None if it cannot be read."""
    try:
        return None if path is None else excerpt_source(path, read_at_most(path))
    except (OSError, ValueError):
        return None


def excerpt_source(path: str, data: bytes) -> str | None:
    """Return *data* as text for excerpts; None if *path* is a link to something that is not a rule file."""
    if not path.startswith((PREFIX, "<")) and leads_outside(path) and not is_like_ruleset(data):
        return None
    return data.decode("utf-8", "replace")
