"""The project as the language server sees it: its configuration, and the pages about diagnostic codes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from os import environ
from pathlib import Path

import click

from gpurules.cli.explain.live_facts import LiveFacts
from gpurules.cli.process.crash import installed_version, record
from gpurules.cli.project import configuration
from gpurules.cli.project.code_selection import chosen_codes
from gpurules.cli.project.configuration import Configuration
from gpurules.cli.reference.pages import code_page
from gpurules.diagnostics import CATALOGUE, Diagnostic
from gpurules.input_files import is_among
from gpurules.linter import WORK, Policy
from gpurules.lsp import DocumentSettings, FactsAtHand
from gpurules.output_files import replace_file


class EditorProject:
    """Provides the configuration nearest to each file, and the given facts."""

    def __init__(self, facts: LiveFacts, today: Callable[[], date] = date.today) -> None:
        self._facts = facts
        self._today = today

    @property
    def version(self) -> str:
        """The version of gpurules."""
        return installed_version()

    def settings(self, path: str | None) -> DocumentSettings:
        """Return the settings for checking the file at *path*."""
        try:
            found = configuration.find_configuration(Path(path).parent if path else Path.cwd())
            read = configuration.read_configuration(found) if found is not None else Configuration()
            return _settings(read, path, self._today())
        except (click.UsageError, OSError, ValueError) as error:
            message = error.format_message() if isinstance(error, click.UsageError) else str(error)
            return DocumentSettings(
                Policy(today=self._today()), problem=f"the configuration is not in effect: {message}"
            )

    def check_configuration(self, text: str, path: str) -> Sequence[Diagnostic]:
        """Return the mistakes in the *text* of a configuration file.

        Raises:
            ValueError: it cannot be read.
        """
        try:
            return configuration.parse_configuration(text, Path(path)).problems
        except click.UsageError as error:
            if Path(path).name == "pyproject.toml":
                return ()  # other tools say so
            raise ValueError(error.format_message()) from None

    def facts_at_hand(self) -> FactsAtHand | None:
        """Return the current facts; None if no option gave any."""
        return self._facts.now()

    def page(self, code: str) -> str | None:
        """Write the page about a diagnostic code into the cache folder and return its path."""
        return _page(code)

    def record(self, error: BaseException) -> str:
        """Save the details of an internal error, and return the path."""
        return record(error, ["lsp"])


def _settings(read: Configuration, path: str | None, today: date) -> DocumentSettings:
    codes = chosen_codes(*(_listed(read.values.get(key)) for key in ("select", "extend-select", "ignore")))
    steps = WORK if read.analysis_steps is None else read.analysis_steps
    if path is None or read.path is None:
        return DocumentSettings(Policy(codes, today=today))
    relative = _relative(path, Path(read.path).parent)
    policy = Policy(codes, read.ignored_in, today)
    excluded = is_among(relative, read.exclude)
    return DocumentSettings(Policy(policy.codes_in(relative), today=today, work=steps), excluded)


def _listed(given: object) -> Iterable[str]:
    return [given] if isinstance(given, str) else map(str, given) if isinstance(given, list) else ()


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(path).resolve().relative_to(folder.resolve()).as_posix()
    except (OSError, ValueError):
        return path


@cache
def _page(code: str) -> str | None:
    kept = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpurules" / "checks"
    page = kept / f"{code}.md"
    text = code_page(CATALOGUE[code])
    try:
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            kept.mkdir(parents=True, exist_ok=True)
            replace_file(page, text.encode("utf-8"), mode=None)
    except OSError:
        return None
    return str(page)
