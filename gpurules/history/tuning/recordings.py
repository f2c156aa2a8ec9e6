"""Reads the recordings of a search once, with the events that its goals name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpurules.history.backtest.task import SKELETON, NodeTask, tasks_of, wanted_columns
from gpurules.history.frames.completion import CompleteFrame, FrameCompletion
from gpurules.history.kernel.kernel import Kernel
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.tuning.candidate import only_signals
from gpurules.history.tuning.goals import Goal
from gpurules.history.tuning.knobs import TuningError
from gpurules.history.tuning.trial import TuningEvent
from gpurules.rules import Ruleset, loads
from gpurules.rules.rule import Signal
from gpurules.strict_json import dumps
from gpurules.telemetry.tracking.gpu_tracker import GpuTracker

EVENT = "event_of_tuning"


def event_plan(ruleset: Ruleset, goals: Sequence[Goal]) -> KernelPlan | None:
    """Return the plan of the event that goals name, as a signal; None if no goal names one.

    Raises:
        TuningError: they name several.
        RulesetError: the event is not a condition.
    """
    events = list(dict.fromkeys(goal.event for goal in goals if goal.event is not None))
    if not events:
        return None
    if len(events) > 1:
        raise TuningError(f"one event can be kept at a time, not {len(events)}: {', '.join(events)}")
    fields = {
        name: {"type": f.datatype.kind.value, "scope": f.scope.value}
        for name, f in ruleset.fields.items() if f.datatype.kind.value != "number"
    }  # fmt: skip
    document = {"version": 1, "name": "event", "fields": fields, "signals": {EVENT: {"condition": events[0]}}}
    document["rules"] = [{"name": "none", "condition": EVENT, "action": "pause_transfer"}]
    found = loads(dumps({key: value for key, value in document.items() if value}))
    signals: Mapping[str, Signal] = dict(found.signals)
    return KernelPlan.of(replace(found, settings=ruleset.settings, rules=(), signals=signals))


@dataclass(slots=True)
class Recordings:
    """The recordings of a search, with the event that its goals name; they are read once, frame by frame.

    ``total`` is the number of days, for progress.
    Missing: ``total`` None: it is not known before everything is read.
    """

    ruleset: Ruleset
    tasks: list[NodeTask]
    wanted: frozenset[str]
    event: KernelPlan | None
    findings: Findings
    total: int | None

    @classmethod
    def of(
        cls, ruleset: Ruleset, places: Sequence[str], options: Mapping[str, object],
        about: tuple[Sequence[Goal], Findings],
    ) -> "Recordings":  # fmt: skip
        """Return the recordings at *places*, with the columns that the signals of the goals need.

        Raises:
            StoreError: there are none.
        """
        goals, findings = about
        event = event_plan(ruleset, goals)
        lean = KernelPlan.of(only_signals(ruleset, list(dict.fromkeys(goal.signal for goal in goals))))
        wanted = wanted_columns((lean,) if event is None else (lean, event)) | SKELETON
        tasks = [task for place in places for task in tasks_of(place, options)]
        return cls(ruleset, tasks, wanted, event, findings, _days(tasks))

    def nodes(self) -> Iterator[Iterator[tuple[CompleteFrame, list[TuningEvent]]]]:
        """Yield, for each node, an iterator over its frames, completed with lost GPUs, with the events in each."""
        for task in self.tasks:
            yield self._frames(task)

    def _frames(self, task: NodeTask) -> Iterator[tuple[CompleteFrame, list[TuningEvent]]]:
        tracker = GpuTracker(self.ruleset.settings.forget_gpu_after, remembers_xid=False)
        completion, kernel = FrameCompletion(tracker), None if self.event is None else Kernel(self.event)
        for frame in task.frames(self.wanted, self.findings, [self.ruleset]):
            complete, events = completion.complete(frame), list[TuningEvent]()
            if kernel is not None:
                changes = kernel.judge(complete).transitions
                events = [TuningEvent(c.owner, c.timestamp) for c in changes if c.on and c.signal == EVENT]
            yield complete, events


def _days(tasks: Sequence[NodeTask]) -> int | None:
    if any(task.node is None for task in tasks):
        return None
    readers = {task.place: StoreReader(Storage(task.place)) for task in tasks}
    return sum(len(readers[task.place].days(task.node, task.span)) for task in tasks if task.node is not None)
