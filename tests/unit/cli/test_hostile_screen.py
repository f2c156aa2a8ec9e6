"""The live screen, whose lines rich draws: hostile names keep to their line and their columns."""

import unicodedata

import pytest
from rich.cells import cell_len

from gpurules.cli.terminal.output import table
from gpurules.cli.watch.session import WatchSession
from gpurules.cli.watch.view import Watcher
from gpurules.diagnostics.excerpt import columns_of
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

HOSTILE = [
    "\nFORGED",
    "\r\x1b[2JFORGED",
    "\x9bFORGED",
    "\u202eFORGED",
    "\x00FORGED",
    "\ud800FORGED",
    "語" * 300,
    "é語\t語",
]


class Odd:
    """A source whose names are hostile."""

    name = "odd\x1b[31m\n"

    def __init__(self, text):
        self._text = text
        self._time = 1767225600.0

    def read(self):
        self._time += 5
        named = GPU(index=0, uuid="a", name=self._text, memory=90, status="degraded", missing={"power": self._text})
        lost = GPU(index=1, uuid=self._text, name=self._text, status="lost", missing={"power": self._text})
        return Snapshot(timestamp=self._time, host=self._text, driver_version=self._text, gpus=(named, lost))

    def close(self):
        pass


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [60, 100, 150])
def test_the_live_screen_shows_only_what_is_drawn_within_its_columns(text, width):
    rules = loads(
        "version: 1\nname: x\nsignals: {warm: {condition: gpu_memory > 80}}\n"
        "rules:\n  - {name: a, condition: \"warm AND gpu_name != 'b'\", action: pause_transfer}\n"
    )
    coordinator = Coordinator(rules, Odd(text), options=CoordinatorOptions(dry_run=True, read_timeout=30.0))
    session = WatchSession(Watcher(coordinator, lambda: 1767225610.0))
    try:
        coordinator.poll()
        for key in (None, "e", "e", "f", "x", "escape", " "):
            if key is not None:
                session.press(key)
            for line in session.lines(width, 24):
                assert line.cell_len <= width
                assert all(unicodedata.category(c)[0] != "C" for c in line.plain), repr(line.plain)
    finally:
        coordinator.stop(2.0)


@pytest.mark.parametrize("text", HOSTILE)
def test_columns_stay_aligned_whatever_stands_in_them(text):
    head, *rows = table(("name", "next"), [(text, "|"), ("short", "|"), ("語", "|")]).splitlines()
    places = {cell_len(row[: row.rindex("|")]) for row in rows}
    assert places == {columns_of(head[: head.rindex("next")])}
