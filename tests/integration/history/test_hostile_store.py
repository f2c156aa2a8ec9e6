"""Stores that others wrote, or that are damaged: values are right, missing, or named with a remedy."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gpurules.backends.columnar import Truths
from gpurules.history.store.format import part_file
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.maintenance import compact
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import Storage
from gpurules.history.store.time_span import TimeSpan
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Kind
from tests.factories import NEW_YEAR, gpu, snapshot

Change = Callable[[pa.Table], pa.Table]
TIMES = [NEW_YEAR + 5.0 * n for n in range(4)]


def store_of(place: Path) -> tuple[Storage, Path]:
    """Return a store of one node with a GPU of 60 to 63 degrees in one file of telemetry, and the path of that."""
    storage = Storage(place)
    with StoreWriter(storage, "n", 1e9) as writer:
        for n in range(4):
            writer.add(snapshot(gpu(0, temperature=60 + n, memory_used=n << 30), at=5.0 * n))
    return storage, place / storage.parts("telemetry")[0].path


def rewrite(path: Path, change: Change) -> None:
    pq.write_table(change(pq.read_table(path, partitioning=None)), path)


def read(storage: Storage) -> tuple[dict[float, list[float | None]], list[str]]:
    """Return the temperatures of each snapshot, and the findings."""
    reader = StoreReader(storage)
    found = {
        one.timestamp: [g.temperature for g in one.gpus] for frame in reader.frames("n") for one, _ in frame.snapshots()
    }
    return found, reader.findings.texts


def with_column(name: str, values: object) -> Change:
    def change(table: pa.Table) -> pa.Table:
        array = values(table) if callable(values) else pa.array(values)
        return table.set_column(table.column_names.index(name), name, array)

    return change


def with_unit(table: pa.Table) -> pa.Table:
    place = table.column_names.index("temperature")
    field = table.schema.field(place).with_metadata({"unit": "fahrenheit"})
    return table.set_column(place, field, table.column(place))


def as_instants(kind: pa.DataType) -> Change:
    return with_column("timestamp", lambda t: pc.cast(pc.cast(pc.multiply(t["timestamp"], 1e6), pa.int64()), kind))


def renamed(old: str, new: str) -> Change:
    return lambda table: table.rename_columns([new if name == old else name for name in table.column_names])


RIGHT = {at: [60.0 + n] for n, at in enumerate(TIMES)}
NO_TEMPERATURE: dict[float, list[float | None]] = {at: [None] for at in TIMES}
NO_GPU: dict[float, list[float | None]] = {at: [] for at in TIMES}
HOSTILE: dict[str, tuple[Change, dict[float, list[float | None]], str]] = {
    "times as texts": (with_column("timestamp", list("abcd")), NO_GPU, "timestamp has the type string"),
    "times in milliseconds": (
        with_column("timestamp", lambda t: pc.multiply(t["timestamp"], 1000.0)), NO_GPU, "is it in seconds since 1970?",
    ),
    "instants of a zone": (as_instants(pa.timestamp("us", "Europe/Berlin")), RIGHT, ""),
    "instants of no zone": (as_instants(pa.timestamp("us")), NO_GPU, "timestamps with a time zone"),
    "times that are not numbers": (
        with_column("timestamp", [TIMES[0], float("nan"), float("inf"), None]),
        {**NO_GPU, TIMES[0]: [60.0]}, "3 rows have no time",
    ),
    "times out of order": (lambda t: t.take([3, 1, 0, 2]), RIGHT, ""),
    "doubled rows": (lambda t: pa.concat_tables([t, t]), RIGHT, "4 rows are duplicates"),
    "no rows": (lambda t: t.slice(0, 0), NO_GPU, ""),
    "another version": (
        lambda t: t.replace_schema_metadata({"gpurules": '{"version": 2}'}), NO_GPU, "a later gpurules reads it",
    ),
    "a version that is not one": (lambda t: t.replace_schema_metadata({"gpurules": "{{"}), RIGHT, ""),
    "a renamed column": (renamed("temperature", "temp"), NO_TEMPERATURE, ""),
    "no identity": (lambda t: t.drop_columns(["identity"]), RIGHT, ""),
    "nothing that identifies": (
        lambda t: t.drop_columns(["identity", "uuid", "index"]), NO_GPU, "which GPU a row is of is not known",
    ),
    "identities that are missing": (with_column("identity", [None, "GPU-0", None, "GPU-0"]), RIGHT, ""),
    "indexes that are missing": (with_column("index", pa.nulls(4, pa.string())), RIGHT, ""),
    "NaN and infinities": (
        with_column("temperature", [60.0, float("nan"), float("inf"), float("-inf")]),
        {**NO_TEMPERATURE, TIMES[0]: [60.0]}, "",
    ),
    "another unit": (with_unit, NO_TEMPERATURE, "in 'fahrenheit', not 'celsius'"),
    "another type": (with_column("temperature", list("abcd")), NO_TEMPERATURE, "temperature has the type string"),
    "integers": (with_column("temperature", [60, 61, 62, 63]), RIGHT, ""),
    "large texts": (with_column("uuid", pa.array(["GPU-0"] * 4, pa.large_string())), RIGHT, ""),
    "two columns of one name": (
        lambda t: t.append_column("temperature", pa.array([1.0] * 4)), NO_TEMPERATURE, "2 columns temperature",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_right_or_named(name: str, tmp_path: Path) -> None:
    change, expected, finding = HOSTILE[name]
    storage, path = store_of(tmp_path)
    rewrite(path, change)
    found, findings = read(storage)
    assert found == expected
    if finding:
        assert len(findings) == 1 and finding in findings[0] and "telemetry/date=2026-01-01/node=n" in findings[0]
    else:
        assert not [text for text in findings if "out of range" not in text]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_beside_one_of_ours_stops_neither_reading_nor_compaction(name: str, tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    rewrite(path, HOSTILE[name][0])
    with StoreWriter(storage, "n", 1e9) as writer:
        writer.add(snapshot(gpu(0, temperature=80), at=600.0))
    before = read(storage)
    assert before[0][NEW_YEAR + 600] == [80.0]
    list(compact(storage, Findings()))
    after = read(storage)
    assert after[0] == before[0]
    kept = {text.split(": ", 1)[1] for text in after[1]}
    assert kept >= {text.split(": ", 1)[1] for text in before[1] if ".parquet" in text}, "nothing that is lost is quiet"
    assert {part.date for part in storage.parts()} == {"2026-01-01"}


def test_compaction_leaves_alone_what_has_columns_of_others(tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    rewrite(path, lambda table: table.append_column("rack", pa.array(["r1"] * 4)))
    with StoreWriter(storage, "n", 1e9) as writer:
        writer.add(snapshot(gpu(0), at=600.0))
    list(compact(storage, Findings()))
    assert pq.read_table(path, partitioning=None).column("rack").to_pylist() == ["r1"] * 4


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_anywhere_is_named(share: float, tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    found, findings = read(storage)
    assert found == NO_GPU
    assert len(findings) == 1 and "cannot be read" in findings[0] and path.name in findings[0]


@pytest.mark.parametrize("seed", range(30))
def test_a_file_with_a_damaged_byte_raises_nothing(seed: int, tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    data = bytearray(path.read_bytes())
    place = seed * len(data) // 30
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    found, findings = read(storage)
    assert found.keys() >= RIGHT.keys() or findings


def test_a_pipe_in_a_store_is_not_waited_for(tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    os.mkfifo(path.with_name("part-0.parquet"))
    found, findings = read(storage)
    assert found == RIGHT
    assert findings[0].endswith(
        "part-0.parquet: cannot be read: it is a named pipe, and only regular files can be read"
    )


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    path.with_name("part-0.parquet").symlink_to(tmp_path / "nothing")
    _, findings = read(storage)
    assert "disappeared while it was read" in findings[0]


def test_a_file_of_absurdly_many_rows_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, _ = store_of(tmp_path)
    monkeypatch.setattr(part_file, "MOST_ROWS", 3)
    found, findings = read(storage)
    assert not any(found.values())
    assert "has 4 rows, more than 3, and is not read; split it" in findings[0]


def test_a_compaction_while_a_store_is_read_loses_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with StoreWriter(storage, "n", 1.0) as writer:
        for n in range(12):
            writer.add(snapshot(gpu(0, temperature=n), at=5.0 * n))
    reader = StoreReader(storage)
    assert len(reader.parts) > 4
    list(compact(storage, Findings()))
    (frame,) = reader.frames("n")
    assert [one.gpus[0].temperature for one, _ in frame.snapshots()] == [float(n) for n in range(12)]
    assert not reader.findings.texts


class Counted(Storage):
    """A store that counts what is read of it."""

    def __init__(self, place: Path) -> None:
        super().__init__(str(place))
        self.opened: list[str] = []

    def local(self, path: str) -> str | None:
        self.opened.append(path)
        return super().local(path)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Return a list that fills up with the groups of rows that are read, and of which columns."""
    read, real = list[tuple[int, tuple[str, ...]]](), pq.ParquetFile.read_row_groups

    def read_row_groups(self: pq.ParquetFile, numbers: list[int], columns: list[str], **more: object) -> pa.Table:
        read.extend((number, tuple(columns)) for number in numbers)
        return real(self, numbers, columns=columns, **more)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", read_row_groups)
    return read


def test_a_span_reads_only_its_days_groups_of_rows_and_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Counted(tmp_path)
    with StoreWriter(storage, "n", 1e9) as writer:
        for day in range(6):
            for n in range(40):
                writer.add(snapshot(gpu(0, temperature=n), at=86_400.0 * day + 60 * n))
    for part in storage.parts("telemetry"):
        table = pq.read_table(tmp_path / part.path, partitioning=None)
        pq.write_table(table, tmp_path / part.path, row_group_size=10)
    storage.opened.clear()
    read = counting(monkeypatch)
    reader = StoreReader(storage)
    span = TimeSpan(
        NEW_YEAR + 3 * 86_400 + 660, NEW_YEAR + 3 * 86_400 + 720
    )  # the minute of sample 11, in the second group
    frames = list(reader.frames("n", frozenset({"temperature"}), span))
    assert [at for frame in frames for at in frame.times.tolist()] == [NEW_YEAR + 3 * 86_400 + 660]
    of_gpus = [(number, columns) for number, columns in read if "temperature" in columns]
    assert of_gpus == [(1, of_gpus[0][1])], "one group of ten rows of the 240 that are recorded"
    assert set(of_gpus[0][1]) == {"identity", "timestamp", "temperature"}
    days = {path.split("/")[1] for path in storage.opened}
    assert days == {"date=2026-01-03", "date=2026-01-04", "date=2026-01-05"}, "a day beside it, for days of other zones"


def test_without_a_span_every_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, path = store_of(tmp_path)
    pq.write_table(pq.read_table(path, partitioning=None), path, row_group_size=1)
    read = counting(monkeypatch)
    list(StoreReader(storage).frames("n", frozenset({"temperature"})))
    assert [number for number, columns in read if "temperature" in columns] == [0, 1, 2, 3]


def test_columns_of_one_value_are_not_decoded_and_are_what_they_are_when_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, path = Storage(tmp_path), tmp_path / "telemetry/date=2026-01-01/node=n/part-1.parquet"
    path.parent.mkdir(parents=True)
    columns: dict[str, list[object]] = {
        "identity": ["a", "a", "a", "b", "b", "b"], "timestamp": [NEW_YEAR + t for t in (1.0, 2.0, 3.0)] * 2,
        "index": ["0", "0", "0", "1", "1", "1"], "name": ["H100"] * 6, "vendor": ["x", None, "x", "x", "x", "x"],
        "status": [None] * 6, "fabric_state": ["up"] * 3 + ["down"] * 3, "healthy": [True] * 6, "mig": [False] * 6,
        "throttled": [True, None] * 3, "power": [100.0, float("nan")] * 3, "memory": [None] * 6,
        "temperature": [50.0] * 6,
    }  # fmt: skip
    types = {"status": pa.string(), "memory": pa.float64()}
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    for size, has_statistics in ((6, False), (6, True), (3, True), (1, True)):
        pq.write_table(table, path, row_group_size=size, write_statistics=has_statistics)
        with monkeypatch.context() as patched:
            read = counting(patched)
            (frame,) = StoreReader(storage).frames("n", frozenset(columns))
        skipped = {"name", "status", "healthy", "memory"} if has_statistics else set()
        assert {name for name in columns if all(name not in names for _, names in read)} == skipped
        for name in columns.keys() - {"timestamp", "identity", "healthy"}:
            given = frame.exact(name, is_label=False)
            expected = [None if v != v else v for v in columns[name]]
            assert [str(v) if name == "index" else v for v in given] == expected, name
        healthy = frame.column("healthy", Kind.BOOL)
        assert isinstance(healthy, Truths) and healthy.true.all() and not healthy.false.any()


def test_a_column_that_is_false_throughout_is_decoded(tmp_path: Path) -> None:
    storage, path = store_of(tmp_path)
    table = pq.read_table(path, partitioning=None)
    sick = pa.array([False] * table.num_rows)
    pq.write_table(table.set_column(table.column_names.index("healthy"), "healthy", sick), path)
    for frame in StoreReader(storage).frames("n", frozenset({"healthy"})):
        healthy = frame.column("healthy", Kind.BOOL)
        assert isinstance(healthy, Truths) and healthy.false.all()
