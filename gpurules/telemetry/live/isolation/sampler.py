"""Reads the node in a process of its own, so that a hung driver blocks nothing in this one.

The process is a fresh interpreter, never a fork: a process that has used a GPU cannot be forked. There is one at a
time. One that does not respond in time is killed, without waiting; no other is started until it has ended.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gpurules.backoff import Backoff
from gpurules.model import FactError, Snapshot
from gpurules.strict_json import dumps
from gpurules.telemetry.live.isolation.circuit_breaker import CircuitBreaker
from gpurules.telemetry.live.isolation.frames import FrameError, Frames, frame
from gpurules.telemetry.live.isolation.owned_process import OwnedProcess
from gpurules.telemetry.live.poll import NO_SUBJECT, PollRequest
from gpurules.telemetry.source import TelemetryError, TelemetryStarting, TelemetryTimeout, TelemetryUnavailable

_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from gpurules.telemetry.live.isolation.worker import main; main()"
)
_TO_DIE = 0.05
"""Seconds that a process takes to end once it is killed, when nothing holds it."""
_WEDGED = 1.0
"""Seconds after which a process that was killed and is still there is wedged."""
_ASK_WHERE = 0.9
"""The share of the time for a poll after which the sampler is asked where it hangs."""
_Error = TypeVar("_Error", bound=TelemetryError)
_KINDS = {kind.__name__: kind for kind in (TelemetryError, TelemetryTimeout, TelemetryUnavailable)}


@dataclass(frozen=True, slots=True)
class Task:
    """The task of the sampler: ``module:function``, which creates a reader, its options, and its timeouts.

    Units: seconds. ``timeout`` is for one poll, ``start`` for a new process until its first response.
    """

    target: str
    options: Mapping[str, object]
    timeout: float = 3.0
    start: float = 30.0
    retry: float = 1.0


@dataclass(frozen=True, slots=True)
class SamplerStatus:
    """The state of the sampler: ``idle starting running ending wedged waiting closed``."""

    state: str
    pid: int | None
    starts: int
    last_error: str | None


class _Child:
    """A running sampler, and its pending poll."""

    def __init__(self, task: Task, at: float) -> None:
        command = [sys.executable, "-I", "-c", _BOOT, dumps(sys.path, ascii_only=True), dumps(
            {"target": task.target, "options": dict(task.options)}, ascii_only=True)]  # fmt: skip
        self.process = OwnedProcess(command, os.environ, has_input=True)
        self.frames = Frames()
        self.started = at
        self.has_answered = False
        self.owed: int | None = None
        self.place: tuple[str, str] | None = None

    def messages(self, seconds: float) -> list[dict[str, Any]] | None:
        """Return its messages within *seconds*; None if it has ended.

        Raises:
            FrameError: it sent an invalid frame.
        """
        poll = select.poll()
        poll.register(self.process.output, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            return []
        try:
            data = os.read(self.process.output, 1 << 18)
        except BlockingIOError:
            return []
        return list(self.frames.feed(data)) if data else None


class Sampler:
    """A reader that runs in a process of its own."""

    def __init__(self, task: Task, clock: Callable[[], float] = time.monotonic) -> None:
        self._task = task
        self._clock = clock
        self._breaker = CircuitBreaker()
        self._number = 0
        self._starts = 0
        self._is_closed = False
        self._reset()

    def _reset(self) -> None:
        """Reset to no sampler: at the start, and in a fork, where the sampler belongs to the parent."""
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._dying: OwnedProcess | None = None
        self._killed_at = 0.0
        self._backoff = Backoff(first=self._task.retry, most=60.0, is_eager=True)
        self._last_error: TelemetryError | None = None

    @property
    def status(self) -> SamplerStatus:
        """The current state of the sampler."""
        child, dying, now = self._child, self._dying, self._clock()
        if self._is_closed:
            state = "closed"
        elif child is not None:
            state = "running" if child.has_answered else "starting"
        elif dying is not None and not dying.is_gone:
            state = "wedged" if now - self._killed_at > _WEDGED else "ending"
        else:
            state = "waiting" if self._backoff.remaining(now) > 0 else "idle"
        pid = child.process.pid if child else None
        return SamplerStatus(state, pid, self._starts, str(self._last_error) if self._last_error else None)

    def read(self, request: PollRequest) -> Snapshot:
        """Return the current snapshot of the sampler, within the timeout of a poll.

        Raises:
            TelemetryTimeout: it does not respond in time; it is killed, and a later read tries again.
            TelemetryError: it cannot read the node, or a new one must not be started yet.
        """
        if os.getpid() != self._owner:
            self._reset()
        until = self._clock() + self._task.timeout
        if not self._lock.acquire(timeout=self._task.timeout):
            raise TelemetryTimeout("the sampler is busy with another read")
        try:
            if self._is_closed:
                raise TelemetryError("the source is closed; open a new one")
            if self._child is not None and not self._is_alive(self._child):  # killed since the last read
                self._fail(TelemetryError(self._why_ended(self._child, None)), self._clock())
            return self._poll(self._child or self._start(), request, until)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the sampler; this takes at most a second, in any state."""
        if os.getpid() != self._owner:
            self._reset()
        self._is_closed = True
        child = self._child
        if child is not None:
            child.process.strike()  # a pending read then ends
        if not self._lock.acquire(timeout=0.5):
            return
        try:
            if self._child is not None:
                self._child.process.end(0.25)
            if self._dying is not None:
                self._dying.end(0.25)
            self._child = self._dying = None
        finally:
            self._lock.release()

    def _start(self) -> _Child:
        now = self._clock()
        if self._dying is not None and not self._dying.is_gone_within(_TO_DIE):
            age = now - self._killed_at
            raise TelemetryTimeout(
                f"the sampler (process {self._dying.pid}) was killed {age:.0f} s ago and has not ended: it waits in "
                "the kernel for the driver; see dmesg, a reset of the GPU or a reboot may be needed"
            )
        self._dying = None
        wait = self._backoff.remaining(now)
        if wait > 0 and self._last_error is not None:
            raise type(self._last_error)(f"{self._last_error} (tried again in {wait:.0f} s)")
        try:
            if not sys.executable:
                raise ValueError("the path of the Python interpreter is unknown; open the source with mode=thread")
            self._child = _Child(self._task, now)
        except (OSError, ValueError) as error:
            raise self._fail(TelemetryError(f"the sampler cannot be started: {error}"), now) from None
        self._starts += 1
        return self._child

    def _poll(self, child: _Child, request: PollRequest, until: float) -> Snapshot:
        try:
            if child.owed is None:
                self._ask(child, request)
            answer = self._wait(child, until)
        except (OSError, ValueError, FrameError, _Ended) as error:
            raise self._fail(TelemetryError(self._why_ended(child, error)), self._clock()) from None
        if answer is None:
            raise self._time_out(child)
        child.has_answered = True
        if "error" in answer:
            kind = _KINDS.get(str(answer.get("kind")), TelemetryError)
            raise self._fail(kind(str(answer["error"])), self._clock())
        self._backoff.succeed()
        self._last_error = None
        return replace(Snapshot.from_dict(answer["snapshot"]), problems=tuple(map(str, answer["problems"])))

    def _is_alive(self, child: _Child) -> bool:
        """Return whether the sampler is alive; a response after its reader gave up is outdated, and dropped."""
        try:
            while messages := child.messages(0.0):
                if any(message.get("read") == child.owed for message in messages):
                    child.owed, child.has_answered = None, True
        except (OSError, FrameError):
            return False
        return messages is not None and not child.process.is_gone

    def _ask(self, child: _Child, request: PollRequest) -> None:
        self._number += 1
        skipped = request.skipped | self._breaker.calls_to_skip(self._clock())
        fields = None if request.fields is None else sorted(request.fields)
        child.process.write(frame({"read": self._number, "fields": fields, "skipped": sorted(skipped)}))
        child.owed = self._number

    def _wait(self, child: _Child, until: float) -> dict[str, Any] | None:
        """Return the response, None if there is none in time; shortly before, query where it hangs."""
        ask_at: float | None = until - (1 - _ASK_WHERE) * self._task.timeout
        while (now := self._clock()) < until:
            if ask_at is not None and now >= ask_at:
                child.process.write(frame({"where": True}))
                ask_at = None
            for message in self._messages(child, (until if ask_at is None else ask_at) - now):
                if message.get("read") == child.owed:
                    child.owed = None
                    return message
                if isinstance(message.get("where"), list):
                    child.place = (str(message["where"][0]), str(message["where"][1]))
        return None

    def _messages(self, child: _Child, seconds: float) -> list[dict[str, Any]]:
        messages = child.messages(seconds)
        if messages is None:
            raise _Ended
        return messages

    def _time_out(self, child: _Child) -> TelemetryTimeout:
        now = self._clock()
        place = f"; it hangs in {child.place[0]} of {child.place[1]}" if child.place else ""
        if not child.has_answered and now - child.started < self._task.start:
            return TelemetryStarting(f"the sampler has been starting for {now - child.started:.1f} s{place}")
        if child.place is not None and child.place[1] != NO_SUBJECT:
            self._breaker.add(child.place, now)
        text = f"the sampler did not answer within {self._task.timeout:g} s and was killed{place}"
        return self._fail(TelemetryTimeout(text), now)

    def _fail(self, error: _Error, at: float) -> _Error:
        """Kill the sampler, if there is one, and return *error*."""
        child, self._child = self._child, None
        if child is not None:
            child.process.kill()
            self._dying, self._killed_at = child.process, at
        self._backoff.fail(at)
        self._last_error = error
        return error

    def _why_ended(self, child: _Child, error: Exception | None) -> str:
        child.process.is_gone_within(_TO_DIE)
        code, said = child.process.exit_code, child.process.last_words()
        ended = f"the sampler (process {child.process.pid}) ended"
        if isinstance(error, FrameError | FactError):
            return f"{ended}: it sent {error}"
        how = "" if code is None else f" by signal {-code}" if code < 0 else f" with exit code {code}"
        return f"{ended}{how}" + (f": {said.splitlines()[-1]}" if said else "")


class _Ended(Exception):
    """The sampler has closed its pipe."""
