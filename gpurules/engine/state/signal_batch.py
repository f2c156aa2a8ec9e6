"""Signals whose conditions are looked up, moved on together: a bit for each, and work for those alone that change.

What most signals do at a snapshot is nothing: they stay off, stay on, or wait on. For each GPU (and the node) masks say
which wait and since when, which are on, and which of these were TRUE at the last snapshot; a look-up says which are
TRUE now. Only a signal that starts, or is on without being TRUE, is moved on by itself, as ``signals`` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gpurules.backends.ambient_index import AmbientIndex
from gpurules.backends.facts import Facts
from gpurules.bitset import iter_bits
from gpurules.engine.state.history import NODE
from gpurules.engine.state.signals import UNKNOWN, HysteresisState, Owner, Signals, Transition
from gpurules.model import Truth, Value
from gpurules.rules.rule import Settings, Signal

Ask: TypeAlias = Callable[[int, int, bool], tuple[Truth, Truth]]
"""Returns the values of condition and ``until`` of a signal: by its number, for the owner at a place.

The last says whether the condition was TRUE before, so that this will hardly be asked again soon.
"""


@dataclass(frozen=True, slots=True)
class SignalSlot:
    """A signal: its number among all, and where it is in the rows of GPUs and of the node."""

    signal: Signal
    number: int
    place: int
    node_place: int


@dataclass(frozen=True, slots=True)
class SignalStep:
    """One snapshot. ``changes`` fills up: the number of the signal and the place of the owner say their order.

    Shape: *rows* has one row for each of *owners*, which are the GPUs.
    """

    facts: Facts
    owners: Sequence[Owner]
    rows: Sequence[list[Value]]
    node_row: list[Value]
    ask: Ask
    changes: list[tuple[int, int, Transition]] = field(default_factory=list)


class SignalBatch:
    """The states of many signals, taken over from ``Signals`` until they are settled there again.

    Those that are on stay in its dicts, but for the time at which they were last known; those that wait do not. Not for
    several threads: its owner holds a lock.
    """

    def __init__(
        self,
        slots: Sequence[SignalSlot],
        index: AmbientIndex,
        signals: Signals,
        settings: Settings,
        blank: Sequence[Value],
    ) -> None:
        """Take over the states of *slots*, which are the rules of *index*; *blank* is the row of a new GPU."""
        self._slots, self._index, self._signals, self._settings = slots, index, signals, settings
        self._blank = list(blank)
        # Masks by GPU (or node): bit n is slot n. For each owner a bit is in _on, in one mask of _waiting (keyed by the
        # time since when the condition holds), or in neither; _steady is a subset of _on.
        self._waiting: dict[str, dict[float, int]] = {}
        self._on: dict[str, int] = {}
        self._steady: dict[str, int] = {}
        self._rows: dict[str, list[Value]] = {}
        self._somewhere, self._last = 0, 0.0
        self._durations: dict[float, int] = {}
        for bit, slot in enumerate(slots):
            seconds = slot.signal.for_seconds
            self._durations[seconds] = self._durations.get(seconds, 0) | 1 << bit
            self._take_over(bit, slot)

    def _take_over(self, bit: int, slot: SignalSlot) -> None:
        before, own = self._signals.states[slot.signal.name], dict[str, HysteresisState]()
        for owner, state in before.items():
            if state.on:
                own[owner] = replace(state)  # signals that are alike share theirs
                self._on[owner] = self._on.get(owner, 0) | 1 << bit
                self._write(slot, owner, None, True)
            elif state.streak is not None:
                waiting = self._waiting.setdefault(owner, {})
                waiting[state.streak] = waiting.get(state.streak, 0) | 1 << bit
        self._signals.states[slot.signal.name] = own

    def settle(self) -> None:
        """Write all states where ``Signals`` has them."""
        for owner, steady in self._steady.items():
            for bit in iter_bits(steady):
                self._state(bit, owner).known = self._last
        for owner, waiting in self._waiting.items():
            for since, mask in waiting.items():
                for bit in iter_bits(mask):
                    states = self._signals.states[self._slots[bit].signal.name]
                    states[owner] = HysteresisState(since=since, known=self._last, streak=since)

    def row(self, owner: str) -> list[Value]:
        """Return a new row for a GPU, with the signals that are on and all else blank."""
        return list(self._rows.get(owner, self._blank))

    def step(self, step: SignalStep) -> None:
        """Move all on, and write into the rows (which have what was on before) and the node's (which has it blank)."""
        of_node, of_gpus = self._index.masks(step.facts)
        on_some_gpu = 0
        for place, owner in enumerate(step.owners):
            self._move(step, owner, place, of_gpus[place] if of_gpus else 0)
            on_some_gpu |= self._on.get(owner[0], 0)
        self._move(step, (NODE, None), 0, of_node)
        present = {owner for owner, _ in step.owners}
        gone = [owner for owner in {**self._on, **self._waiting} if owner not in present and owner != NODE]
        for place, name in enumerate(gone, start=len(step.owners)):
            self._move(step, (name, None), place, 0)
        for bit in iter_bits(on_some_gpu | self._on.get(NODE, 0)):
            step.node_row[self._slots[bit].node_place] = True
        self._last = step.facts.snapshot.timestamp

    def _move(self, step: SignalStep, owner: Owner, place: int, true: int) -> None:
        """Advance the signals of one owner; those in *true* are TRUE."""
        on, now = self._on.get(owner[0], 0), step.facts.snapshot.timestamp
        if on:
            self._hold(step, owner, place, true)
        waiting, starting, met = dict[float, int](), list[tuple[float, int]](), on
        before = self._waiting.pop(owner[0], {})
        if true:
            for since, mask in before.items():
                mask &= true
                met |= mask
                due = mask & self._due(now - since)
                starting.append((since, due))
                waiting[since] = mask ^ due
            new = true & ~met
            due = new & self._due(0.0)
            starting.append((now, due))
            waiting[now] = waiting.get(now, 0) | new ^ due
            waiting = {since: mask for since, mask in waiting.items() if mask}
        if waiting:
            self._waiting[owner[0]] = waiting
        for since, due in starting:
            for bit in iter_bits(due):
                self._start(step, owner, place, (bit, since))

    def _due(self, seconds: float) -> int:
        """Return the signals that start when they have been TRUE for that long."""
        due = 0
        for needed, mask in self._durations.items():
            if not seconds < needed:
                due |= mask
        return due

    def _start(self, step: SignalStep, owner: Owner, place: int, what: tuple[int, float]) -> None:
        (bit, since), now = what, step.facts.snapshot.timestamp
        slot, (name, device) = self._slots[bit], owner
        self._signals.states[slot.signal.name][name] = HysteresisState(True, now, now, since)
        self._on[name] = self._on.get(name, 0) | 1 << bit
        self._steady[name] = self._steady.get(name, 0) | 1 << bit
        self._write(slot, name, self._row_at(step, place), True)
        change = Transition(slot.signal.name, name, device, True, now, now - since)
        step.changes.append((slot.number, place, change))

    def _hold(self, step: SignalStep, owner: Owner, place: int, true: int) -> None:
        """Move on the signals of one owner that are on."""
        name, now = owner[0], step.facts.snapshot.timestamp
        on, steady = self._on[name], self._steady.get(name, 0)
        for bit in iter_bits(on & true & ~steady):
            state = self._state(bit, name)
            state.known, state.ending = now, None
        for bit in iter_bits(steady & ~true):
            self._state(bit, name).known = self._last
        for bit in iter_bits(on & ~true):
            if not self._stays(step, owner, place, (bit, bool(steady >> bit & 1))):
                on ^= 1 << bit
        self._on[name], self._steady[name] = on, on & true
        if not on:
            del self._on[name], self._steady[name]
            self._rows.pop(name, None)

    def _stays(self, step: SignalStep, owner: Owner, place: int, what: tuple[int, bool]) -> bool:
        """Move on one signal that is on and not TRUE (and was before or not); return whether it stays on."""
        (bit, was_true), (name, device), changes = what, owner, list[Transition]()
        slot = self._slots[bit]
        is_present = place < len(step.owners) or name == NODE
        pair = step.ask(slot.number, place, was_true) if is_present else UNKNOWN
        state, now = self._state(bit, name), step.facts.snapshot.timestamp
        stays = self._signals.move(slot.signal, state, now, (name, device, pair), (self._settings, changes))
        step.changes.extend((slot.number, place, change) for change in changes)
        if not stays:
            self._write(slot, name, self._row_at(step, place), False)
        return stays

    def _state(self, bit: int, owner: str) -> HysteresisState:
        return self._signals.states[self._slots[bit].signal.name][owner]

    @staticmethod
    def _row_at(step: SignalStep, place: int) -> list[Value] | None:
        return step.rows[place] if place < len(step.rows) else None

    def _write(self, slot: SignalSlot, owner: str, row: list[Value] | None, on: bool) -> None:
        """Write a signal of GPUs into the row of one, as it will be from now on, and into that of this snapshot."""
        if not slot.signal.per_gpu:
            return
        kept = self._rows.get(owner)
        if kept is None:
            kept = self._rows[owner] = list(self._blank)
        kept[slot.place] = on
        if row is not None:
            row[slot.place] = on
