"""Replays transfers through the engine and counts the decisions that rulesets would have made."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median
from typing import TypeAlias

from gpurules.actions.decision import Decision
from gpurules.engine.recordings import play_recording
from gpurules.facts import check
from gpurules.fields import Field
from gpurules.history.backtest.result import BacktestResult
from gpurules.history.backtest.run import Backtest
from gpurules.history.backtest.task import NodeTask
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.part_file import rows_of
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.input_files import is_folder_or_url
from gpurules.model import FactError, Snapshot, Transfer, Workload
from gpurules.model.reading import sum_in_order
from gpurules.rules import Ruleset
from gpurules.strict_json import loads
from gpurules.telemetry import read_transfers

Arrival: TypeAlias = tuple[Transfer, Workload | None, str | None]
"""A transfer, its workload, and the node of the store that has it (None: of a file)."""


def decided_transfers(result: BacktestResult, backtest: Backtest, place: str) -> None:
    """Add to *result* the decisions of each ruleset on the transfers at *place*: a file, or a store with transfers.

    A transfer of a file is decided on the node of its label ``node``, without one on the first node.

    Raises:
        TelemetryError: the file cannot be read.
        StoreError: the store has no transfer.
    """
    tasks = backtest.tasks()
    for one in result.rulesets:
        if is_folder_or_url(place):
            recorded = stored_transfers(Storage(place), one.ruleset.fields, result.data.findings)
            arrivals = [pair for pair in recorded if backtest.span.has_time(pair[0].created or 0.0)]
        else:
            arrivals = [(transfer, of, None) for transfer, of in read_transfers(Path(place), one.ruleset.fields)]
        found: list[Decision] = []
        for number, task in enumerate(tasks):
            here = [(one, of) for one, of, node in arrivals if _is_of(one, node, task, number == 0)]
            if here:
                found += list(_decisions(one.ruleset, task, here))
        one.transfers = _summary(found, len(arrivals))


def stored_transfers(storage: Storage, declared: Mapping[str, Field], findings: Findings) -> list[Arrival]:
    """Return the recorded transfers of a store, each once, with the node; unreadable files are findings.

    They arrive when they were recorded.

    Raises:
        StoreError: there is none.
    """
    found: dict[tuple[str, float, str | None], Arrival] = {}
    for part in storage.parts("transfers"):
        for row in rows_of(storage, part, findings):
            try:
                data = {name: loads(text) for name in ("transfer", "workload") if (text := row.get(name)) is not None}
                facts, at = check(data, declared), float(row["timestamp"])
            except (FactError, ValueError, TypeError, KeyError) as error:
                findings.add(part.path, f"has a transfer that cannot be read: {error}")
                continue
            for problem in facts.problems:
                findings.add(part.path, f"a transfer: {problem}")
            transfer = replace(facts.transfer or Transfer(), created=at)
            found.setdefault((part.node, at, transfer.id), (transfer, facts.workload, part.node))
    if not found:
        raise RecordingStoreError(
            f"{storage.place} has no recorded transfer; run and serve with --history record those of clients"
        )
    return list(found.values())


def _is_of(transfer: Transfer, recorded: str | None, task: NodeTask, is_first: bool) -> bool:
    node = transfer.labels.get("node") if recorded is None else recorded
    return node == task.name if isinstance(node, str) else is_first


def _snapshots(task: NodeTask, ruleset: Ruleset) -> Iterator[Snapshot]:
    for frame in chain(*(read(None, Findings(), [ruleset]) for read in (task.earlier_frames, task.frames))):
        for snapshot, _ in frame.snapshots():
            yield snapshot


def _decisions(ruleset: Ruleset, task: NodeTask, transfers: list) -> Iterator[Decision]:  # type: ignore[type-arg]
    for turn in play_recording([ruleset], _snapshots(task, ruleset), transfers):
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
