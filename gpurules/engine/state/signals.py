"""Signals: conditions with memory, per GPU or for the node."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gpurules.language.terms import ir
from gpurules.model import GPUIndex, Truth
from gpurules.rules.rule import Settings, Signal


@dataclass(slots=True)
class HysteresisState:
    """Where one signal of one owner is.

    Units: seconds since 1970.
    Missing: ``streak`` None: the condition was not TRUE at the last snapshot; ``ending`` None: no end is under way.
    """

    on: bool = False
    since: float = 0.0
    known: float = 0.0
    streak: float | None = None
    ending: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A signal went on or off.

    Units: ``lasted`` in seconds: how long it was in the state before (of a start: how long its condition held).
    Missing: ``device`` is None for a signal of the node; ``because`` is ``stale`` where missing telemetry ended it.
    """

    signal: str
    owner: str
    device: GPUIndex | None
    on: bool
    timestamp: float
    lasted: float
    because: str | None = None

    def of(self, signal: str) -> "Transition":
        """Return the same of another signal."""
        return Transition(signal, self.owner, self.device, self.on, self.timestamp, self.lasted, self.because)


def advance(
    state: HysteresisState, now: float, truths: tuple[Truth, Truth], signal: Signal, settings: Settings
) -> str | None:
    """Move *state* to *now*; *truths* are those of the condition and of ``until``.

    An end that is under way (``keep_for``) goes on while what decides is UNKNOWN, and ends the signal in its time.

    Returns ``start``, ``stop``, ``stale`` (stopped for want of telemetry), or None where nothing changed.
    """
    condition, until = truths
    if not state.on:
        return _start(state, now, condition, signal)
    if condition is True:
        state.known, state.ending = now, None
        return None
    ended = until if signal.until is not None else None if condition is None else True
    if ended is not None:
        state.known = now
    if ended and state.ending is None:
        state.ending = now
    if state.ending is not None and now - state.ending >= signal.keep_for_seconds:
        return _stop(state, now, "stop")
    if ended is None and now - state.known >= settings.stale_after and settings.on_stale == "release":
        return _stop(state, now, "stale")
    return None


def _start(state: HysteresisState, now: float, condition: Truth, signal: Signal) -> str | None:
    if condition is not True:
        state.streak = None
        if condition is False:
            state.known = now
        return None
    state.known = now
    if state.streak is None:
        state.streak = now
    if now - state.streak < signal.for_seconds:
        return None
    state.on, state.since, state.ending = True, now, None
    return "start"


def _stop(state: HysteresisState, now: float, why: str) -> str:
    state.on, state.since, state.streak, state.ending = False, now, None, None
    return why


def in_order(signals: Mapping[str, Signal]) -> tuple[Signal, ...]:
    """Return *signals* so that each stands after those that it reads."""
    ordered: dict[str, Signal] = {}
    stack = [(name, False) for name in reversed(list(signals))]
    while stack:
        name, is_done = stack.pop()
        if name in ordered:
            continue
        if is_done:
            ordered[name] = signals[name]
            continue
        stack.append((name, True))
        stack.extend((needed, False) for needed in signals_read(signals[name]))
    return tuple(ordered.values())


def signals_read(signal: Signal) -> Iterable[str]:
    """Return the names of the signals that *signal* reads."""
    terms = [signal.condition] if signal.until is None else [signal.condition, signal.until]
    return {part.name: None for term in terms for part in ir.walk(term) if isinstance(part, ir.Signal)}


def _definition(signal: Signal) -> tuple[object, ...]:
    """Return what the states of *signal* depend on."""
    return signal.condition, signal.until, signal.for_seconds, signal.keep_for_seconds, signal.per_gpu


UNKNOWN: tuple[Truth, Truth] = (None, None)
"""What condition and ``until`` are for a GPU that is not there."""

Owner: TypeAlias = tuple[str, GPUIndex | None]
"""The identity of a GPU, or NODE, and the index of the GPU."""


class Signals:
    """The states of all signals. Not for several threads: its owner holds a lock.

    Signals that are defined alike and are in the same states have one dict of them, and are moved on once for all.
    """

    def __init__(self, signals: Mapping[str, Signal]) -> None:
        self.ordered = in_order(signals)
        self.states: dict[str, dict[str, HysteresisState]] = {signal.name: {} for signal in self.ordered}
        self.share()

    def share(self) -> None:
        """Give signals that are defined alike and are in the same states one dict of them."""
        found: dict[tuple[object, ...], list[dict[str, HysteresisState]]] = {}
        for signal in self.ordered:
            own = self.states[signal.name]
            known = found.setdefault(_definition(signal), [])
            same = next((states for states in known if states == own), None)
            if same is None:
                known.append(own)
            else:
                self.states[signal.name] = same

    def step(
        self,
        signal: Signal,
        now: float,
        owners: Sequence[tuple[str, GPUIndex | None]],
        truths: tuple[Sequence[Truth], Sequence[Truth] | None],
        settings: Settings,
    ) -> list[Transition]:
        """Move one signal to *now*, and return what changed.

        What happens at nearly every snapshot, which changes nothing, is done in place: a streak goes on or breaks, a
        signal stays on. All else is ``advance``.

        Shape: *truths* are those of the condition and of ``until``, one for each of *owners*; an owner that is not
        among them is UNKNOWN.
        Missing: the second of *truths* is None where the signal has no ``until``.
        """
        states, changes, met, needed = self.states[signal.name], list[Transition](), 0, signal.for_seconds
        started, ended = truths
        for place, truth in enumerate(started):
            owner, device = owners[place]
            state = states.get(owner)
            if truth is True:
                if state is None:
                    state = states[owner] = HysteresisState(since=now, streak=now)
                state.known = now
                if state.on or (state.streak is not None and now - state.streak < needed):
                    state.ending = None
                    met += 1
                    continue
            elif state is None or not state.on:
                states.pop(owner, None)
                continue
            pair = (truth, None if ended is None else ended[place])
            met += self.move(signal, state, now, (owner, device, pair), (settings, changes))
        if len(states) > met:
            self._move_gone(signal, now, {owner for owner, _ in owners}, (settings, changes))
        return changes

    def _move_gone(self, signal: Signal, now: float, present: set[str], how: tuple[Settings, list[Transition]]) -> None:
        """Move the states of GPUs that are not in the snapshot."""
        states = self.states[signal.name]
        for owner in [o for o in states if o not in present]:
            self.move(signal, states[owner], now, (owner, None, UNKNOWN), how)

    def move(
        self,
        signal: Signal,
        state: HysteresisState,
        now: float,
        what: tuple[str, GPUIndex | None, tuple[Truth, Truth]],
        how: tuple[Settings, list[Transition]],
    ) -> bool:
        """Move the state of one owner, note what changed, and return whether there is still something to remember."""
        (owner, device, truths), (settings, changes) = what, how
        before = state.since if state.on else state.streak
        event = advance(state, now, truths, signal, settings)
        if event is not None:
            lasted = now - (before if before is not None else now)
            because = "stale" if event == "stale" else None
            changes.append(Transition(signal.name, owner, device, state.on, now, lasted, because))
        if state.on or state.streak is not None:
            return True
        del self.states[signal.name][owner]
        return False

    def ends(self) -> dict[tuple[str, str | None], float]:
        """Return when each signal ends that ``keep_for`` alone holds on, by its name and GPU (None: of the node).

        Units: seconds since 1970.
        """
        return {
            (signal.name, owner if signal.per_gpu else None): state.ending + signal.keep_for_seconds
            for signal in self.ordered
            if signal.keep_for_seconds
            for owner, state in self.states[signal.name].items()
            if state.on and state.ending is not None
        }

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*."""
        apart = {id(states): states for states in self.states.values()}
        for state in (state for states in apart.values() for state in states.values()):
            state.since += seconds
            state.known += seconds
            state.streak = None if state.streak is None else state.streak + seconds
            state.ending = None if state.ending is None else state.ending + seconds

    def adopt(self, other: "Signals") -> None:
        """Take over the states of *other* for signals whose definition is the same."""
        before = {signal.name: signal.fingerprint for signal in other.ordered}
        for signal in self.ordered:
            if before.get(signal.name) == signal.fingerprint:
                self.states[signal.name] = other.states[signal.name]
        self.share()
