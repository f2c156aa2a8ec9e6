"""Which files a ruleset or a file of tests may name: those of its project, and of folders that it is allowed."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpurules.input_files import read_input

ALLOWING_KEY = "allow-extends"
"""The key of a configuration that lists further folders."""
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PathBounds:
    """The folders below which files are read, links resolved."""

    folders: tuple[Path, ...]
    configuration: Path | None = None

    def admits(self, path: str) -> bool:
        """Return whether the file at *path* is below one of the folders, wherever links lead."""
        try:
            target = Path(path).absolute().resolve()
        except (OSError, ValueError, RuntimeError):
            return True  # there is no such file: reading it says so
        return any(target.is_relative_to(folder) for folder in self.folders)

    def refusal(self, path: str) -> str | None:
        """Return why the file at *path* is not read; None where it is."""
        return None if self.admits(path) else f"it is outside {self.folders[0]}, and is not read"

    @property
    def remedy(self) -> str:
        """What to do about a refusal."""
        where = self.configuration.name if self.configuration else "gpurules.toml at the root of the project"
        return f"move it there, or list its folder under {ALLOWING_KEY} in {where}"


def test_bounds(path: str) -> PathBounds:
    """Return the bounds of the file of tests at *path*.

    Tests are in a folder next to that of the rules: without a project the folder that they are run in counts too,
    unless that is the root of the file system.
    """
    found, here = bounds_of(path), Path.cwd()
    if here == Path(here.anchor) or not Path(path).absolute().is_relative_to(here):
        return found
    return PathBounds((*found.folders, here.resolve()), found.configuration)


def bounds_of(path: str | None) -> PathBounds:
    """Return the bounds of the file at *path*, or of a text where there is none, which is of the present folder.

    They are the root of its repository, else of its project (the nearest ``gpurules.toml``, or ``pyproject.toml`` with
    ``[tool.gpurules]``), else its own folder, and what the configuration there lists under ``allow-extends``. Where the
    file is a link, those of what it leads to count too.
    """
    own = Path(path or "text")
    try:
        starts = dict.fromkeys((own.parent.absolute().resolve(), own.absolute().resolve().parent))
    except (OSError, ValueError, RuntimeError):
        return PathBounds((Path.cwd(),))
    roots = dict.fromkeys(_root(start) for start in starts)
    configuration = next(filter(None, map(_configuration, starts)), None)
    allowed = () if configuration is None else tuple(_allowed(*configuration))
    return PathBounds((*roots, *allowed), configuration[0] if configuration else None)


def leads_outside(path: str) -> bool:
    """Return whether *path* is a link that leads out of the project that it is in."""
    own = Path(path).absolute()
    try:
        return not own.resolve().is_relative_to(_root(own.parent.resolve()))
    except (OSError, ValueError, RuntimeError):
        return False


def _root(start: Path) -> Path:
    folders = (start, *start.parents)
    repository = next((folder for folder in folders if (folder / ".git").exists()), None)
    if repository is not None:
        return repository
    found = _configuration(start)
    return start if found is None else found[0].parent


def _configuration(start: Path) -> tuple[Path, Mapping[str, object]] | None:
    """Return the configuration that is nearest to *start* within its repository, and what it says."""
    for folder in (start, *start.parents):
        for name in ("gpurules.toml", "pyproject.toml"):
            own = _table(folder / name)
            if own is not None:
                return folder / name, own
        if (folder / ".git").exists():
            return None
    return None


def _table(path: Path) -> Mapping[str, object] | None:
    """Return what a configuration sets; None where there is none. One that cannot be read allows nothing."""
    import tomllib  # hardly ever needed

    try:
        data: object = tomllib.loads(read_input(path, _MAX_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return {} if path.name == "gpurules.toml" else None
    if path.name == "pyproject.toml":
        tools = data.get("tool") if isinstance(data, dict) else None
        data = tools.get("gpurules") if isinstance(tools, dict) else None
    return data if isinstance(data, dict) else None


def _allowed(configuration: Path, table: Mapping[str, object]) -> Iterator[Path]:
    listed = table.get(ALLOWING_KEY)
    for entry in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []:
        if isinstance(entry, str) and entry and "\0" not in entry:
            yield Path(os.path.normpath(configuration.parent / Path(entry).expanduser())).resolve()
