"""Derived state: the windows and signals that rules read, laid out in rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    return {slot_key(part): part for term in terms for part in ir.walk(term) if isinstance(part, ir.Window)}


def layout_of(ruleset: Ruleset) -> tuple[Layout, Mapping[SlotKey, ir.Window]]:
    """Return where each signal and window of *ruleset* stands in the rows, and the windows."""
    windows = _windows(ruleset)
    per_gpu: list[SlotKey] = [key for key, window in windows.items() if window.field.is_per_gpu]
    of_node: list[SlotKey] = [key for key, window in windows.items() if not window.field.is_per_gpu]
    for signal in ruleset.signals.values():
        (per_gpu if signal.per_gpu else of_node).append(("signal", signal.name))
    layout = Layout({key: i for i, key in enumerate(per_gpu)}, {key: i for i, key in enumerate(of_node)})
    return layout, windows


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The functions of one signal."""

    signal: Signal
    condition: Truths
    until: Truths | None


class Derived:
    """History and signals of one ruleset. Not for several threads: its owner holds a lock."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.settings = ruleset.settings
        self.layout, self._windows = layout_of(ruleset)
        self.history = History(self._windows.values())
        self.signals = Signals(ruleset.signals)
        self._compiled = tuple(
            _Compiled(
                signal,
                truths_function(signal.condition, signal.per_gpu, self.layout),
                None if signal.until is None else truths_function(signal.until, signal.per_gpu, self.layout),
            )
            for signal in self.signals.ordered
        )

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
        rows = self._rows(facts)
        node_row: list[Value] = [None] * len(self.layout.node)
        self._fill_windows(facts, rows, node_row)
        transitions: list[Transition] = []
        working = replace(facts, rows=rows, node_row=node_row)  # type: ignore[arg-type]
        for compiled in self._compiled:
            transitions += self._step(compiled, working, rows, node_row)
        finished = replace(facts, rows=tuple([tuple(row) for row in rows]), node_row=tuple(node_row))
        return finished, tuple(transitions)

    def _remember(self, facts: Facts) -> None:
        now = facts.snapshot.timestamp
        fields = {window.field.name: window.field for window in self._windows.values()}
        for field in fields.values():
            if field.is_per_gpu:
                for gpu in facts.gpus:
                    self.history.add(gpu.identity, field.name, now, read(field, facts, gpu))
            else:
                self.history.add(NODE, field.name, now, read(field, facts, None))
        if fields:
            self.history.forget(now)

    def _rows(self, facts: Facts) -> list[list[Value]]:
        return [[None] * len(self.layout.gpu) for _ in facts.gpus]

    def _fill_windows(self, facts: Facts, rows: list[list[Value]], node_row: list[Value]) -> None:
        now = facts.snapshot.timestamp
        for key, window in self._windows.items():
            if window.field.is_per_gpu:
                place = self.layout.gpu[key]
                for gpu, row in zip(facts.gpus, rows, strict=True):
                    row[place] = self.history.value(window, gpu.identity, now)
            else:
                node_row[self.layout.node[key]] = self.history.value(window, NODE, now)

    def _step(
        self, compiled: _Compiled, facts: Facts, rows: list[list[Value]], node_row: list[Value]
    ) -> list[Transition]:
        """Move one signal on, and write its state into the rows."""
        signal, given = compiled.signal, arguments(facts)
        started = compiled.condition(*given)
        ended: list[Truth] = compiled.until(*given) if compiled.until else [None] * len(started)
        owners: list[tuple[str, GPUIndex | None]] = [(NODE, None)]
        if signal.per_gpu:
            owners = [(gpu.identity, gpu.index) for gpu in facts.gpus]
        pairs = list(zip(started, ended, strict=True))
        changes = self.signals.step(signal, facts.snapshot.timestamp, owners, pairs, self.settings)
        key = ("signal", signal.name)
        if signal.per_gpu:
            place = self.layout.gpu[key]
            for (owner, _), row in zip(owners, rows, strict=True):
                row[place] = self.signals.is_on(signal.name, owner)
        else:
            node_row[self.layout.node[key]] = self.signals.is_on(signal.name, NODE)
        return changes

    def adopt(self, other: "Derived") -> None:
        """Take over what *other* remembers, where it means the same here."""
        self.history.adopt(other.history)
        self.signals.adopt(other.signals)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock was set."""
        self.history.shift(seconds)
        self.signals.shift(seconds)
