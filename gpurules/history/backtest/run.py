"""The pipeline of a back-test: read and prune, evaluate node by node, aggregate; each step can be replaced."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.history.backtest.judge import Ask, NodeResult
from gpurules.history.backtest.local import Distribute
from gpurules.history.backtest.result import BacktestResult, never_known
from gpurules.history.backtest.task import NodeTask, tasks_of
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.reader import Fields, StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.time_span import ALWAYS, TimeSpan
from gpurules.rules import Ruleset

Watch = Callable[[Iterable[NodeResult], int], Iterable[NodeResult]]
"""Wraps the iteration over results, given their number, for example in a progress bar."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """The input of a back-test: rulesets, and the places of recordings.

    ``engine`` is ``kernel`` or ``replay``; ``options`` are those of recordings that are ambiguous without them.
    """

    rulesets: Sequence[Ruleset]
    places: Sequence[str]
    engine: str = "kernel"
    label: str | None = None
    with_profiles: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    span: TimeSpan = ALWAYS

    def tasks(self) -> list[NodeTask]:
        """Return the nodes that are recorded.

        Raises:
            StoreError: a store is empty.
        """
        return [task for place in self.places for task in tasks_of(place, self.options, self.span)]


def run(backtest: Backtest, distribute: Distribute, watch: Watch = lambda results, _: results) -> BacktestResult:
    """Return what the rulesets would have done over the recordings.

    Raises:
        StoreError: a store is empty.
    """
    tasks = backtest.tasks()
    plans = tuple(KernelPlan.of(ruleset) for ruleset in backtest.rulesets)
    seconds = bucket_seconds(backtest.places, backtest.span)
    ask = Ask(plans, backtest.engine, backtest.label, seconds, backtest.with_profiles)
    done: dict[str, NodeResult] = {}
    for result in watch(distribute(tasks, ask), len(tasks)):
        done[f"{len(done):09d} {result.node}"] = result
    whole = BacktestResult.of(backtest.rulesets)
    whole.bucket_seconds = seconds
    for result in sorted(done.values(), key=lambda one: one.node):
        whole.add(result)
    _note_never_known(whole, backtest.places)
    return whole


def _stores(places: Sequence[str]) -> Iterator[StoreReader]:
    from gpurules.history.store.reader import is_store

    for place in places:
        if is_store(place):
            yield StoreReader(Storage(place))


def bucket_seconds(places: Sequence[str], span: TimeSpan = ALWAYS) -> float:
    """Return the width of a time bucket in a chart: an hour for weeks, five minutes for a day or two."""
    days = {part.date for reader in _stores(places) for part in reader.parts if span.has_day(part.date)}
    return 3600.0 if len(days) > 3 else 300.0


def _note_never_known(whole: BacktestResult, places: Sequence[str]) -> None:
    recorded: set[str] = set()
    for reader in _stores(places):
        recorded |= Fields(reader).recorded
    if not recorded:
        return
    for one in whole.rulesets:
        for name, absent in never_known(one.ruleset, frozenset(recorded)).items():
            tally = one.rules.get(name) or one.signals.get(name)
            if tally is not None and tally.samples and tally.unknown == tally.samples:
                one.never_known[name] = absent
