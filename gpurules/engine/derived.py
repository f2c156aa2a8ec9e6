"""Derived state: the windows and signals that rules read, laid out in rows."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from gpurules.backends.facts import Facts, Layout, Situation, SlotKey, read, slot_key
from gpurules.backends.python import Truths, arguments, truths_function
from gpurules.engine.history import NODE, History
from gpurules.engine.signals import Signals, Transition
from gpurules.language import ir
from gpurules.model import GPUIndex, Snapshot, Truth, Value
from gpurules.rules.rule import Signal
from gpurules.rules.ruleset import Ruleset


def _windows(ruleset: Ruleset) -> dict[SlotKey, ir.Window]:
    terms = [rule.term for rule in ruleset.rules if rule.enabled]
    for signal in ruleset.signals.values():
        terms += [signal.condition] if signal.until is None else [signal.condition, signal.until]
    return {slot_key(window): window for term in terms for window in reversed(ir.windows(term))}


def layout_of(ruleset: Ruleset) -> tuple[Layout, Mapping[SlotKey, ir.Window]]:
    """Return where each signal and window of *ruleset* stands in the rows, and the windows.

    A signal of GPUs stands in the row of the node too: there it says whether it is on for one of them.
    """
    windows = _windows(ruleset)
    per_gpu: list[SlotKey] = [key for key, window in windows.items() if window.field.is_per_gpu]
    of_node: list[SlotKey] = [key for key, window in windows.items() if not window.field.is_per_gpu]
    for signal in ruleset.signals.values():
        of_node.append(("signal", signal.name))
        if signal.per_gpu:
            per_gpu.append(("signal", signal.name))
    layout = Layout({key: i for i, key in enumerate(per_gpu)}, {key: i for i, key in enumerate(of_node)})
    return layout, windows


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The functions of one signal."""

    signal: Signal
    condition: Truths
    until: Truths | None
    place: int
    node_place: int


@dataclass(frozen=True, slots=True)
class _Moved:
    """What became of signals that share their states: what changed, and the rows in which they are on."""

    changes: Sequence[Transition]
    rows: Sequence[list[Value]]


_STILL = _Moved((), ())


@dataclass(frozen=True, slots=True)
class _Moment:
    """One snapshot while its signals are worked out, in rows that fill up."""

    given: tuple[Any, ...]
    now: float
    owners: list[tuple[str, GPUIndex | None]]
    rows: list[list[Value]]
    node_row: list[Value]
    known: dict[Truths, list[Truth]] = field(default_factory=dict)

    def truths(self, condition: Truths) -> list[Truth]:
        """Return what a condition is worth; worked out once, however many signals have it."""
        found = self.known.get(condition)
        if found is None:
            found = self.known[condition] = condition(*self.given)
        return found


_OF_NODE: list[tuple[str, GPUIndex | None]] = [(NODE, None)]


def _blank(keys: Iterable[SlotKey]) -> tuple[Value, ...]:
    """Return a row in which every signal is off and every window missing."""
    return tuple(False if key[0] == "signal" else None for key in keys)


class Derived:
    """History and signals of one ruleset. Not for several threads: its owner holds a lock."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.settings = ruleset.settings
        self.layout, self._windows = layout_of(ruleset)
        self.history = History(self._windows.values())
        self._watched = tuple({window.field.name: window.field for window in self._windows.values()}.values())
        self.signals = Signals(ruleset.signals)
        self._blank_row, self._blank_node_row = _blank(self.layout.gpu), _blank(self.layout.node)
        functions: dict[tuple[ir.Term, bool], Truths] = {}

        def compiled(term: ir.Term, per_gpu: bool) -> Truths:
            if (term, per_gpu) not in functions:
                functions[term, per_gpu] = truths_function(term, per_gpu, self.layout)
            return functions[term, per_gpu]

        self._compiled = tuple(
            _Compiled(
                signal,
                compiled(signal.condition, signal.per_gpu),
                None if signal.until is None else compiled(signal.until, signal.per_gpu),
                (self.layout.gpu if signal.per_gpu else self.layout.node)["signal", signal.name],
                self.layout.node["signal", signal.name],
            )
            for signal in self.signals.ordered
        )

    def afresh(self) -> "Derived":
        """Return the same for the same ruleset, with nothing remembered."""
        made = copy(self)
        made.history = History(self._windows.values())
        made.signals = Signals({signal.name: signal for signal in self.signals.ordered})
        return made

    def observe(
        self, snapshot: Snapshot, node: Mapping[str, object], situation: Situation
    ) -> tuple[Facts, tuple[Transition, ...]]:
        """Take in *snapshot*: return the facts with rows for it, and the signals that changed."""
        facts = Facts(snapshot, snapshot.gpus, node=node, situation=situation, layout=self.layout)
        self._remember(facts)
        return self._advanced(facts)

    def restate(
        self, snapshot: Snapshot, node: Mapping[str, object], situation: Situation
    ) -> tuple[Facts, tuple[Transition, ...]]:
        """Return the facts for a snapshot that has been taken in before; signals move, history does not grow."""
        return self._advanced(Facts(snapshot, snapshot.gpus, node=node, situation=situation, layout=self.layout))

    def _advanced(self, facts: Facts) -> tuple[Facts, tuple[Transition, ...]]:
        rows, node_row = [list(self._blank_row) for _ in facts.gpus], list(self._blank_node_row)
        self._fill_windows(facts, rows, node_row)
        moment = _Moment(
            arguments(replace(facts, rows=rows, node_row=node_row)),  # type: ignore[arg-type]
            facts.snapshot.timestamp,
            [(gpu.identity, gpu.index) for gpu in facts.gpus],
            rows,
            node_row,
        )
        transitions = self._moved_on(moment)
        finished = replace(facts, rows=tuple([tuple(row) for row in rows]), node_row=tuple(node_row))
        return finished, tuple(transitions)

    def _remember(self, facts: Facts) -> None:
        now = facts.snapshot.timestamp
        for watched in self._watched:
            if watched.is_per_gpu:
                for gpu in facts.gpus:
                    self.history.add(gpu.identity, watched.name, now, read(watched, facts, gpu))
            else:
                self.history.add(NODE, watched.name, now, read(watched, facts, None))
        if self._watched:
            self.history.forget(now)

    def _fill_windows(self, facts: Facts, rows: list[list[Value]], node_row: list[Value]) -> None:
        now = facts.snapshot.timestamp
        for key, window in self._windows.items():
            if window.field.is_per_gpu:
                place = self.layout.gpu[key]
                for gpu, row in zip(facts.gpus, rows, strict=True):
                    row[place] = self.history.value(window, gpu.identity, now)
            else:
                node_row[self.layout.node[key]] = self.history.value(window, NODE, now)

    def _moved_on(self, moment: _Moment) -> list[Transition]:
        """Move all signals on, and write their states into the rows (which say off from the start)."""
        transitions: list[Transition] = []
        all_states, known = self.signals.states, dict[int, _Moved]()
        for compiled in self._compiled:
            states = all_states[compiled.signal.name]
            moved = known.get(id(states))
            if moved is None:
                moved = known[id(states)] = self._moved(compiled, moment)
            if moved.rows:
                moment.node_row[compiled.node_place] = True
                for row in moved.rows:
                    row[compiled.place] = True
            if moved.changes:
                transitions += [change.of(compiled.signal.name) for change in moved.changes]
        return transitions

    def _moved(self, compiled: _Compiled, moment: _Moment) -> _Moved:
        """Move the states of one signal on, and of all that share them."""
        signal, started = compiled.signal, moment.truths(compiled.condition)
        states = self.signals.states[signal.name]
        if not states and True not in started:
            return _STILL
        ended = moment.truths(compiled.until) if compiled.until else None
        owners = moment.owners if signal.per_gpu else _OF_NODE
        changes = self.signals.step(signal, moment.now, owners, (started, ended), self.settings)
        on = {owner for owner, state in states.items() if state.on}
        rows = moment.rows if signal.per_gpu else [moment.node_row]
        return _Moved(changes, [row for (o, _), row in zip(owners, rows, strict=True) if o in on] if on else ())

    def adopt(self, other: "Derived") -> None:
        """Take over what *other* remembers, where it means the same here."""
        self.history.adopt(other.history)
        self.signals.adopt(other.signals)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock was set."""
        self.history.shift(seconds)
        self.signals.shift(seconds)
