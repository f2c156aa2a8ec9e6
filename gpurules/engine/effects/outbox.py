"""The delivery queue of one receiver: contents, order, and time of the next attempt. Pure.

Time is an argument, and so is chance: *jitter* returns a number from 0 to 1.
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from gpurules.actions import Effect, Event
from gpurules.actions.action import numeric
from gpurules.actions.effects.notification.delivery import DeliveryState, RetryLater
from gpurules.backoff import exponential_wait

MAX_QUEUED = 1000
LEAST_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.05, 60.0
MAX_RETRY_AFTER_SECONDS = 900.0
RETRY_FOR_SECONDS = 3600.0
_STALE = ("change", "repeat")
"""The edges that a later event of their episode makes obsolete."""

EpisodeKey: TypeAlias = tuple[object, ...]


@dataclass(slots=True, eq=False)
class Parcel:
    """An event in the queue.

    Units: ``queued`` and ``due`` in seconds of a monotonic clock.
    Missing: ``reason`` None: no attempt has failed.
    """

    effect: Effect
    event: Event
    key: EpisodeKey
    number: int
    queued: float
    due: float
    attempts: int = 0
    reason: str | None = None
    is_in_flight: bool = False


class Departure(NamedTuple):
    """How and why a parcel left the queue."""

    parcel: Parcel
    state: DeliveryState
    reason: str | None = None


@dataclass(slots=True)
class Outbox:
    """The bounded queue of one receiver. Not thread-safe: its owner holds a lock.

    Order is kept within an episode; episodes do not wait for each other, unless the receiver itself is unavailable.
    When it is full, changes and repetitions give way first, then what was queued last; a stop after a start that was
    delivered is dropped last of all.
    """

    jitter: Callable[[], float]
    limit: int = MAX_QUEUED
    paused_until: float = float("-inf")
    is_draining: bool = False
    size: int = 0
    _failures: int = 0
    _numbered: int = 0
    _next_expiry: float = float("inf")
    _episodes: dict[EpisodeKey, deque[Parcel]] = field(default_factory=dict)
    _due: list[tuple[float, int, Parcel]] = field(default_factory=list)
    _stale: OrderedDict[int, Parcel] = field(default_factory=OrderedDict)
    _fresh_starts: OrderedDict[int, Parcel] = field(default_factory=OrderedDict)

    def put(self, effect: Effect, event: Event, now: float) -> list[Departure]:
        """Queue an event, and return the parcels dropped or superseded by it; it may itself be dropped."""
        self._numbered += 1
        parcel = Parcel(effect, event, _key(effect, event), self._numbered, queued=now, due=now)
        outcomes = self._supersede(parcel)
        if any(outcome.parcel is parcel for outcome in outcomes):
            return outcomes
        if self.size >= self.limit:
            room = self._make_room(parcel)
            outcomes += room
            if any(outcome.parcel is parcel for outcome in room):
                return outcomes
        queue = self._episodes.setdefault(parcel.key, deque())
        queue.append(parcel)
        self.size += 1
        self._next_expiry = min(self._next_expiry, _expires(parcel))
        if event.edge in _STALE:
            self._stale[parcel.number] = parcel
        elif event.edge == "start":
            self._fresh_starts[parcel.number] = parcel
        if len(queue) == 1:
            self._schedule(parcel)
        return outcomes

    def _supersede(self, parcel: Parcel) -> list[Departure]:
        """Remove the parcels of the episode that *parcel* makes obsolete; or return *parcel* itself."""
        waiting = [p for p in self._episodes.get(parcel.key, ()) if not p.is_in_flight]
        edge = parcel.event.edge
        why = "a later event of the same episode replaced it"
        if edge == "repeat" and waiting:
            return [Departure(parcel, DeliveryState.SUPERSEDED, "an earlier event of the same episode is still queued")]
        if edge not in ("change", "stop"):
            return []
        outcomes = []
        for old in [p for p in waiting if p.event.edge in _STALE]:
            if edge == "change" and old.event.edge == "change":
                parcel.event = _merged(old.event, parcel.event)
            self._remove(old)
            outcomes.append(Departure(old, DeliveryState.SUPERSEDED, why))
        if outcomes and edge == "change" and not parcel.event.joined and not parcel.event.left:
            outcomes.append(Departure(parcel, DeliveryState.SUPERSEDED, "the GPUs are those that were reported before"))
        return outcomes

    def _make_room(self, parcel: Parcel) -> list[Departure]:
        """Return the parcel to drop from a full queue: a less useful one than *parcel*, or *parcel* itself."""
        why = f"{self.limit} events are already queued"
        if parcel.event.edge != "repeat":
            stale = next((p for p in self._stale.values() if not p.is_in_flight), None)
            if stale is not None:
                self._remove(stale)
                return [Departure(stale, DeliveryState.DROPPED, why)]
        if parcel.event.edge == "stop" and self._fresh_starts:
            own = self._episodes.get(parcel.key)
            if own is not None and own[-1].number in self._fresh_starts:  # neither was delivered
                start = own[-1]
                self._remove(start)
                return [Departure(start, DeliveryState.DROPPED, why), Departure(parcel, DeliveryState.DROPPED, why)]
            newest = self._fresh_starts[next(reversed(self._fresh_starts))]
            self._remove(newest)
            return [Departure(newest, DeliveryState.DROPPED, why)]
        return [Departure(parcel, DeliveryState.DROPPED, why)]

    def take(self, now: float) -> Parcel | float | None:
        """Return the parcel to attempt now, or the seconds until the next is due; None if none is scheduled."""
        while self._due:
            due, _, parcel = self._due[0]
            if not self._is_head(parcel) or parcel.is_in_flight or due != parcel.due:
                heapq.heappop(self._due)  # removed or postponed
                continue
            wait = 0.0 if self.is_draining else max(due, self.paused_until) - now
            if wait > 0:
                return wait
            heapq.heappop(self._due)
            parcel.is_in_flight = True
            parcel.attempts += 1
            self._fresh_starts.pop(parcel.number, None)
            return parcel
        return None

    def succeed(self, parcel: Parcel) -> Departure:
        """Record that *parcel* was delivered."""
        self._failures, self.paused_until = 0, float("-inf")
        return self._leave(parcel, DeliveryState.DELIVERED)

    def refuse(self, parcel: Parcel, reason: str) -> Departure:
        """Record that *parcel* failed permanently."""
        return self._leave(parcel, DeliveryState.FAILED, reason)

    def expire(self, now: float) -> list[Departure]:
        """Fail parcels that exceeded their maximum age, except those in flight; return their outcomes."""
        if now < self._next_expiry:
            return []
        late = [p for p in self.parcels if _expires(p) <= now and not p.is_in_flight]
        why = "it was not attempted in time, because its receiver failed"
        outcomes = [self._leave(p, DeliveryState.FAILED, f"{p.reason or why} (attempts: {p.attempts})") for p in late]
        self._next_expiry = min((_expires(p) for p in self.parcels), default=float("inf"))
        return outcomes

    def postpone(self, parcel: Parcel, error: RetryLater, now: float) -> Departure | None:
        """Record a failed attempt; return the outcome if it was the last one."""
        parcel.is_in_flight, parcel.reason = False, str(error)
        given, last = parcel.event.parameters, parcel.queued + _retry_for(parcel)
        first, retries = numeric(given, "backoff") or 1.0, numeric(given, "retries")
        parcel.due = min(now + self._wait(first, parcel.attempts, error.after), last)
        if error.of_receiver:
            self._failures += 1
            self.paused_until = max(self.paused_until, now + self._wait(first, self._failures, error.after))
            parcel.due = min(parcel.due, self.paused_until)
        if self.is_draining:
            return self._leave(parcel, DeliveryState.FAILED, f"{error} (the agent stopped)")
        if now >= last or (retries is not None and parcel.attempts > retries):
            return self._leave(parcel, DeliveryState.FAILED, f"{error} (attempts: {parcel.attempts})")
        self._schedule(parcel)
        return None

    def _wait(self, first: float, failures: int, after: float | None) -> float:
        """Return the back-off after a failure, in seconds: at least the delay that the receiver requested."""
        first = max(first, LEAST_WAIT_SECONDS)
        wait = exponential_wait(failures, first, max(first, MAX_WAIT_SECONDS)) * (1 - 0.5 * self.jitter())
        return max(wait, min(after or 0.0, MAX_RETRY_AFTER_SECONDS))

    def drain(self) -> None:
        """Schedule everything for an immediate attempt."""
        self.is_draining = True

    def clear(self, reason: str) -> list[Departure]:
        """Drop all that is not in flight."""
        waiting = [p for queue in self._episodes.values() for p in queue if not p.is_in_flight]
        for parcel in waiting:
            self._remove(parcel)
        return [Departure(parcel, DeliveryState.DROPPED, reason) for parcel in waiting]

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        """All that is queued or in flight."""
        return tuple(parcel for queue in self._episodes.values() for parcel in queue)

    def _is_head(self, parcel: Parcel) -> bool:
        queue = self._episodes.get(parcel.key)
        return queue is not None and queue[0] is parcel

    def _schedule(self, parcel: Parcel) -> None:
        if len(self._due) > 2 * self.limit + 64:  # most entries are of removed parcels
            self._due = [(q[0].due, q[0].number, q[0]) for q in self._episodes.values() if not q[0].is_in_flight]
            heapq.heapify(self._due)
        heapq.heappush(self._due, (parcel.due, parcel.number, parcel))

    def _leave(self, parcel: Parcel, state: DeliveryState, reason: str | None = None) -> Departure:
        self._remove(parcel)
        return Departure(parcel, state, reason)

    def _remove(self, parcel: Parcel) -> None:
        """Remove *parcel*; the next of its episode becomes eligible."""
        queue = self._episodes[parcel.key]
        was_head = queue[0] is parcel
        queue.remove(parcel)
        self.size -= 1
        self._stale.pop(parcel.number, None)
        self._fresh_starts.pop(parcel.number, None)
        if not queue:
            del self._episodes[parcel.key]
        elif was_head:
            self._schedule(queue[0])


def _merged(old: Event, new: Event) -> Event:
    """Return the change that *old* followed by *new* amounts to."""
    joined = (*(d for d in old.joined if d not in new.left), *(d for d in new.joined if d not in old.left))
    left = (*(d for d in old.left if d not in new.joined), *(d for d in new.left if d not in old.joined))
    return replace(new, joined=joined, left=left)


def _key(effect: Effect, event: Event) -> EpisodeKey:
    """Return the episode that an event belongs to, for one action with its parameters."""
    transfer = event.transfer.id if event.transfer else None
    return (effect.name, event.rule, transfer, event.device, repr(event.parameters))


def _retry_for(parcel: Parcel) -> float:
    given = numeric(parcel.event.parameters, "retry_for")
    return RETRY_FOR_SECONDS if given is None else given


def _expires(parcel: Parcel) -> float:
    return parcel.queued + max(_retry_for(parcel), MAX_WAIT_SECONDS)
