"""The decisions that rulesets would have made on transfers, by the engine, as each transfer arrives."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from gpurules.actions.decision import Decision
from gpurules.engine.recordings import play_recording
from gpurules.history.backtest.result import BacktestResult
from gpurules.history.backtest.run import Backtest
from gpurules.history.backtest.task import NodeTask
from gpurules.history.store.findings import Findings
from gpurules.model import Snapshot, Transfer
from gpurules.model.reading import sum_in_order
from gpurules.rules import Ruleset
from gpurules.telemetry import read_transfers


def decided_transfers(result: BacktestResult, backtest: Backtest, path: Path) -> None:
    """Add to *result* what each ruleset decides on the transfers in the file at *path*.

    A transfer with the label ``node`` is decided on that node; without one it is on the first.

    Raises:
        TelemetryError: the file cannot be read.
    """
    tasks = backtest.tasks()
    for one in result.rulesets:
        listed = list(read_transfers(path, one.ruleset.fields))
        found: list[Decision] = []
        for place, task in enumerate(tasks):
            here = [pair for pair in listed if _is_of(pair[0], task, place == 0)]
            if here:
                found += list(_decisions(one.ruleset, task, here))
        one.transfers = _summary(found, len(listed))


def _is_of(transfer: Transfer, task: NodeTask, is_first: bool) -> bool:
    node = transfer.labels.get("node")
    return node == task.name if isinstance(node, str) else is_first


def _snapshots(task: NodeTask) -> Iterator[Snapshot]:
    for frame in task.frames(None, Findings()):
        for snapshot, _ in frame.snapshots():
            yield snapshot


def _decisions(ruleset: Ruleset, task: NodeTask, transfers: list) -> Iterator[Decision]:  # type: ignore[type-arg]
    for turn in play_recording([ruleset], _snapshots(task), transfers):
        if turn.transfer is not None:
            yield turn.decisions[0]


def _summary(decisions: list[Decision], listed: int) -> dict[str, object]:
    delays = [decision.delay for decision in decisions if decision.delay > 0]
    return {
        "transfers": listed, "decided": len(decisions), "delayed": len(delays), "delay_seconds": sum_in_order(delays),
        "median_delay_seconds": median(delays) if delays else None,
        "boosted": sum(decision.priority_boost != 0 for decision in decisions),
        "staged": sum(decision.stage is not None for decision in decisions),
        "paused": sum(decision.paused for decision in decisions),
    }  # fmt: skip
