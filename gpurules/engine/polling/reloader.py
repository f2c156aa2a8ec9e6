"""Puts another ruleset in force: all of it or nothing, and the last good one stays."""

from collections.abc import Callable
from pathlib import Path

from gpurules.engine.effects.metrics import Metrics
from gpurules.engine.engine import Engine
from gpurules.engine.polling.file_watch import FileWatch
from gpurules.engine.threads.jobs import Job
from gpurules.errors import GpurulesError
from gpurules.logs import logger
from gpurules.plugins import reason
from gpurules.rules import Ruleset, load

_LOGGER = logger("gpurules.coordinator")
PATIENCE_SECONDS = (1.0, 5.0)
"""How long a poll waits for the files of its ruleset: one interval, within these bounds."""
RETRY_CHECKS = 12
"""A ruleset that did not load is retried after this number of checks, whether or not a file was seen to change: it
may depend on a file that is not watched."""


class Reloader:
    """Reloads the ruleset of an engine, on demand and when its files change; ``look`` and what follows in one thread.

    Files are looked at and read by a job of its own, one at a time, which is waited for briefly: where their file
    system hangs, the present ruleset stays in force, and ``metrics.reload_error`` says so after *timeout* seconds.
    """

    def __init__(self, engine: Engine, metrics: Metrics, clock: Callable[[], float], timeout: float = 10.0) -> None:
        self._engine = engine
        self._metrics = metrics
        self._clock = clock
        self._timeout = timeout
        self._hung = f"its files could not be read within {timeout:g} s; is their file system responding?"
        self._watch = FileWatch(engine.ruleset.files)
        self._checks_since_failure = 0
        self._is_asked = False
        self._job: Job[Ruleset | None] | None = None
        self._job_is_for = engine.ruleset
        self._error_before: str | None = None

    @property
    def _patience(self) -> float:
        least, most = PATIENCE_SECONDS
        return min(most, max(least, self._engine.ruleset.settings.poll_interval))

    def look(self, is_asked: bool, is_watching: bool) -> Ruleset | None:
        """Return a ruleset to put in force: the current one read again, if a check is due or *is_asked*."""
        self._is_asked |= is_asked
        if self._job is None and (not (self._is_asked or is_watching) or not self._begin()):
            return None
        job = self._job
        if job is None or not job.wait(0):
            if job is not None and job.seconds > self._timeout and self._metrics.reload_error != self._hung:
                self._error_before = self._metrics.reload_error
                self._fail(self._hung)
            return None
        self._job = None
        fresh = self._outcome(job)
        if self._metrics.reload_error == self._hung:
            self._metrics.reload_error = self._error_before
        return fresh if self._engine.ruleset is self._job_is_for else None

    def _begin(self) -> bool:
        """Start looking at the files, and wait briefly for it; return whether it could be started."""
        is_asked = self._is_asked
        try:
            self._job = Job(lambda: self._read_again(is_asked), "gpurules-reload")
        except RuntimeError as error:  # no further thread can be started
            self._fail(str(error))
            return False
        self._is_asked, self._job_is_for = False, self._engine.ruleset
        self._job.wait(self._patience)
        return True

    def _read_again(self, is_asked: bool) -> Ruleset | None:
        return self._loaded(None) if is_asked or self._is_due() else None

    def _is_due(self) -> bool:
        """Return whether a file changed since the last time this was asked, or a failed reload is to be tried again."""
        if self._engine.ruleset.path is None:
            return False
        if self._watch.has_changed():
            return True
        if self._metrics.reload_error in (None, self._hung):
            return False
        self._checks_since_failure += 1
        return self._checks_since_failure >= RETRY_CHECKS

    def _loaded(self, wanted: str | Path | None) -> Ruleset:
        self._checks_since_failure = 0
        present = self._engine.ruleset.path
        if wanted is None and present is None:
            raise GpurulesError("the ruleset was not read from a file")
        fresh = load(wanted if wanted is not None else str(present), previous=self._engine.ruleset)
        self._watch.follow(fresh.files)
        return fresh

    def prepare(self, wanted: Ruleset | str | Path | None) -> Ruleset | None:
        """Return the ruleset that *wanted* means (None: the present one read again), or None where it is wrong.

        What is wrong is counted, logged once, and kept in ``metrics.reload_error``. From any thread.
        """
        if isinstance(wanted, Ruleset):
            Job(lambda: self._watch.follow(wanted.files), "gpurules-reload").wait(self._patience)
            return wanted
        job = Job[Ruleset | None](lambda: self._loaded(wanted), "gpurules-reload")
        if not job.wait(self._timeout):
            self._fail(self._hung)
            return None
        return self._outcome(job)

    def _outcome(self, job: "Job[Ruleset | None]") -> Ruleset | None:
        try:
            return job.result()
        except (GpurulesError, OSError, ValueError) as error:
            self._fail(str(error))
        except BaseException as error:  # a mistake of ours, or of foreign code: polls go on
            self._fail(reason(error))
        return None

    def _fail(self, text: str) -> None:
        is_new = text != self._metrics.reload_error
        self._metrics.reload_error = text
        if is_new:
            self._metrics.reload_failures += 1
            name, version = self._engine.ruleset.name, self._engine.ruleset.version
            _LOGGER.error("ruleset %s %s stays in force, because the new one has errors: %s", name, version, text)

    def put_in_force(self, fresh: Ruleset) -> None:
        """Swap the engine's ruleset."""
        self._engine.replace(fresh)
        self._metrics.reloads += 1
        self._metrics.reload_error = None
        self._metrics.reloaded_at = self._clock()
        self._metrics.adopt({rule.name: rule for rule in fresh.rules})
        _LOGGER.info("ruleset %s %s is in force", fresh.name, fresh.version)

    def abandon(self) -> None:
        """Forget the job: in a forked child its thread is the parent's."""
        self._job = None
