"""What survives a restart: the state of signals and episodes, in one small file."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpurules.engine.state.episodes import Episode, Episodes
from gpurules.engine.state.signals import HysteresisState, Signals
from gpurules.engine.threads.jobs import Job
from gpurules.input_files import read_input
from gpurules.logs import logger
from gpurules.model import format_duration
from gpurules.model.reading import finite
from gpurules.output_files import replace_file
from gpurules.rules.rule import Rule, Signal
from gpurules.strict_json import dumps, loads

_LOGGER = logger("gpurules.memory")
VERSION = 1
MAX_BYTES = 16 * 1024 * 1024
PATIENCE_SECONDS = 2.0
"""How long a poll waits for its state to be written."""


def fingerprint(signal: Signal) -> str:
    """Return what stays the same while the definition of *signal* does."""
    return _digest(signal.fingerprint)


def rule_fingerprint(rule: Rule) -> str:
    """Return a key that stays the same as long as *rule* starts and stops at the same times, with the same actions."""
    ordered = [(action.name, sorted((k, str(v)) for k, v in action.parameters.items())) for action in rule.actions]
    return _digest((rule.name, " ".join(rule.text.split()), rule.signal, rule.gpus, rule.mode, ordered))


def _digest(definition: object) -> str:
    return hashlib.sha256(repr(definition).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump(signals: Signals, episodes: Episodes, now: float) -> dict[str, object]:
    """Return the state as JSON-ready data.

    Units: times in seconds since 1970.
    """
    rules = {id(e.rule): e.rule for running in episodes.running.values() for e in running.values()}
    marks = {key: rule_fingerprint(rule) for key, rule in rules.items()}
    return {
        "version": VERSION,
        "saved": now,
        "signals": {
            fingerprint(signal): {owner: asdict(state) for owner, state in signals.states[signal.name].items()}
            for signal in signals.ordered
        },
        "episodes": [
            [marks[id(e.rule)], transfer, e.started, list(e.devices), e.suppressed]
            for transfer, running in episodes.running.items()
            for e in running.values()
        ],
        "last_start": dict(episodes.last_start),
    }


def save(path: Path, data: Mapping[str, object]) -> None:
    """Write *data* so that a reader sees the old file or the new one, never half of it.

    The disk is not waited for, since polls would be: what a power cut leaves may be empty, and is ignored.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    replace_file(path, dumps(data, compact=True, ascii_only=True).encode("utf-8", "surrogatepass"))


class StateRefused(Exception):
    """A state file that is not taken over; the message says why."""


def read(path: Path, now: float, max_age_seconds: float) -> Mapping[str, Any]:
    """Return the state of *path*.

    Units: *now* in seconds since 1970, on the clock of the telemetry.

    Raises:
        FileNotFoundError: there is none yet.
        StateRefused: it cannot be read, is too old, or is of the future.
    """
    try:
        text = read_input(path, MAX_BYTES)
        if len(text) > MAX_BYTES:
            raise StateRefused(f"it is larger than {MAX_BYTES // 2**20} MiB")
        data = loads(text)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StateRefused(f"it cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise StateRefused("it is not JSON") from None
    saved = finite(data.get("saved")) if isinstance(data, dict) else None
    if saved is None or data.get("version") != VERSION:
        raise StateRefused(f"it is not a state file of version {VERSION}")
    if saved > now:
        raise StateRefused(f"it is {format_duration(saved - now)} ahead of the telemetry")
    if now - saved > max_age_seconds:
        age, limit = format_duration(now - saved), format_duration(max_age_seconds)
        raise StateRefused(f"it is {age} older than the telemetry, and at most {limit} is accepted")
    return dict(data)


def restore(data: Mapping[str, Any], signals: Signals, episodes: Episodes, rules: Mapping[str, Rule]) -> int:
    """Put the state of *data* into signals and episodes whose definition is the same; return how many signals."""
    found, count = data.get("signals"), 0
    for signal in signals.ordered:
        states = found.get(fingerprint(signal)) if isinstance(found, Mapping) else None
        if isinstance(states, Mapping):
            signals.states[signal.name] = {str(k): s for k, v in states.items() if (s := _state(v)) is not None}
            count += 1
    signals.share()
    known = {rule_fingerprint(rule): rule for rule in rules.values() if rule.enabled}
    entries = data.get("episodes")
    for entry in entries if isinstance(entries, list) else ():
        _restore_episode(entry, episodes, known)
    last = data.get("last_start")
    if isinstance(last, Mapping):
        episodes.last_start |= {str(k): float(v) for k, v in last.items() if finite(v) is not None and k in rules}
    return count


def _restore_episode(entry: object, episodes: Episodes, known: Mapping[str, Rule]) -> None:
    if not isinstance(entry, list) or len(entry) != 5 or not isinstance(entry[0], str):
        return
    rule, transfer, started, devices = known.get(entry[0]), entry[1], finite(entry[2]), entry[3]
    if rule is None or started is None or not (transfer is None or isinstance(transfer, str)):
        return
    indexes = tuple(d for d in devices if isinstance(d, int | str)) if isinstance(devices, list) else ()
    episodes.running.setdefault(transfer, {})[rule.name] = Episode(rule, started, indexes, entry[4] is True)


def _state(data: object) -> HysteresisState | None:
    if not isinstance(data, Mapping):
        return None
    since, known = finite(data.get("since")), finite(data.get("known"))
    if since is None or known is None:
        return None
    return HysteresisState(data.get("on") is True, since, known, finite(data.get("streak")), finite(data.get("ending")))


class StateStore:
    """Keeps the state in a file, where there is one; what goes wrong is counted and said once, never raised.

    It is written by a job of its own, one at a time, so that a file system that hangs does not stop polls.
    """

    def __init__(self, path: str | Path | None, max_age_seconds: float) -> None:
        self.failures = 0
        self.is_restored = False
        self._refused: str | None = None
        self._path = None if path is None else Path(path)
        self._max_age_seconds = max_age_seconds
        self._job: Job[None] | None = None
        self._reading: Job[Mapping[str, Any]] | None = None

    def restore(self, signals: Signals, episodes: Episodes, rules: Mapping[str, Rule], now: float) -> None:
        """Take over what the file has, unless that is done; ``settle`` says whether to try again."""
        if self.is_restored or self._path is None:
            return
        path, age = self._path, self._max_age_seconds
        try:
            job = self._reading = self._reading or Job(lambda: read(path, now, age), "gpurules-state")
            if not job.wait(PATIENCE_SECONDS):
                raise StateRefused(f"it could not be read within {job.seconds:.0f} s")
            self._reading = None
            restore(job.result(), signals, episodes, rules)
        except FileNotFoundError:
            self._refused = None
        except (StateRefused, RuntimeError) as error:
            self._refused = str(error)
            return
        self.is_restored = True

    def settle(self) -> None:
        """Try no more: a file that was not taken over is named, and is written again from now on."""
        if not self.is_restored and self._path is not None:
            _LOGGER.warning("the state in %s is not restored: %s", self._path, self._refused)
        self.is_restored = True

    @property
    def is_keeping(self) -> bool:
        """Whether there is a file to write, and what it had is known."""
        return self._path is not None and self.is_restored

    def save(self, data: Mapping[str, object], timeout: float | None = None) -> bool:
        """Write the state; return whether it was written within *timeout* seconds, by default a short time.

        While an earlier one is not written yet, this one is left out: the next one says more.
        """
        path, began = self._path, time.monotonic()
        if path is None:
            return False
        try:
            if self._job is not None and not self._job.wait(timeout or 0):
                raise TimeoutError(f"it has not been written for {self._job.seconds:.0f} s")
            self._job = Job(lambda: save(path, data), "gpurules-state")
            allowed = PATIENCE_SECONDS if timeout is None else timeout
            if not self._job.wait(began + allowed - time.monotonic()):
                raise TimeoutError(f"it was not written within {allowed:g} s")
            self._job.result()
        except (OSError, RuntimeError) as error:
            self.failures += 1
            if self.failures == 1:
                said = (isinstance(error, OSError) and error.strerror) or error
                _LOGGER.warning("the state cannot be written to %s: %s", path, said)
            return False
        self._job = None
        return True

    def abandon(self) -> None:
        """Write no more: in a forked child the file is the parent's."""
        self._path = None
