"""The pipeline of a back-test: read and prune, evaluate node by node, aggregate; each step can be replaced."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gpurules.history.backtest.judge import Ask, NodeResult
from gpurules.history.backtest.local import Distribute
from gpurules.history.backtest.result import BacktestResult, RulesetResult, never_known
from gpurules.history.backtest.task import NodeTask, tasks_of
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.reader import Fields, StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.time_span import ALWAYS, TimeSpan
from gpurules.rules import Ruleset

Watch = Callable[[Iterable[NodeResult], int], Iterable[NodeResult]]
"""Wraps the iteration over results, given their number, for example in a progress bar."""

_WIDTHS = (300.0, 3600.0, 4 * 3600.0, 86_400.0, 7 * 86_400.0)
_MOST_STRETCHES = 1500


@dataclass(frozen=True, slots=True)
class Backtest:
    """The input of a back-test: rulesets, and the places of recordings.

    ``engine`` is ``kernel`` or ``replay``; ``by`` is what shares are counted by, ``node``, ``gpu`` or ``label:NAME``
    (by hour and weekday they always are); ``options`` are those of recordings that leave something open.
    """

    rulesets: Sequence[Ruleset]
    places: Sequence[str]
    engine: str = "kernel"
    by: Sequence[str] = ()
    with_report: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    span: TimeSpan = ALWAYS

    def tasks(self) -> list[NodeTask]:
        """Return the nodes that are recorded, by name.

        Raises:
            StoreError: a store is empty.
        """
        found = [task for place in self.places for task in tasks_of(place, self.options, self.span)]
        found.sort(key=lambda task: task.name)
        return [replace(task, number=n, look_back=self.look_back_seconds) for n, task in enumerate(found)]

    @property
    def look_back_seconds(self) -> float:
        """For how long before the span the recordings are evaluated, so that its state is not that of a fresh start."""
        if self.span.since == float("-inf"):
            return 0.0
        return max(KernelPlan.of(ruleset).look_back_seconds for ruleset in self.rulesets)


def run(backtest: Backtest, distribute: Distribute, watch: Watch = lambda results, _: results) -> BacktestResult:
    """Return what the rulesets would have done over the recordings.

    Raises:
        StoreError: a store is empty.
    """
    tasks = backtest.tasks()
    plans = tuple(KernelPlan.of(ruleset) for ruleset in backtest.rulesets)
    seconds = bucket_seconds(backtest.places, backtest.span)
    ask = Ask(plans, backtest.engine, frozenset(backtest.by), seconds if backtest.with_report else None)
    whole = BacktestResult.of(backtest.rulesets)
    whole.bucket_seconds = seconds
    if (back := backtest.look_back_seconds) > 0:
        for one, plan in zip(whole.rulesets, plans, strict=True):
            one.unknown_at_start = dict.fromkeys(plan.unbounded_signals, back)
    for result in _in_order(watch(distribute(tasks, ask), len(tasks))):
        whole.add(result)
    _note_never_known(whole, backtest.places)
    return whole


def _in_order(results: Iterable[NodeResult]) -> Iterator[NodeResult]:
    """Yield results in the order of their tasks; those that come before their turn wait."""
    early, due = dict[int, NodeResult](), 0
    for result in results:
        early[result.number] = result
        while due in early:
            yield early.pop(due)
            due += 1


def _stores(places: Sequence[str]) -> Iterator[StoreReader]:
    from gpurules.history.store.reader import is_store

    for place in places:
        if is_store(place):
            yield StoreReader(Storage(place))


def bucket_seconds(places: Sequence[str], span: TimeSpan = ALWAYS) -> float:
    """Return the width of a time bucket in a chart: five minutes for days, an hour for weeks, more for years."""
    days = {part.date for reader in _stores(places) for part in reader.parts if span.has_day(part.date)}
    return next((width for width in _WIDTHS if len(days) * 86_400 / width <= _MOST_STRETCHES), _WIDTHS[-1])


def _note_never_known(whole: BacktestResult, places: Sequence[str]) -> None:
    """Note the rules and signals that are UNKNOWN on every sample since no file has their fields.

    The files are looked at only where there is such a rule or signal.
    """
    unknown = [_always_unknown(one) for one in whole.rulesets]
    if not any(unknown):
        return
    recorded: set[str] = set()
    for reader in _stores(places):
        recorded |= Fields(reader).recorded
    if not recorded:
        return
    for one, names in zip(whole.rulesets, unknown, strict=True):
        found = never_known(one.ruleset, frozenset(recorded))
        one.never_known.update({name: absent for name, absent in found.items() if name in names})


def _always_unknown(one: RulesetResult) -> set[str]:
    tallies = {**one.signals, **one.rules}
    return {name for name, tally in tallies.items() if tally.samples and tally.unknown == tally.samples}
