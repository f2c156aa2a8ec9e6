"""Reads the recordings of a search once, with the events that its goals name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpurules.history.backtest.task import SKELETON, tasks_of, wanted_columns
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.findings import Findings
from gpurules.history.tuning.goals import Goal
from gpurules.history.tuning.knobs import TuningError
from gpurules.history.tuning.trial import Recorded
from gpurules.rules import Ruleset, loads
from gpurules.rules.rule import Signal
from gpurules.strict_json import dumps

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


def recorded_of(
    ruleset: Ruleset, places: Sequence[str], options: Mapping[str, object], about: tuple[Sequence[Goal], Findings]
) -> list[Recorded]:
    """Return the recordings at *places*, node by node, with the columns that the ruleset and its goals need.

    Raises:
        StoreError: there are none.
    """
    goals, findings = about
    event = event_plan(ruleset, goals)
    plans = (KernelPlan.of(ruleset),) if event is None else (KernelPlan.of(ruleset), event)
    wanted, found = wanted_columns(plans) | SKELETON, list[Recorded]()
    for place in places:
        for task in tasks_of(place, options):
            frames = task.frames(wanted, findings, [ruleset])
            one = Recorded.of(task.name, frames, ruleset.settings.forget_gpu_after)
            if event is not None:
                one.find_events(event, EVENT)
            found.append(one)
    return found
