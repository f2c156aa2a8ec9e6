"""Runs a back-test with the options of the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.cli.history.drawn import Verdict, junit, markdown, text
from gpurules.history.backtest.limits import Limit
from gpurules.history.backtest.local import Distribute, in_processes
from gpurules.history.backtest.result import BacktestResult
from gpurules.history.backtest.run import Backtest, Watch, run
from gpurules.history.backtest.transfers import decided_transfers
from gpurules.history.store.storage import RecordingStoreError
from gpurules.history.store.time_span import ALWAYS, TimeSpan
from gpurules.output_files import replace_file
from gpurules.rules import Ruleset


@dataclass(slots=True)
class BacktestWish:
    """The options of a back-test on the command line."""

    rulesets: Sequence[Ruleset]
    places: Sequence[str]
    by: Sequence[str] = ()
    limits: Sequence[str] = ()
    transfers: str | None = None
    engine: str = "kernel"
    with_report: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    span: TimeSpan = ALWAYS


@dataclass(slots=True)
class Done:
    """A completed back-test, with its limits."""

    wish: BacktestWish
    result: BacktestResult
    verdicts: list[Verdict]

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        data = self.result.to_dict(self.wish.by)
        if self.verdicts:
            data["limits"] = [
                {"limit": v.limit.text, "measured": v.measured, "failed": bool(v.is_reached)} for v in self.verdicts
            ]
        return data

    def render(self, form: str) -> str:
        """Return it as text, Markdown or JUnit."""
        if form == "junit":
            return junit(self.verdicts)
        return (markdown if form == "markdown" else text)(self.result, self.wish.by, self.verdicts)


def write_report(done: Done, path: Path) -> None:
    """Write the report with charts, atomically."""
    from gpurules.history.report.page import page

    replace_file(path, page(done.result, done.wish.places).encode("utf-8"), mode=None)


def distribution(engine: str, jobs: int, master: str | None, remote: str | None) -> Distribute:
    """Return the function that distributes the nodes: over local processes or with Spark."""
    if engine == "spark":
        from gpurules.history.backtest.spark import in_spark

        return in_spark(master, remote)
    return in_processes(jobs)


def run_backtest(wish: BacktestWish, distribute: Distribute, watch: Watch) -> Done:
    """Run the back-test.

    Raises:
        StoreError: a store is empty.
        LimitError: a limit cannot be parsed, or names no rule or signal.
    """
    limits = [Limit.parse(limit) for limit in wish.limits]
    backtest = Backtest(wish.rulesets, wish.places, wish.engine, wish.by, wish.with_report, wish.options, wish.span)
    result = run(backtest, distribute, watch)
    if not result.data.snapshots:
        where = "" if wish.span == ALWAYS else " in this range"
        why = f": {result.data.findings.texts[0]}" if result.data.findings.texts else ""
        raise RecordingStoreError(f"{', '.join(map(str, wish.places))} has no readable snapshot{where}{why}")
    if wish.transfers is not None:
        decided_transfers(result, backtest, wish.transfers)
    verdicts = []
    for limit in limits:
        tally = limit.of(result.rulesets[-1])
        verdicts.append(Verdict(limit, limit.measurement(tally), limit.holds(tally)))
    return Done(wish, result, verdicts)
