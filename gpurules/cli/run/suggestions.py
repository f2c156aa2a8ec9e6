"""Searches the node's own history once a day for better thresholds and publishes them; no rule is changed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import click

from gpurules.cli.extras import need_history
from gpurules.cli.terminal.output import note
from gpurules.engine import Coordinator
from gpurules.errors import GpurulesError
from gpurules.rules import Ruleset
from gpurules.strict_json import loads

DAY = 86400.0
FIRST = 600.0
"""How long after the start the first search begins, in seconds."""
LONGEST = 3600.0
"""How long a search may take, in seconds; it ends then."""
_LOOK = 0.25


@dataclass(frozen=True, slots=True)
class SuggestionWish:
    """The parameters of a search: a ruleset as it was named, a store, and goals as ``gpurules tune`` takes them."""

    ruleset: str
    history: str
    goals: tuple[str, ...]
    keeps: tuple[str, ...]

    def check(self, ruleset: Ruleset) -> None:
        """Make sure that the goals can be searched for.

        Raises:
            GpurulesError: a goal cannot be parsed, or names no signal.
        """
        from gpurules.history.tuning.goals import goals_of

        goals_of(ruleset, self.goals, self.keeps)

    def command(self) -> list[str]:
        """Return the command line of the search."""
        given = [word for goal in self.goals for word in ("--goal", goal)]
        given += [word for keep in self.keeps for word in ("--keep", keep)]
        format_ = ["--output-format", "json"]
        return [sys.executable, "-m", "gpurules", "tune", self.ruleset, "--history", self.history, *given, *format_]


def suggestion_wish(
    ruleset: str, history: str | None, goals: tuple[str, ...], keeps: tuple[str, ...]
) -> SuggestionWish | None:
    """Return the parameters of the search; None: there is none.

    Raises:
        click.UsageError: the options contradict each other.
    """
    if history is None:
        if goals or keeps:
            raise click.UsageError("--goal and --keep require --suggest DIR")
        return None
    if not goals and not keeps:
        raise click.UsageError("--suggest needs a goal: --goal 'SIGNAL.on_share <= 5%', or --keep")
    if ruleset == "-":
        raise click.UsageError("--suggest requires the file of the ruleset, not stdin")
    return SuggestionWish(ruleset, history, goals, keeps)


@contextmanager
def suggestions_of(wish: SuggestionWish | None, coordinator: Coordinator) -> Iterator[None]:
    """Search during the context, in a process of the lowest priority; None: do not search.

    Raises:
        UnavailableError: the extra for reading a store is not installed.
        GpurulesError: the goals are invalid.
    """
    if wish is None:
        yield
        return
    need_history()
    wish.check(coordinator.engine.ruleset)
    ends = threading.Event()
    thread = threading.Thread(
        target=_search_daily, args=(wish, coordinator, ends), name="gpurules-suggest", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(5)


def _search_daily(wish: SuggestionWish, coordinator: Coordinator, ends: threading.Event) -> None:
    wait, trouble = FIRST, ""
    while not ends.wait(wait):
        wait, version = DAY, coordinator.engine.ruleset.version
        try:
            found = search(wish, ends)
        except (GpurulesError, OSError) as error:  # the rules stay as they are
            found = None
            if not ends.is_set() and str(error) != trouble:
                trouble = str(error)
                note(f"no search for better thresholds: {error}")
        if found is not None:
            coordinator.proposal = {"timestamp": time.time(), "ruleset_version": version, **found}
            values = ", ".join(f"{name} {value:g}" for name, value in found["values"].items())  # type: ignore[attr-defined]
            note(f"the history supports other values: {values} (gpurules tune shows the change)")


def search(wish: SuggestionWish, ends: threading.Event) -> dict[str, object] | None:
    """Return the proposed values and the measure of each goal.

    Missing: None if the history supports no change, or *ends* is set.

    Raises:
        GpurulesError: the search failed, or took too long.
    """
    process = subprocess.Popen(
        wish.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    with process:
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, process.pid, 19)
        deadline = time.monotonic() + LONGEST
        while True:
            try:
                out, err = process.communicate(timeout=_LOOK)
                break
            except subprocess.TimeoutExpired:
                if ends.is_set() or time.monotonic() > deadline:
                    process.kill()
        if ends.is_set():
            return None
        if process.returncode not in (0, 1):
            lines = err.decode("utf-8", "replace").strip().splitlines()
            raise GpurulesError(lines[-1].removeprefix("gpurules: ") if lines else "the search ended without a reason")
    found = loads(out.decode("utf-8", "replace"))
    if not isinstance(found, dict) or not isinstance(found.get("proposal"), dict) or found.get("patch") is None:
        return None
    return {"values": found["proposal"]["values"], "measures": found["proposal"]["measures"]}
