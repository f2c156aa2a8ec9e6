"""The recording store: what is written is read back, a crash leaves no half file, and damage is reported."""

import os
import random
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gpurules.history.backtest.task import NodeTask
from gpurules.history.store.exchange import export_lines, import_recordings
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.maintenance import Retention, compact, info, retain
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import GPU, Snapshot
from gpurules.strict_json import loads
from tests.factories import NEW_YEAR, gpu, snapshot
from tests.history_cases import history_of


def written(place: Path, *snapshots: Snapshot, flush: float = 60.0) -> Storage:
    storage = Storage(place)
    with StoreWriter(storage, "n", flush) as writer:
        for one in snapshots:
            writer.add(one)
    return storage


def read(storage: Storage, node: str = "n") -> tuple[list[dict[str, object]], Findings]:
    reader = StoreReader(storage)
    found = [one.to_dict() for frame in reader.frames(node) for one, _ in frame.snapshots()]
    return found, reader.findings


def minutes(count: int, **attributes: object) -> list[Snapshot]:
    return [snapshot(gpu(temperature=60 + n, **attributes), at=60.0 * n) for n in range(count)]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_written_is_read_again(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    observed, storage = history_of(rng), Storage(tmp_path)
    with StoreWriter(storage, "a/b c", rng.choice([1.0, 60.0, 1e9])) as writer:
        kept = [(one.to_dict(), dict(node)) for one, node in observed if writer.add(one, node)]
    frames = list(StoreReader(storage).frames("a/b c"))
    assert [(one.to_dict(), dict(node)) for frame in frames for one, node in frame.snapshots()] == kept


def test_integers_that_no_double_equals_and_reasons_of_what_is_missing_survive(tmp_path: Path) -> None:
    given = GPU(index="1:0", memory_used=2**53 + 1, temperature=4294967256, labels={"a": 1}, mig=True)
    found, _ = read(written(tmp_path, Snapshot(timestamp=NEW_YEAR, gpus=(given,), host="n")))
    assert found == [Snapshot(timestamp=NEW_YEAR, gpus=(given,), host="n").to_dict()]
    assert found[0]["gpus"][0]["missing"] == {"temperature": "above 200: 4294967256"}  # type: ignore[index]


def test_files_stand_by_table_day_and_node_and_carry_types_and_units(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(3), snapshot(gpu(temperature=1), at=86_400.0))
    parts = storage.parts("telemetry")
    assert {(part.date, part.node) for part in parts} == {("2026-01-01", "n"), ("2026-01-02", "n")}
    assert parts[0].path.startswith("telemetry/date=2026-01-01/node=n/part-")
    schema = pq.read_schema(tmp_path / parts[0].path)
    assert schema.field("temperature").metadata == {b"unit": b"celsius"}
    assert loads(schema.metadata[b"gpurules"]) == {"version": 1, "table": "telemetry"}


def test_rows_are_in_order_of_gpu_and_time(tmp_path: Path) -> None:
    both = [snapshot(gpu(1), gpu(0), at=float(n)) for n in range(3)]
    storage = written(tmp_path, *both)
    table = pq.read_table(tmp_path / storage.parts("telemetry")[0].path, partitioning=None)
    assert table.column("identity").to_pylist() == ["GPU-0"] * 3 + ["GPU-1"] * 3
    assert read(storage)[0] == [one.to_dict() for one in both]


def test_a_minute_is_on_the_disk_while_recording_goes_on(tmp_path: Path) -> None:
    writer = StoreWriter(Storage(tmp_path), "n")
    for n in range(20):
        writer.add(snapshot(gpu(temperature=50), at=5.0 * n))
    assert len(read(Storage(tmp_path))[0]) == 13  # 0 to 60 s; what is left is of the last minute


def test_a_crash_in_the_middle_of_writing_leaves_no_file_that_readers_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, *minutes(2))

    def crash(table: object, file: object, **options: object) -> None:
        file.write(b"PAR1 half")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr("gpurules.history.store.writer.pq.write_table", crash)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, snapshot(gpu(), at=3600.0))
    found, findings = read(Storage(tmp_path))
    assert len(found) == 2 and not findings.texts
    assert not Storage(tmp_path).unfinished_files()


def test_what_a_killed_process_left_is_not_read_and_goes_with_the_next_compaction(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(2))
    folder = (tmp_path / storage.parts("telemetry")[0].path).parent
    left = folder / ".part-1.parquet.unfinished"
    left.write_bytes(b"PAR1")
    os.utime(left, (0, 0))
    assert len(read(storage)[0]) == 2
    list(compact(storage, Findings()))
    assert not list(folder.glob(".*"))


def test_a_compaction_leaves_alone_what_another_process_is_writing(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(2))
    path = storage.parts("telemetry")[0].path.rsplit("/", 1)[0] + "/part-9.parquet"

    def fill(file: IO[bytes]) -> None:
        file.write((tmp_path / storage.parts("telemetry")[0].path).read_bytes())
        list(compact(storage, Findings()))

    storage.write(path, fill)
    assert (tmp_path / path).exists() and not list((tmp_path / path).parent.glob(".*"))


def test_a_file_that_is_cut_short_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(4), flush=60.0)
    victim = storage.parts("telemetry")[0].path
    data = (tmp_path / victim).read_bytes()
    (tmp_path / victim).write_bytes(data[: len(data) // 2])
    found, findings = read(storage)
    assert len(found) == 4  # the snapshots are known from the table of the node
    assert [len(one["gpus"]) for one in found] == [0, 0, 1, 1]  # type: ignore[arg-type]
    assert len(findings.texts) == 1 and findings.texts[0].startswith(f"{victim}: cannot be read")


def rewritten(place: Path, storage: Storage, change: object) -> None:
    for part in storage.parts("telemetry"):
        table = pq.read_table(place / part.path, partitioning=None)
        pq.write_table(change(table), place / part.path)  # type: ignore[operator]


def test_a_column_of_the_wrong_type_is_reported_and_missing(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(2, power=100.0), flush=1e9)

    def change(table: pa.Table) -> pa.Table:
        place = table.column_names.index("temperature")
        return table.set_column(place, "temperature", pa.array(["hot", "cold"]))

    rewritten(tmp_path, storage, change)
    found, findings = read(storage)
    assert ["temperature" in one["gpus"][0] for one in found] == [False, False]  # type: ignore[index]
    assert [one["gpus"][0]["power"] for one in found] == [100.0, 100.0]  # type: ignore[index]
    assert "temperature has the type string" in findings.texts[0]


def test_a_file_of_an_older_schema_has_its_columns_missing(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(2), flush=1e9)
    rewritten(tmp_path, storage, lambda table: table.drop_columns(["nvlink_rx", "processes", "healthy"]))
    found, findings = read(storage)
    assert found == [one.to_dict() for one in minutes(2)] and not findings.texts


def test_a_table_of_another_program_without_identities_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "telemetry" / "date=2026-01-01" / "node=x"
    folder.mkdir(parents=True)
    columns = {"timestamp": [NEW_YEAR + 5, NEW_YEAR], "index": ["0", "0"], "temperature": [91, 90]}
    pq.write_table(pa.table(columns), folder / "own.parquet")
    found, _ = read(Storage(tmp_path), "x")
    assert [one["gpus"][0]["temperature"] for one in found] == [90, 91]  # type: ignore[index]


def test_impossible_numbers_are_missing_and_reported(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(2), flush=1e9)

    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index("temperature"), "temperature", pa.array([5000.0, 60.0]))

    rewritten(tmp_path, storage, change)
    reader = StoreReader(storage)
    (frame,) = reader.frames("n")
    from gpurules.model import Kind

    column = frame.column("temperature", Kind.NUMBER)
    assert str(column.tolist()) == "[nan, 60.0]"  # type: ignore[union-attr]
    assert "1 values of temperature are out of range" in reader.findings.texts[0]


def test_two_writers_of_one_node_give_each_snapshot_once(tmp_path: Path) -> None:
    written(tmp_path, *minutes(3))
    storage = written(tmp_path, *minutes(3))
    found, findings = read(storage)
    assert found == [one.to_dict() for one in minutes(3)]
    assert "3 rows are duplicates" in findings.texts[0]


def test_a_clock_that_goes_back_is_not_recorded_twice(tmp_path: Path) -> None:
    back = [snapshot(gpu(temperature=n), at=at) for n, at in enumerate([0.0, 10.0, 5.0, 10.0, 20.0])]
    with StoreWriter(Storage(tmp_path), "n") as writer:
        assert [writer.add(one) for one in back] == [True, True, False, False, True]
    assert writer.ignored == 2 and writer.written == 3


def test_a_day_with_snapshots_of_the_day_before_is_read_without_them(tmp_path: Path) -> None:
    storage = written(tmp_path, snapshot(gpu(), at=9.0), snapshot(gpu(), at=86_400.0))
    (day,) = [part for part in storage.parts("telemetry") if part.date == "2026-01-02"]
    early = written(tmp_path / "other", snapshot(gpu(), at=5.0)).parts("telemetry")[0]
    target = (tmp_path / day.path).with_name("part-early.parquet")
    target.write_bytes((tmp_path / "other" / early.path).read_bytes())
    found, findings = read(storage)
    assert [one["timestamp"] for one in found] == [NEW_YEAR + 9, NEW_YEAR + 86_400]
    assert "was the clock set back" in findings.texts[0]


def test_compaction_keeps_every_snapshot_and_makes_one_file_a_day(tmp_path: Path) -> None:
    storage = written(tmp_path, *minutes(30))
    before = read(storage)[0]
    assert len(storage.parts()) > 4
    list(compact(storage, Findings()))
    assert len(storage.parts()) == 2
    assert read(storage)[0] == before


def test_compaction_that_is_interrupted_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = written(tmp_path, *minutes(10))
    before, removed = read(storage)[0], list[str]()

    def once(self: Storage, path: str) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(path)
        Path(self.place, path).unlink()

    monkeypatch.setattr(Storage, "remove", once)
    with pytest.raises(KeyboardInterrupt):
        list(compact(storage, Findings()))
    monkeypatch.undo()
    assert read(storage)[0] == before


def test_retention_removes_the_oldest_days_by_age_and_by_size(tmp_path: Path) -> None:
    storage = written(tmp_path, *[snapshot(gpu(), at=86_400.0 * n) for n in range(5)])
    retain(storage, Retention(days=3))
    assert sorted({part.date for part in storage.parts()}) == ["2026-01-03", "2026-01-04", "2026-01-05"]
    retain(storage, Retention(size=1))
    assert {part.date for part in storage.parts()} == {"2026-01-05"}, "the latest day is never removed by size"
    assert not (tmp_path / "telemetry" / "date=2026-01-01").exists()


def test_the_store_describes_its_contents(tmp_path: Path) -> None:
    (found,) = info(written(tmp_path, *minutes(3), flush=1e9))
    assert (found.node, found.days, found.files, found.first) == ("n", 1, 2, "2026-01-01")
    with pytest.raises(RecordingStoreError, match="no recorded telemetry"):
        info(Storage(tmp_path / "nothing"))


def test_recordings_are_imported_one_by_one_and_exported_again(tmp_path: Path) -> None:
    from gpurules.engine.recordings import Recording

    lines = [f'{{"timestamp": {n}, "host": "h", "gpus": [{{"index": 0, "temperature": {50 + n}}}]}}' for n in range(3)]
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text("\n".join([*lines, "{broken"]) + "\n")
    bad.write_text("no recording at all\n")
    storage = Storage(tmp_path / "store")
    done = import_recordings(storage, [Recording(str(bad)), Recording(str(good))])
    assert (done.snapshots, done.files, done.nodes) == (3, 1, {"h"})
    assert {Path(path).name for path in done.unread} == {"good.jsonl", "bad.jsonl"}
    exported = [loads(line) for line in export_lines(StoreReader(storage))]
    assert [one["gpus"][0]["temperature"] for one in exported] == [50, 51, 52]


def test_a_recording_is_a_node_of_its_own_for_a_back_test(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"timestamp": 1, "gpus": []}\n{"timestamp": 1, "gpus": []}\n{"timestamp": 2, "gpus": []}\n')
    findings = Findings()
    (frame,) = NodeTask(str(path)).frames(None, findings)
    assert frame.times.tolist() == [1.0, 2.0]
    assert "not newer" in findings.texts[0]


def test_numbers_that_are_mostly_distinct_have_no_dictionary_and_others_do(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(200):
            writer.add(snapshot(gpu(0, uuid="a", memory=n / 7, temperature=40 + n % 9), at=5.0 * n))
    (part,) = storage.parts("telemetry")
    group = pq.ParquetFile(tmp_path / part.path).metadata.row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert all("BYTE_STREAM_SPLIT" in columns[name].encodings for name in ("memory", "timestamp"))
    assert all(columns[name].has_dictionary_page for name in ("temperature", "identity"))
    assert columns["memory"].statistics.has_min_max
    (frame,) = StoreReader(storage).frames("n")
    assert frame.exact("memory", is_label=False) == [n / 7 for n in range(200)]
