"""Derived state: the windows and signals that rules read, laid out in rows."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from gpurules.backends.ambient_index import AmbientIndex, AmbientRule, ambient_rule
from gpurules.backends.explain import value_of
from gpurules.backends.facts import EvaluationContext, Facts, SlotKey, SlotLayout, read, series_name, slot_key
from gpurules.backends.python import RuleTerm, Truths, arguments, truths_function
from gpurules.engine.state.history import NODE, History
from gpurules.engine.state.signal_batch import SignalBatch, SignalSlot, SignalStep
from gpurules.engine.state.signals import Owner, Signals, Transition, signals_read
from gpurules.language.terms import ir
from gpurules.model import Snapshot, Truth, Value
from gpurules.rules.rule import Signal
from gpurules.rules.rule_terms import RuleTerms
from gpurules.rules.ruleset import Ruleset


def _windows(ruleset: Ruleset, rule_terms: RuleTerms) -> dict[SlotKey, ir.Window]:
    found = [window for rule in rule_terms.terms for window in rule.reads.derived if isinstance(window, ir.Window)]
    terms = [*ruleset.mentioned.values()]
    for signal in ruleset.signals.values():
        terms += [signal.condition] if signal.until is None else [signal.condition, signal.until]
    found += [window for term in terms for window in ir.windows(term)]
    return {slot_key(window): window for window in found}


def layout_of(ruleset: Ruleset, rule_terms: RuleTerms | None = None) -> tuple[SlotLayout, Mapping[SlotKey, ir.Window]]:
    """Return where each signal and window of *ruleset* is in the rows, and the windows.

    A signal of GPUs is in the row of the node too: there it says whether it is on for one of them.
    """
    windows = _windows(ruleset, rule_terms or RuleTerms(ruleset))
    per_gpu: list[SlotKey] = [key for key, window in windows.items() if window.field.is_per_gpu]
    of_node: list[SlotKey] = [key for key, window in windows.items() if not window.field.is_per_gpu]
    for signal in ruleset.signals.values():
        of_node.append(("signal", signal.name))
        if signal.per_gpu:
            per_gpu.append(("signal", signal.name))
    layout = SlotLayout({key: i for i, key in enumerate(per_gpu)}, {key: i for i, key in enumerate(of_node)})
    return layout, windows


class _Functions:
    """The conditions of signals as functions, each compiled when it is first asked for; equal ones are one."""

    def __init__(self, layout: SlotLayout) -> None:
        self._layout = layout
        self._of_terms: dict[tuple[ir.Term, bool], Truths] = {}
        self._known: dict[tuple[int, bool], Truths] = {}

    def of(self, term: ir.Term, per_gpu: bool) -> Truths:
        """Return the function of a term that lives as long as this."""
        found = self._known.get((id(term), per_gpu))
        if found is None:
            found = self._of_terms.get((term, per_gpu))
            if found is None:
                found = self._of_terms[term, per_gpu] = truths_function(term, per_gpu, self._layout)
            self._known[id(term), per_gpu] = found
        return found


@dataclass(frozen=True, slots=True)
class _Moved:
    """What became of signals that share their states: what changed, and the rows in which they are on."""

    changes: Sequence[Transition]
    rows: Sequence[list[Value]]


_STILL = _Moved((), ())


@dataclass(frozen=True, slots=True)
class _SignalInputs:
    """One snapshot while its signals are worked out, in rows that fill up."""

    facts: Facts
    given: tuple[Any, ...]
    now: float
    owners: list[Owner]
    rows: list[list[Value]]
    node_row: list[Value]
    functions: _Functions
    known: dict[Truths, list[Truth]] = field(default_factory=dict)

    def truths(self, term: ir.Term, signal: Signal) -> list[Truth]:
        """Return the value of a condition of a signal; worked out once, however many signals have it."""
        condition = self.functions.of(term, signal.per_gpu)
        found = self.known.get(condition)
        if found is None:
            found = self.known[condition] = condition(*self.given)
        return found

    def pair(self, signal: Signal, place: int, is_rare: bool) -> tuple[Truth, Truth]:
        """Return the values of condition and ``until`` of a signal for one owner.

        What is rarely evaluated is not compiled.
        """
        if is_rare and signal.until is None:
            truth = value_of(signal.condition, self.facts, place if signal.per_gpu else None)
            return (truth if isinstance(truth, bool) else None), None
        until = None if signal.until is None else self.truths(signal.until, signal)[place]
        return self.truths(signal.condition, signal)[place], until


_OF_NODE: list[Owner] = [(NODE, None)]
MIN_TOGETHER = 8
"""From how many signals on those whose conditions can be looked up are moved on together."""


def _blank(keys: Iterable[SlotKey]) -> tuple[Value, ...]:
    """Return a row in which every signal is off and every window missing."""
    return tuple(False if key[0] == "signal" else None for key in keys)


class DerivedState:
    """History and signals of one ruleset. Not for several threads: its owner holds a lock."""

    min_batch = MIN_TOGETHER

    def __init__(self, ruleset: Ruleset, rule_terms: RuleTerms | None = None) -> None:
        """Remember what *ruleset* needs; *rule_terms* are its, where they are at hand."""
        self.settings = ruleset.settings
        self.layout, self._windows = layout_of(ruleset, rule_terms)
        self.history = History(self._windows.values())
        self._watched = tuple({series_name(window): window for window in self._windows.values()}.items())
        self._signals = Signals(ruleset.signals)
        self._blank_row, self._blank_node_row = _blank(self.layout.gpu), _blank(self.layout.node)
        self._functions = _Functions(self.layout)
        self._members = tuple([self._member(signal, n) for n, signal in enumerate(self._signals.ordered)])
        self._looked_up, self._index = self._to_look_up()
        self._batch: SignalBatch | None = None

    def _member(self, signal: Signal, number: int) -> SignalSlot:
        key = ("signal", signal.name)
        place = (self.layout.gpu if signal.per_gpu else self.layout.node)[key]
        return SignalSlot(signal, number, place, self.layout.node[key])

    def _to_look_up(self) -> tuple[tuple[SignalSlot, ...], AmbientIndex | None]:
        """Return the signals whose conditions can be looked up, none of which reads others; and how."""
        found: dict[int, AmbientRule] = {}
        members: list[SignalSlot] = []
        for member in self._members:
            rule = RuleTerm(member.signal.condition, member.signal.per_gpu)
            parts = None if signals_read(member.signal) else ambient_rule(rule)
            if parts is not None:
                found[len(members)] = parts
                members.append(member)
        if len(members) < self.min_batch:
            return (), None
        return tuple(members), AmbientIndex(found, len(members), self.layout)

    @property
    def signals(self) -> Signals:
        """The states of all signals, settled; callers may read and change them."""
        if self._batch is not None:
            self._batch.settle()
            self._batch = None
        return self._signals

    def fresh_copy(self) -> "DerivedState":
        """Return the same for the same ruleset, with nothing remembered."""
        made = copy(self)
        made.history = History(self._windows.values())
        made._signals = Signals({signal.name: signal for signal in self._signals.ordered})
        made._batch = None
        return made

    def observe(
        self, snapshot: Snapshot, node: Mapping[str, object], context: EvaluationContext
    ) -> tuple[Facts, tuple[Transition, ...]]:
        """Take in *snapshot*: return the facts with rows for it, and the signals that changed."""
        facts = Facts(snapshot, snapshot.gpus, node=node, context=context, layout=self.layout)
        self._remember(facts)
        return self._advanced(facts)

    def restate(
        self, snapshot: Snapshot, node: Mapping[str, object], context: EvaluationContext
    ) -> tuple[Facts, tuple[Transition, ...]]:
        """Return the facts for a snapshot that has been taken in before; signals move, history does not grow."""
        return self._advanced(Facts(snapshot, snapshot.gpus, node=node, context=context, layout=self.layout))

    def _advanced(self, facts: Facts) -> tuple[Facts, tuple[Transition, ...]]:
        owners: list[Owner] = [(gpu.identity, gpu.index) for gpu in facts.gpus]
        batch = self._take_over() if len(dict(owners)) == len(owners) else None
        rows = [list(self._blank_row) if batch is None else batch.row(owner) for owner, _ in owners]
        node_row = list(self._blank_node_row)
        self._fill_windows(facts, rows, node_row)
        filling = replace(facts, rows=rows, node_row=node_row)  # type: ignore[arg-type]
        now = facts.snapshot.timestamp
        inputs = _SignalInputs(filling, arguments(filling), now, owners, rows, node_row, self._functions)
        if batch is None:
            transitions = [change for _, change in self._advance_signals(inputs, self.signals, self._members)]
        else:
            transitions = self._step_batch(batch, inputs)
        finished = replace(facts, rows=tuple([tuple(row) for row in rows]), node_row=tuple(node_row))
        return finished, tuple(transitions)

    def _take_over(self) -> SignalBatch | None:
        """Return the signals that are moved on together, with their states taken over; None where there are none."""
        if self._batch is None and self._index is not None:
            self._batch = SignalBatch(self._looked_up, self._index, self._signals, self.settings, self._blank_row)
        return self._batch

    def _step_batch(self, batch: SignalBatch, inputs: _SignalInputs) -> list[Transition]:
        """Move all signals on, and return what changed, in order of the signals."""

        def ask(number: int, place: int, was_true: bool) -> tuple[Truth, Truth]:
            return inputs.pair(self._members[number].signal, place, was_true)

        step = SignalStep(inputs.facts, inputs.owners, inputs.rows, inputs.node_row, ask)
        batch.step(step)
        numbers = {member.number for member in self._looked_up}
        others = [member for member in self._members if member.number not in numbers]
        changes = step.changes
        if others:
            changes += [
                (n, place, c) for place, (n, c) in enumerate(self._advance_signals(inputs, self._signals, others))
            ]
        return [change for _, _, change in sorted(changes, key=lambda found: found[:2])]

    def _remember(self, facts: Facts) -> None:
        now = facts.snapshot.timestamp
        for name, window in self._watched:
            field, sample = window.field, window.operand
            if sample is not None:
                places = enumerate(facts.gpus) if field.is_per_gpu else ((None, None),)
                for place, gpu in places:
                    owner = NODE if gpu is None else gpu.identity
                    self.history.add(owner, name, now, value_of(sample, facts, place))
            elif field.is_per_gpu:
                for gpu in facts.gpus:
                    self.history.add(gpu.identity, name, now, read(field, facts, gpu))
            else:
                self.history.add(NODE, name, now, read(field, facts, None))
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

    def _advance_signals(
        self, inputs: _SignalInputs, signals: Signals, members: Sequence[SignalSlot]
    ) -> list[tuple[int, Transition]]:
        """Move *members* on, and write their states into the rows (which say off from the start).

        Returns what changed, with the number of the signal.
        """
        transitions: list[tuple[int, Transition]] = []
        known = dict[int, _Moved]()
        for member in members:
            states = signals.states[member.signal.name]
            moved = known.get(id(states))
            if moved is None:
                moved = known[id(states)] = self._moved(member.signal, inputs, signals)
            if moved.rows:
                inputs.node_row[member.node_place] = True
                for row in moved.rows:
                    row[member.place] = True
            if moved.changes:
                transitions += [(member.number, change.of(member.signal.name)) for change in moved.changes]
        return transitions

    def _moved(self, signal: Signal, inputs: _SignalInputs, signals: Signals) -> _Moved:
        """Move the states of one signal on, and of all that share them."""
        started, states = inputs.truths(signal.condition, signal), signals.states[signal.name]
        if not states and True not in started:
            return _STILL
        ended = None if signal.until is None else inputs.truths(signal.until, signal)
        owners = inputs.owners if signal.per_gpu else _OF_NODE
        changes = signals.step(signal, inputs.now, owners, (started, ended), self.settings)
        on = {owner for owner, state in states.items() if state.on}
        rows = inputs.rows if signal.per_gpu else [inputs.node_row]
        return _Moved(changes, [row for (o, _), row in zip(owners, rows, strict=True) if o in on] if on else ())

    def adopt(self, other: "DerivedState") -> None:
        """Take over what *other* remembers, where it means the same here."""
        self.history.adopt(other.history)
        self.signals.adopt(other.signals)

    def shift(self, seconds: float) -> None:
        """Move all remembered times by *seconds*: the clock was set."""
        self.history.shift(seconds)
        self.signals.shift(seconds)
