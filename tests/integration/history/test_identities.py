"""A file whose column ``identity`` is not what its GPUs are known by: kernel and engine agree, and it is a finding."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gpurules.history.backtest.local import in_processes
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.maintenance import compact
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import GPU
from tests.factories import gpu, ruleset, snapshot

Change = Callable[[pa.Table], pa.Table]
RULES = ruleset("- {name: warm, condition: heat, action: pause_transfer}",
                "signals: {heat: {condition: gpu_temperature > 65, keep_for: 5s}}")  # fmt: skip
SNAPSHOTS = 6
DISAGREES = "identity differs from uuid"


def with_column(name: str, change: Callable[[list[str]], list[str | None]]) -> Change:
    def changed(table: pa.Table) -> pa.Table:
        array = pa.array(change(table[name].to_pylist()), pa.string())
        return table.set_column(table.column_names.index(name), name, array)

    return changed


def all_of(*changes: Change) -> Change:
    def changed(table: pa.Table) -> pa.Table:
        for change in changes:
            table = change(table)
        return table

    return changed


def foreign(table: pa.Table) -> pa.Table:
    return table.replace_schema_metadata(None)


def without(*names: str) -> Change:
    return lambda table: table.drop_columns([*names])


swapped = with_column("identity", lambda names: [{"GPU-0": "GPU-1", "GPU-1": "GPU-0"}[name] for name in names])
by_index = with_column("identity", lambda names: [name.replace("GPU-", "index ") for name in names])
CASES: dict[str, tuple[Change, list[str], bool]] = {
    "as it was written": (lambda t: t, ["GPU-0", "GPU-1"], False),
    "of another program, and right": (foreign, ["GPU-0", "GPU-1"], False),
    "swapped by another program": (all_of(swapped, foreign), ["GPU-0", "GPU-1"], True),
    "renamed in a file of ours": (
        with_column("identity", lambda names: [name + "-x" for name in names]), ["GPU-0", "GPU-1"], True,
    ),
    "one name for both GPUs": (
        all_of(with_column("identity", lambda names: ["GPU-0" for _ in names]), foreign), ["GPU-0", "GPU-1"], True,
    ),
    "a name for each row": (
        with_column("identity", lambda names: [f"row-{n}" for n, _ in enumerate(names)]), ["GPU-0", "GPU-1"], True,
    ),
    "UUIDs that are none": (
        all_of(with_column("uuid", lambda names: ["[N/A]" for _ in names]), without("identity")),
        ["index 0", "index 1"], False,
    ),
    "UUIDs that are blank beside an identity": (
        with_column("uuid", lambda names: [" " for _ in names]), ["index 0", "index 1"], True,
    ),
    "indexes with zeros before them": (
        all_of(with_column("index", lambda names: ["0" + name for name in names]), without("uuid", "identity")),
        ["index 0", "index 1"], False,
    ),
    "an identity alone": (without("uuid", "index"), ["GPU-0", "GPU-1"], False),
    "an identity by index alone": (all_of(by_index, without("uuid", "index")), ["index 0", "index 1"], False),
    "an identity beside empty columns": (
        all_of(*(with_column(name, lambda names: [None] * len(names)) for name in ("uuid", "index"))),
        ["GPU-0", "GPU-1"], False,
    ),
}  # fmt: skip


def store_of(place: Path, change: Change) -> Storage:
    storage = Storage(place)
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(SNAPSHOTS):
            writer.add(snapshot(gpu(0, temperature=60 + n), gpu(1, temperature=70 - n), at=5.0 * n))
    path = place / storage.parts("telemetry")[0].path
    pq.write_table(change(pq.read_table(path, partitioning=None)), path)
    return storage


def counts(place: Path, engine: str) -> dict[str, object]:
    found = run(Backtest([RULES], [str(place)], engine, ("gpu",)), in_processes(1)).to_dict(("gpu",))
    found["rulesets"][0]["by_engine"] = {}  # type: ignore[index]
    return found


@pytest.mark.parametrize("name", CASES)
def test_kernel_and_engine_agree_about_it(name: str, tmp_path: Path) -> None:
    change, owners, is_finding = CASES[name]
    storage = store_of(tmp_path, change)
    reader = StoreReader(storage)
    (frame,) = reader.frames("n")
    assert list(frame.owners) == owners
    assert [[one.identity for one in seen.gpus] for seen, _ in frame.snapshots()] == [owners] * SNAPSHOTS
    texts = [text for text in reader.findings.texts if DISAGREES in text]
    assert len(texts) == is_finding and all(storage.parts("telemetry")[0].path in text for text in texts)
    assert counts(tmp_path, "kernel") == counts(tmp_path, "replay")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_a_compaction_leaves_such_a_file_alone(name: str, tmp_path: Path) -> None:
    storage = store_of(tmp_path, CASES[name][0])
    with StoreWriter(storage, "n", 1e9) as writer:
        writer.add(snapshot(gpu(0, temperature=80), at=600.0))
    before = {part.path: (tmp_path / part.path).read_bytes() for part in storage.parts("telemetry")}
    list(compact(storage, Findings()))
    assert {part.path: (tmp_path / part.path).read_bytes() for part in storage.parts("telemetry")} == before


def test_gpus_without_uuids_are_known_by_their_indexes_and_cost_no_second_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, read = Storage(tmp_path), list[list[str]]()
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(SNAPSHOTS):
            writer.add(snapshot(GPU(index="0:1", temperature=60 + n), GPU(index=11, temperature=70), at=5.0 * n))
    whole = pq.ParquetFile.read_row_groups

    def noted(file: pq.ParquetFile, groups: list[int], columns: list[str], **more: object) -> pa.Table:
        read.append(columns)
        return whole(file, groups, columns=columns, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", noted)
    (frame,) = StoreReader(storage).frames("n", {"temperature"})
    assert list(frame.owners) == ["index 0:1", "index 11"]
    assert not any("uuid" in columns or "index" in columns for columns in read)
