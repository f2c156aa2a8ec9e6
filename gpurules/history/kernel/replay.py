"""Replays frames through the engine, snapshot by snapshot: the reference for the kernel, with the same output."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.columnar import Groups, Truths, as_truths
from gpurules.backends.facts import SlotLayout
from gpurules.backends.python import Truths as TruthsFunction
from gpurules.backends.python import arguments, truths_function
from gpurules.engine import Engine, Transition
from gpurules.history.frames.frame import Frame
from gpurules.history.kernel.outcome import KernelOutcome, Rows, changes_of
from gpurules.history.kernel.plan import KernelPlan
from gpurules.language.terms import ir
from gpurules.model import Truth
from gpurules.rules.program import BoundProgram


@dataclass(slots=True)
class _Lists:
    """The outcomes of one frame, snapshot by snapshot, with the GPUs and times of the rows."""

    owners: dict[str, int] = field(default_factory=dict)
    owner: list[int] = field(default_factory=list)
    snapshot: list[int] = field(default_factory=list)
    truths: dict[tuple[str, str], list[Truth]] = field(default_factory=dict)


@dataclass
class Replayer:
    """A ruleset in an engine that observes the frames of one node."""

    plan: KernelPlan

    def __post_init__(self) -> None:
        """Start with no state."""
        self._now = 0.0
        self._engine = Engine(self.plan.ruleset, clock=lambda: self._now)
        self._functions: dict[tuple[ir.Term, bool], TruthsFunction] = {}

    def advance(self, frame: Frame) -> KernelOutcome:
        """Return the outcomes of the rules and signals in *frame*, which is later than the one before."""
        lists, transitions = _Lists(), list[Transition]()
        for number, (snapshot, node) in enumerate(frame.snapshots()):
            self._now = snapshot.timestamp
            transitions += self._engine.observe(snapshot, node=node).transitions
            self._note(number, self._engine.bound, lists)
        outcome = self._outcome(frame, lists)
        outcome.changes = changes_of(transitions, frame.times)
        return outcome

    def _note(self, number: int, bound: BoundProgram, lists: _Lists) -> None:
        for gpu in bound.snapshot.gpus:
            lists.owner.append(lists.owners.setdefault(gpu.identity, len(lists.owners)))
            lists.snapshot.append(number)
        given, layout = arguments(bound.facts), bound.program.layout
        assert layout is not None
        for position, rule in enumerate(bound.program.rules):
            truths = lists.truths.setdefault(("rule", rule.name), [])
            if rule.gpus == "workload":
                found = bound.program.truths(position, bound.facts)
                truths.append(_one(found) if rule.per_gpu else found[0])
            else:
                truths += self._function(rule.term, rule.per_gpu, layout)(*given)
        for signal in self.plan.signals:
            found = self._function(signal.condition, signal.per_gpu, layout)(*given)
            lists.truths.setdefault(("signal", signal.name), []).extend(found)
            lists.truths.setdefault(("on", signal.name), []).extend(_states(bound, signal.name, signal.per_gpu))

    def _function(self, term: ir.Term, per_gpu: bool, layout: SlotLayout) -> TruthsFunction:
        found = self._functions.get((term, per_gpu))
        if found is None:
            found = self._functions[term, per_gpu] = truths_function(term, per_gpu, layout)
        return found

    def _outcome(self, frame: Frame, lists: _Lists) -> KernelOutcome:
        owner, snapshot = np.array(lists.owner, np.intp), np.array(lists.snapshot, np.intp)
        order = np.lexsort((snapshot, owner))
        rows = Rows(frame.times, Groups(snapshot[order], len(frame.times)), tuple(lists.owners), owner[order])
        outcome = KernelOutcome(rows)
        per_gpu = {("rule", r.name): r.per_gpu and r.gpus != "workload" for r in self.plan.rules}
        per_gpu |= {(word, s.name): s.per_gpu for s in self.plan.signals for word in ("signal", "on")}
        for (word, name), listed in lists.truths.items():
            truths = as_truths(listed)
            if per_gpu[word, name]:
                truths = Truths(truths.true[order], truths.false[order])
            if word == "on":
                outcome.on[name] = truths.true
            else:
                (outcome.rules if word == "rule" else outcome.signals)[name] = truths
        return outcome


def _one(truths: Iterable[Truth]) -> Truth:
    listed = list(truths)
    return True if True in listed else None if None in listed else False


def _states(bound: BoundProgram, name: str, per_gpu: bool) -> Iterator[Truth]:
    layout = bound.program.layout
    assert layout is not None
    key = ("signal", name)
    if per_gpu:
        yield from (row[layout.gpu[key]] is True for row in bound.rows)
    else:
        yield bound.node_row[layout.node[key]] is True
