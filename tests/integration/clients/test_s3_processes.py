"""Processes that are killed, that meet in one staging area, and a server that goes away."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.servers import Moto
from gpurules.clients import S3, PartOptions, StagingArea, TransientStoreError
from gpurules.clients.staging.folder import Folder
from gpurules.clients.staging.locks import Waiting
from gpurules.engine import Engine
from gpurules.governor import Governor
from tests.factories import ruleset
from tests.integration.clients.conftest import content, digest
from tests.waiting import wait_until, while_running

MIB = 1024**2
SIZE = 8 * MIB
STAGER = Path(__file__).with_name("stager.py")


def started(client, area: Path, target: Path, pause: float = 0.0):
    command = [sys.executable, STAGER, client.meta.endpoint_url, area, target, str(pause)]
    return subprocess.Popen(list(map(str, command)))


def reads(target: Path) -> list[str]:
    noted = Path(f"{target}.reads")
    return noted.read_text().splitlines() if noted.exists() else []


def faults(target: Path) -> dict[str, int]:
    return json.loads(Path(f"{target}.faults").read_text())


def test_one_who_is_killed_while_staging_goes_on_where_it_was(client, tmp_path):
    data = content(SIZE)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    killed = started(client, tmp_path / "area", tmp_path / "f", 0.1)
    wait_until(while_running(killed, lambda: len(reads(tmp_path / "f")) >= 5))
    killed.kill()
    killed.wait(10)
    assert not (tmp_path / "f").exists()
    assert started(client, tmp_path / "area", tmp_path / "again").wait(30) == 0
    assert digest((tmp_path / "again").read_bytes()) == digest(data)
    assert len(reads(tmp_path / "again")) <= 5
    assert faults(tmp_path / "again") == {"transfer_resumed": 1}
    assert StagingArea(tmp_path / "area", SIZE).used == SIZE


def test_two_processes_stage_one_object_once(client, tmp_path):
    data = content(SIZE)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    both = [started(client, tmp_path / "area", tmp_path / name, 0.02) for name in ("f", "g")]
    assert [process.wait(30) for process in both] == [0, 0]
    assert len(reads(tmp_path / "f")) + len(reads(tmp_path / "g")) == 8
    for name in ("f", "g"):
        assert digest((tmp_path / name).read_bytes()) == digest(data)
        assert faults(tmp_path / name) == {}, (
            "a process that waits for the other, and takes what is there, is not a fault"
        )


def test_an_abandoned_partial_file_is_swept(tmp_path):
    area = StagingArea(tmp_path, SIZE)
    with Folder.opened_at(area.path) as folder:
        area.room.make(folder, "0" * 64, MIB, Waiting(lambda: None, 5))
    assert area.used == MIB
    area.room.sweep(older_than_seconds=3600)
    assert area.used == MIB
    area.room.sweep(older_than_seconds=-1)
    assert (area.used, area.counts.swept) == (0, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["area.lock"]


def test_a_server_that_is_killed_in_mid_transfer_costs_what_was_not_there_yet(client_of, tmp_path):
    server, data, ranges = Moto(), content(SIZE), []

    def fill():
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="k", Body=data)

    def note(params, **_):
        ranges.append(params["headers"]["Range"])
        if len(ranges) == 5:
            server.kill()

    client = client_of(server.port)
    fill()
    client.meta.events.register("before-call.s3.GetObject", note)
    engine = Engine(ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}"))
    options = PartOptions(piece_size=MIB, parts_ahead=1, attempts=2, backoff_seconds=0.01)
    governor = Governor(engine)
    try:
        with S3(governor, client, options=options) as the:
            with pytest.raises(TransientStoreError):
                the.download("bucket", "k", tmp_path / "f")
            retried = governor.status().faults["part_retried"]
            assert (retried >= 1, governor.status().counts.failed) == (True, 1)
            server.start()
            fill()
            before = len(ranges)
            the.download("bucket", "k", tmp_path / "f")
    finally:
        server.kill()
    assert len(ranges) - before == 4
    assert governor.status().faults == {"part_retried": retried, "transfer_resumed": 1}
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
