"""Revisions of the state: a number for each change, and the changes since any of them. There is no state per client."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpurules.logs import logger
from gpurules.service.state.events import EventLog
from gpurules.service.wire.json_bytes import encode

_LOGGER = logger("gpurules.service")
LEAST_SECONDS = 0.05
"""Changes that come closer together share a revision."""
MAX_GONE = 1000
RECENT_EVENTS = 200
"""How many events the full state has."""


@dataclass(slots=True)
class _Whole:
    """A section that is sent as a whole."""

    body: bytes = b"null"
    revision: int = 0

    def take(self, data: object, revision: int) -> bool:
        """Store *data*, and return whether it has changed."""
        body = encode(data)
        if body == self.body and self.revision:
            return False
        self.body, self.revision = body, revision
        return True

    def since(self, revision: int) -> bytes | None:
        """Return the changes since *revision*; None if there are none."""
        return self.body if self.revision > revision else None


@dataclass(slots=True)
class _Keyed:
    """A section of named entries; only changed ones are sent, and null for those removed."""

    entries: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    full_from: int = 0
    """Clients at an earlier revision get all of it."""

    def take(self, data: Mapping[str, object], revision: int) -> bool:
        """Store *data*, and return whether any entry has changed."""
        changed = False
        for name in self.entries.keys() - data.keys():
            del self.entries[name]
            self.gone[name], changed = revision, True
        for name, entry in data.items():
            body = encode(entry)
            if name not in self.entries or self.entries[name][0] != body:
                self.entries[name], changed = (body, revision), True
                self.gone.pop(name, None)
        if len(self.gone) > MAX_GONE:
            self.gone, self.full_from = {}, revision
        return changed

    def since(self, revision: int) -> bytes | None:
        """Return the changes since *revision*; None if there are none."""
        changed = [(name, body) for name, (body, at) in self.entries.items() if at > revision]
        changed += [(name, b"null") for name, at in self.gone.items() if at > revision]
        if not changed:
            return b"{}" if revision < 0 else None
        return b"{" + b",".join(encode(name) + b":" + body for name, body in changed) + b"}"


class Revisions:
    """The sections of the state, each with the revision of its last change. Used in the thread of the loop.

    *standing* is what decisions on transfers depend on besides the node's directives: when it changes, these get a new
    revision, so that clients decide again. ``bump`` may be called from any thread. Sections are computed in a thread of
    the loop's pool, and only while a client follows them; ``directives`` always are.
    """

    def __init__(
        self,
        first: int,
        sections: Mapping[str, Callable[[], object]],
        events: EventLog,
        clock: Callable[[], float],
        standing: Callable[[], object],
    ) -> None:
        self.first = first
        self.revision = first
        self.directives_revision = first
        self.followers = 0
        self._make = sections
        self._events = events
        self._clock = clock
        self._standing = standing
        self._sections: dict[str, _Whole | _Keyed] = {name: _Whole() for name in sections}
        self._sections |= {name: _Keyed() for name in ("rules", "transfers") if name in sections}
        self._event_marks: list[tuple[int, int]] = []
        self._directives: object = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_due = False
        self._work: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._begun = self._done = 0
        self._has_all = False
        self._passed = asyncio.Event()
        self._frames: dict[int, bytes] = {}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start, in the thread of *loop*."""
        self._loop = loop
        self.bump()

    def detach(self) -> None:
        """Stop."""
        self._loop = None
        if self._work is not None:
            self._work.cancel()

    def bump(self) -> None:
        """Record that the state may have changed."""
        loop = self._loop
        if loop is not None and not self._is_due:
            self._is_due = True
            try:
                loop.call_soon_threadsafe(self._begin)
            except RuntimeError:  # the loop has ended
                self._loop = None

    def _begin(self) -> None:
        if self._work is None and self._loop is not None:
            self._work = self._loop.create_task(self._advance())

    async def _advance(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._is_due:
                self._is_due = False
                self._begun += 1
                has_all = self.followers > 0
                names = list(self._make) if has_all else ["directives"]
                try:
                    self._take(await loop.run_in_executor(None, self._made, names))
                finally:
                    self._done, self._has_all = self._begun, has_all
                    passed, self._passed = self._passed, asyncio.Event()
                    passed.set()
                await asyncio.sleep(LEAST_SECONDS)
        finally:
            self._work = None
            if self._is_due:
                self._begin()

    def _made(self, names: list[str]) -> dict[str, object]:
        made = {}
        for name in names:
            try:
                made[name] = self._make[name]()
            except Exception:  # a field or action may be foreign code; the other sections continue
                _LOGGER.exception("the section %s could not be built", name)
        return made

    def _take(self, made: Mapping[str, object]) -> None:
        revision, has_changed = self.revision + 1, False
        for name, data in made.items():
            section = self._sections[name]
            keyed = isinstance(section, _Keyed)
            has_changed |= section.take(data, revision)  # type: ignore[arg-type]
            if keyed:
                continue
            if name == "directives" and isinstance(data, Mapping):
                bare = {key: value for key, value in data.items() if key != "snapshot_time"}
                standing = bare, self._standing()
                if standing != self._directives:
                    self._directives, self.directives_revision = standing, revision
                    has_changed = True
        if not self._event_marks or self._event_marks[-1][1] != self._events.last:
            self._event_marks = [*self._event_marks[-MAX_GONE:], (revision, self._events.last)]
            has_changed = True
        if has_changed:
            self.revision = revision
            self._frames = {}
            news, self._news = self._news, asyncio.Event()
            news.set()

    # following

    async def wait(self, seconds: float, is_there: Callable[[], bool]) -> None:
        """Wait until *is_there* returns True, at most *seconds*."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not is_there() and (left := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    async def settle(self) -> None:
        """Wait until all sections are current; before the first follower only some are."""
        if self._has_all:
            return
        wanted = self._begun + 1
        self.bump()
        while self._done < wanted:
            await self._passed.wait()

    def wake(self) -> None:
        """Wake all waiters to check again."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def frame(self, since: int) -> tuple[bytes, int]:
        """Return the event for a client at revision *since*, and its new revision.

        A client without a revision of this agent gets the full state, others the changes since: whole sections, entries
        of keyed sections (or null), and ``events`` to be appended.
        """
        is_full = not self.first <= since <= self.revision or any(
            isinstance(section, _Keyed) and since < section.full_from for section in self._sections.values()
        )
        key = -1 if is_full else since
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._framed(key)
        return frame, self.revision

    def _framed(self, since: int) -> bytes:
        parts = [b'{"revision":%d,"clock":%s' % (self.revision, encode(self._clock()))]
        for name, section in self._sections.items():
            body = section.since(since)
            if body is not None:
                parts.append(b'"%s":%s' % (name.encode(), body))
        events = self._events_since(since)
        if events or since < 0:
            parts.append(b'"events":' + encode(events))
        kind = b"state" if since < 0 else b"change"
        return b"event: %s\nid: %d\ndata: %s}\n\n" % (kind, self.revision, b",".join(parts))

    def _events_since(self, since: int) -> list[dict[str, object]]:
        if since < 0:
            return self._events.after(-1, RECENT_EVENTS)
        number = max((last for revision, last in self._event_marks if revision <= since), default=None)
        return self._events.after(self.first - 1 if number is None else number, RECENT_EVENTS)
