"""What goes wrong with transfers is dealt with, counted, and visible; the data is right."""

import time

import pytest

from gpurules import Engine, Snapshot, Transfer
from gpurules.clients import S3, ObjectChanged, PartOptions, StagingArea
from gpurules.engine import Coordinator, CoordinatorOptions
from gpurules.governor import Governor
from tests.factories import gpu, ruleset
from tests.integration.clients.conftest import content, digest

MIB = 1024**2
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=2, backoff_seconds=0.01)
HOLD = ruleset(
    "  - {name: hot, condition: gpu_temperature > 85, action: delay_transfer, parameters: {delay: 60s, running: pause}}"
)
STAGE = ruleset("  - {name: big, condition: 'true', action: stage_transfer, parameters: {staging_threshold: 1MB}}")


def engine_of(rules, age_seconds=0.0, **readings):
    engine = Engine(rules)
    engine.observe(Snapshot(timestamp=time.time() - age_seconds, gpus=(gpu(**readings),)))
    return engine


@pytest.fixture
def data(client):
    the = content(6 * MIB + 1)
    client.put_object(Bucket="bucket", Key="faults.tar", Body=the)
    return the


def test_a_connection_that_is_cut_is_counted(client, client_of, wire, data, tmp_path):
    wire.cuts = 2
    governor = Governor(engine_of(HOLD, temperature=40))
    with S3(governor, client_of(wire.port), options=OPTIONS) as s3:
        s3.download("bucket", "faults.tar", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert governor.status().faults["part_retried"] >= 1


def test_an_object_that_changes_is_counted(client, data, tmp_path):
    governor = Governor(engine_of(HOLD, temperature=40))
    options = PartOptions(piece_size=MIB, parts_ahead=1)
    with S3(governor, client, options=options) as s3, s3.open("bucket", "faults.tar") as stream:
        stream.read(10)
        client.put_object(Bucket="bucket", Key="faults.tar", Body=content(6 * MIB, seed=9))
        stream.seek(5 * MIB)
        with pytest.raises(ObjectChanged):
            stream.read(10)
    assert governor.status().faults == {"object_changed": 1}


def test_a_staging_area_without_room_is_counted_and_the_object_comes_directly(client, data, tmp_path):
    governor = Governor(engine_of(STAGE, temperature=40))
    area = StagingArea(tmp_path / "stage", quota=MIB)
    with S3(governor, client, options=OPTIONS, staging=area) as s3:
        s3.download("bucket", "faults.tar", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert governor.status().faults == {"staging_full": 1}


def test_rules_that_raise_are_counted_and_the_transfer_goes_on(client, data, tmp_path, monkeypatch):
    governor = Governor(engine_of(HOLD, temperature=95))
    monkeypatch.setattr(governor.decider.engine, "decide", lambda *_: 1 / 0)
    with S3(governor, client, options=OPTIONS) as s3:
        s3.download("bucket", "faults.tar", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert governor.status().counts.decisions_failed >= 1


def test_stale_telemetry_is_counted_and_holds_nothing(client, data, tmp_path):
    governor = Governor(engine_of(HOLD, age_seconds=3600, temperature=95))
    with S3(governor, client, options=OPTIONS) as s3:
        s3.download("bucket", "faults.tar", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    status = governor.status()
    assert (status.counts.holds, status.counts.decisions_stale > 0) == (0, True)


def test_faults_are_in_the_metrics_of_the_coordinator(client, client_of, wire, data, tmp_path):
    class Fixed:
        name = "fixed"

        def read(self):
            return Snapshot(timestamp=time.time(), gpus=(gpu(temperature=40),))

        def close(self):
            pass

    wire.cuts = 1
    with Coordinator(HOLD, Fixed(), options=CoordinatorOptions(poll_interval=3600)) as node:
        governor = Governor(node)
        with S3(governor, client_of(wire.port), options=OPTIONS) as s3:
            s3.download("bucket", "faults.tar", tmp_path / "f", transfer=Transfer(id="t"))
        assert node.collect().faults == governor.status().faults
        assert node.collect().faults["part_retried"] >= 1
        governor.stop()
