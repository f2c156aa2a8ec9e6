"""Configuration: the nearest ``gpurules.toml``, or ``[tool.gpurules]`` of a ``pyproject.toml``.

The search ends at the root of the repository. Precedence: a given option, the environment, the file, the default.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from gpurules.cli.inputs.files import display_path, read_at_most
from gpurules.cli.options import option
from gpurules.cli.project.code_selection import codes_of
from gpurules.diagnostics import DiagnosedError, Diagnostic, Location, diagnostic_at
from gpurules.registry import did_you_mean
from gpurules.rules.yaml import with_part_correction

KEYS: Mapping[str, str] = {
    "select": "codes",
    "extend-select": "codes",
    "ignore": "codes",
    "fail-on": "text",
    "output-format": "text",
    "baseline": "path",
    "analysis-steps": "count",
    "docs-url": "text",
    "exclude": "texts",
    "allow-extends": "texts",
    "per-file-ignores": "table",
}
"""Every key of a configuration file and what it holds; each but the last two is an option of the same name."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a file. Missing: ``path`` None: there is no file."""

    path: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()

    @property
    def ignored_in(self) -> dict[str, frozenset[str]]:
        """The codes that are not reported, by path glob."""
        given = self.values.get("per-file-ignores")
        found = {}
        for glob, codes in given.items() if isinstance(given, Mapping) else ():
            found[str(glob)] = codes_of([codes] if isinstance(codes, str) else map(str, codes))
        return found

    @property
    def analysis_steps(self) -> int | None:
        """The work limit of the analysis of a file. Missing: None if it is not set."""
        given = self.values.get("analysis-steps")
        return given if isinstance(given, int) and _fits(given, "count") else None

    @property
    def exclude(self) -> tuple[str, ...]:
        """Globs of paths that are skipped in directories."""
        given = self.values.get("exclude", ())
        return tuple(map(str, given)) if isinstance(given, list) else ()


def find_configuration(start: Path) -> Path | None:
    """Return the configuration file nearest to *start*, going up to the root of its repository."""
    for folder in (start, *start.parents):
        if (folder / "gpurules.toml").is_file():
            return folder / "gpurules.toml"
        project = folder / "pyproject.toml"
        if project.is_file() and "gpurules" in _table(_data(_text(project), project), "tool"):
            return project
        if (folder / ".git").exists():
            return None
    return None


def _text(path: Path) -> str:
    try:
        return read_at_most(path).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise click.UsageError(f"{display_path(str(path))}: {error.strerror or error}") from None


def _data(text: str, path: Path) -> Mapping[str, object]:
    import tomllib

    try:
        text.encode()
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{display_path(str(path))} is not TOML: {error}") from None


def _table(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = data.get(name, {})
    return found if isinstance(found, Mapping) else {}


def read_configuration(path: Path) -> Configuration:
    """Return the settings of the file at *path*.

    Raises:
        click.UsageError: it cannot be read.
    """
    return parse_configuration(_text(path), path)


def parse_configuration(text: str, path: Path) -> Configuration:
    """Return the settings in the *text* of the file at *path*.

    Raises:
        click.UsageError: it is not TOML, or ``tool.gpurules`` is not a table.
    """
    data = _data(text, path)
    if path.name == "pyproject.toml":
        data = _table(data, "tool").get("gpurules", {})  # type: ignore[assignment]
    if not isinstance(data, Mapping):
        raise click.UsageError(f"{display_path(str(path))}: tool.gpurules must be a table")
    problems = tuple(_problems(data, text, display_path(str(path))))
    known = {key: value for key, value in data.items() if key in KEYS}
    return Configuration(display_path(str(path)), known, problems)


def _problems(data: Mapping[str, object], text: str, path: str) -> Iterator[Diagnostic]:
    for key, value in data.items():
        if key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"known keys: {', '.join(KEYS)}"
            problem = diagnostic_at("GPR906", f"unknown key {key!r}", path, _place(text, key), hint)
            yield with_part_correction(problem, key, [known for known in KEYS if known not in data])
        elif not _fits(value, KEYS[key]):
            hint = f"for example {_EXAMPLES[KEYS[key]]}"
            yield diagnostic_at("GPR906", f"{key!r} does not accept {value!r}", path, _place(text, key), hint)


_EXAMPLES = {
    "codes": '["GPR7", "unknown-field"]',
    "text": '"warning"',
    "path": '"baseline.json"',
    "count": "1_000_000",
    "texts": '["vendored/*"]',
    "table": '{"old/*" = ["GPR105"]}',
}


def _fits(value: object, kind: str) -> bool:
    match kind:
        case "codes" | "texts":
            return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
        case "table":
            return isinstance(value, Mapping) and all(_fits(v, "codes") for v in value.values())
        case "count":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case _:
            return isinstance(value, str)


def _place(text: str, key: str) -> Location:
    match = re.search(
        rf"^[ \t]*[\"']?({re.escape(key)})[\"']?[ \t]*=|^[ \t]*\[(?:.*\.)?({re.escape(key)})[.\]]", text, re.M
    )
    if match is None:
        return Location(1, 1, 1, 1)
    start = match.start(1) if match[1] else match.start(2)
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return Location(line, column, line, column + len(key))


def current(config: str | None, isolated: bool) -> Configuration:
    """Return the effective configuration: of the file *config*, the nearest one, or none at all.

    Raises:
        click.UsageError: both are requested, or the file cannot be read.
    """
    if isolated:
        if config:
            raise click.UsageError("--config and --isolated exclude each other")
        return Configuration()
    path = Path(config) if config else find_configuration(Path.cwd())
    return read_configuration(path) if path is not None else Configuration()


Function = TypeVar("Function", bound=Callable[..., Any])


def with_configuration(function: Function) -> Function:
    """Add ``--config`` and ``--isolated``, and take the defaults of the command's options from the file."""
    isolated = option("--isolated", is_flag=True, is_eager=True, callback=_load, help="Read no configuration file.")
    config = option(
        "--config",
        type=click.Path(exists=True, dir_okay=False),
        is_eager=True,
        callback=_load,
        help="Read this configuration file instead of the nearest.",
    )
    return config(isolated(function))


def _load(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    other = "isolated" if parameter.name == "config" else "config"
    if other in context.params:  # the later of the two options: both are known now
        both = {parameter.name: value, other: context.params[other]}
        found = current(both["config"], both["isolated"])
        context.obj = found
        context.default_map = dict(_defaults(found, {str(p.name): p for p in context.command.params}))
    return value


def _defaults(found: Configuration, options: Mapping[str, click.Parameter]) -> Iterator[tuple[str, object]]:
    for key, value in found.values.items():
        name = key.replace("-", "_")
        if name not in options or not _fits(value, KEYS[key]):
            continue
        if KEYS[key] == "path" and found.path:
            yield name, os.path.normpath(Path(found.path).parent / str(value))
        else:
            yield name, [value] if KEYS[key] == "codes" and isinstance(value, str) else value


def configuration(context: click.Context) -> Configuration:
    """Return the configuration that the command of *context* was run with; the command reports ``problems``."""
    return context.obj if isinstance(context.obj, Configuration) else Configuration()


def sound_configuration(context: click.Context) -> Configuration:
    """Return the configuration that the command of *context* was run with.

    Raises:
        DiagnosedError: something in it is wrong.
    """
    found = configuration(context)
    if found.problems:
        raise DiagnosedError(found.problems)
    return found
