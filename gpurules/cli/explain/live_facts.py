"""Facts from files that are reloaded when they change."""

from collections.abc import Mapping
from pathlib import Path

import click

from gpurules.cli.explain.facts import read_facts
from gpurules.facts import KINDS
from gpurules.input_files import file_stamp, open_input
from gpurules.lsp import FactsAtHand

_TAIL_BYTES = 4 * 1024 * 1024
RECORDINGS = (".jsonl", ".ndjson")


class LiveFacts:
    """Reads the facts that options name, and rereads them whenever a file changes.

    Raises:
        click.UsageError: one cannot be read at first; later this is reported as a problem of the facts.
    """

    def __init__(self, given: Mapping[str, str | None]) -> None:
        self._given = {name: one for name, one in given.items() if one is not None}
        if "-" in self._given.values():
            raise click.UsageError("stdin belongs to the editor: give the facts as files, or as the JSON itself")
        self._stamps: tuple[object, ...] = ()
        self._current: FactsAtHand | None = None
        if self._given:
            self._current = self._read()

    def now(self) -> FactsAtHand | None:
        """Return the current facts; None if no option was given."""
        if self._given:
            try:
                self._current = self._read()
            except click.UsageError as error:
                self._stamps = ()
                self._current = FactsAtHand(self._title, problem=error.format_message())
        return self._current

    @property
    def _title(self) -> str:
        return ", ".join("the JSON given" if _is_json(one) else Path(one).name for one in self._given.values())

    def _read(self) -> FactsAtHand:
        stamps = tuple(_stamp(one) for one in self._given.values())
        if self._current is not None and stamps == self._stamps and self._current.problem is None:
            return self._current
        facts = read_facts({name: self._text(name) for name in KINDS})
        self._stamps = stamps
        return FactsAtHand(self._title, facts.snapshot, facts.transfer, facts.workload, facts.node)

    def _text(self, name: str) -> str | None:
        given = self._given.get(name)
        if given is None or _is_json(given) or Path(given).suffix not in RECORDINGS:
            return given
        try:
            line = _last_line(Path(given))
        except OSError as error:
            raise click.UsageError(f"--{name}: {given}: {error.strerror or error}") from error
        if not _is_json(line):
            raise click.UsageError(f"--{name}: the last line of {given} is not a JSON object")
        return line


def _is_json(given: str) -> bool:
    return given.lstrip().startswith("{")


def _stamp(given: str) -> object:
    if _is_json(given):
        return given
    return file_stamp(given)


def _last_line(path: Path) -> str:
    """Return the last complete line, a JSON object, of a recording that may still be written to."""
    with open_input(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").split("\n")
    whole = [line for line in lines[:-1] if line.strip()] or lines
    return whole[-1].strip()
