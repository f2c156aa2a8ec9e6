"""Puts another ruleset in force: all of it or nothing, and the last good one stays."""

import logging
from collections.abc import Callable
from pathlib import Path

from gpurules.engine.engine import Engine
from gpurules.engine.metrics import Metrics
from gpurules.engine.watching import FileWatch
from gpurules.errors import GpurulesError
from gpurules.rules import Ruleset, load

_LOGGER = logging.getLogger("gpurules.coordinator")
RETRY_CHECKS = 12
"""A ruleset that did not load is tried again after so many checks, whether or not a file was seen to change: what it
lacks may be a file that nobody knew of."""


class Reloader:
    """Reloads the ruleset of an engine, on demand and when its files change. Not for several threads."""

    def __init__(self, engine: Engine, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._metrics = metrics
        self._clock = clock
        self._watch = FileWatch(engine.ruleset.files)
        self._checks_since_failure = 0

    def is_due(self) -> bool:
        """Return whether a file changed since the last time this was asked, or a failed reload is to be tried again."""
        if self._engine.ruleset.path is None:
            return False
        if self._watch.has_changed():
            return True
        if self._metrics.reload_error is None:
            return False
        self._checks_since_failure += 1
        return self._checks_since_failure >= RETRY_CHECKS

    def prepare(self, wanted: Ruleset | str | Path | None) -> Ruleset | None:
        """Return the ruleset that *wanted* means (None: the present one read anew), or None where it is wrong.

        What is wrong is counted, logged once, and kept in ``metrics.reload_error``.
        """
        self._checks_since_failure = 0
        present = self._engine.ruleset.path
        if isinstance(wanted, Ruleset):
            return wanted
        if wanted is None and present is None:
            self._fail("the ruleset was not read from a file")
            return None
        try:
            return load(wanted if wanted is not None else str(present))
        except (GpurulesError, OSError, ValueError) as error:
            self._fail(str(error))
            return None

    def _fail(self, text: str) -> None:
        is_new = text != self._metrics.reload_error
        self._metrics.reload_error = text
        if is_new:
            self._metrics.reload_failures += 1
            name, version = self._engine.ruleset.name, self._engine.ruleset.version
            _LOGGER.error("ruleset %s %s stays in force, since the new one is wrong: %s", name, version, text)

    def put_in_force(self, fresh: Ruleset) -> None:
        """Swap the engine's ruleset."""
        self._engine.replace(fresh)
        self._watch.follow(fresh.files)
        self._metrics.reloads += 1
        self._metrics.reload_error = None
        self._metrics.reloaded_at = self._clock()
        self._metrics.adopt({rule.name: rule for rule in fresh.rules})
        _LOGGER.info("ruleset %s %s is in force", fresh.name, fresh.version)
