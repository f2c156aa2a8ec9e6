"""Transfers and decisions that an agent records are in its store, and a back-test decides on these transfers again."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gpurules import GPU, Coordinator, Snapshot, Transfer, loads
from gpurules.cli.run.history_keeper import kept_in
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.format.part_file import rows_of
from gpurules.history.store.maintenance import Retention, compact, retain
from gpurules.history.store.storage import Storage
from gpurules.strict_json import loads as read_json
from tests.factories import NEW_YEAR

RULES = """\
version: 1
name: mine
rules:
  - {name: hot, condition: gpu_temperature > 85C, action: delay_transfer, parameters: {delay: 30s}}
  - {name: large, condition: transfer_size > 1GB, action: pause_transfer}
"""
HEATS = [80, 80, 90, 90, 80, 80]


class Scripted:
    """A source with a snapshot a minute."""

    name = "scripted"

    def __init__(self) -> None:
        self._snapshots = iter(
            Snapshot(timestamp=NEW_YEAR + 60.0 * n, host="n", gpus=(GPU(index=0, temperature=heat),))
            for n, heat in enumerate(HEATS)
        )

    def read(self) -> Snapshot:
        return next(self._snapshots)

    def close(self) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return the store of an agent: small comes while it is cool, large while it is hot, and goes again."""
    place, coordinator = tmp_path / "store", Coordinator(loads(RULES), Scripted())
    try:
        with kept_in(str(place), coordinator):
            for n in range(len(HEATS)):
                if n == 1:
                    coordinator.schedule_transfer(Transfer(id="small", path="a.bin", size=1000, labels={"team": "x"}))
                if n == 3:
                    coordinator.schedule_transfer(Transfer(id="large", path="b.bin", size=5_000_000_000))
                if n == 4:
                    coordinator.complete_transfer("large")
                coordinator.poll()
    finally:
        coordinator.stop()
    return place


def rows(place: Path, table: str) -> list[dict[str, Any]]:
    storage, findings = Storage(place), Findings()
    found = [row for part in storage.parts(table) for row in rows_of(storage, part, findings)]
    assert not findings.texts
    return sorted(found, key=lambda row: float(row["timestamp"]))


def test_each_transfer_is_recorded_once_when_it_comes(store: Path) -> None:
    found = [(row["timestamp"] - NEW_YEAR, row["id"], read_json(row["transfer"])) for row in rows(store, "transfers")]
    assert [(at, name) for at, name, _ in found] == [(60.0, "small"), (180.0, "large")]
    assert found[0][2]["labels"] == {"team": "x"} and found[1][2]["size"] == 5_000_000_000
    assert {part.node for part in Storage(store).parts("transfers")} == {"n"}


def test_decisions_are_recorded_where_they_change_and_for_each_transfer(store: Path) -> None:
    found = [
        (row["timestamp"] - NEW_YEAR, row["transfer"], read_json(row["rules"])) for row in rows(store, "decisions")
    ]
    of_node = [(at, rules) for at, transfer, rules in found if transfer is None]
    assert of_node == [(0.0, []), (120.0, ["hot"]), (240.0, [])]
    of_transfers = {transfer: sorted(rules) for _, transfer, rules in found if transfer is not None}
    assert of_transfers == {"small": [], "large": ["hot", "large"]}


def test_a_back_test_decides_on_the_transfers_of_a_store(store: Path, tmp_path: Path, gpurules: Any) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    command = ("backtest", str(tmp_path / "r.yaml"), "--history", str(store), "--output-format", "json")
    done = gpurules(*command, "--transfers", str(store))
    assert done.code == 0, done.err
    found = read_json(done.out)["rulesets"][0]["transfers"]
    assert {name: found[name] for name in ("transfers", "decided", "delayed", "paused")} == {
        "transfers": 2, "decided": 2, "delayed": 1, "paused": 1,
    }  # fmt: skip


def test_a_span_has_the_transfers_that_came_in_it(store: Path, tmp_path: Path, gpurules: Any) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    command = ("backtest", str(tmp_path / "r.yaml"), "--history", str(store), "--output-format", "json")
    done = gpurules(*command, "--transfers", str(store), "--from", "2026-01-01T00:02")
    assert done.code == 0, done.err
    found = read_json(done.out)["rulesets"][0]["transfers"]
    assert (found["transfers"], found["decided"], found["delayed"]) == (1, 1, 1)


def test_a_store_without_transfers_says_what_records_them(tmp_path: Path, store: Path, gpurules: Any) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    for part in Storage(store).parts("transfers"):
        (store / part.path).unlink()
    done = gpurules("backtest", str(tmp_path / "r.yaml"), "--history", str(store), "--transfers", str(store))
    assert done.code == 2 and "has no recorded transfer; run and serve with --history" in done.err


@pytest.mark.parametrize("damage", [b"PAR1", b""])
def test_a_damaged_file_of_transfers_is_named_and_the_rest_is_decided(
    damage: bytes, tmp_path: Path, store: Path, gpurules: Any
) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    victim = Storage(store).parts("transfers")[0].path
    (store / victim).write_bytes(damage)
    done = gpurules("backtest", str(tmp_path / "r.yaml"), "--history", str(store), "--transfers", str(store))
    assert done.code == 0 and f"{victim}: cannot be read" in done.err and "transfers 1" in done.out


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', '{"size": "much"}'])
def test_a_transfer_that_is_not_one_is_named(text: str, tmp_path: Path, store: Path, gpurules: Any) -> None:
    (tmp_path / "r.yaml").write_text(RULES)
    path = store / Storage(store).parts("transfers")[0].path
    table = pq.read_table(path, partitioning=None)
    place = table.column_names.index("transfer")
    pq.write_table(table.set_column(place, "transfer", [[text] * table.num_rows]), path)
    done = gpurules("backtest", str(tmp_path / "r.yaml"), "--history", str(store), "--transfers", str(store))
    assert done.code == 0 and path.name in done.err and "Traceback" not in done.err


def test_retention_and_compaction_cover_them(store: Path) -> None:
    before = {table: rows(store, table) for table in ("transfers", "decisions")}
    assert len(Storage(store).parts("decisions")) > 1
    list(compact(Storage(store), Findings()))
    assert len(Storage(store).parts("transfers")) == len(Storage(store).parts("decisions")) == 1
    assert {table: rows(store, table) for table in before} == before
    retain(Storage(store), Retention(days=1))
    assert len(rows(store, "transfers")) == 2
    later = Storage(store)
    for part in later.parts():
        moved = store / part.path.replace("2026-01-01", "2025-12-30")
        moved.parent.mkdir(parents=True, exist_ok=True)
        if part.table in before:
            moved.write_bytes((store / part.path).read_bytes())
    gone = retain(Storage(store), Retention(days=1))
    assert {part.table for part in gone} == {"transfers", "decisions"}
    assert {part.date for part in gone} == {"2025-12-30"}
