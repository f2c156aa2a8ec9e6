"""The same against SeaweedFS, whose objects outlive its process."""

import pytest

from gpurules.clients import S3, ObjectChanged, PartOptions, TransientStoreError
from gpurules.engine import Engine
from gpurules.governor import Governor
from tests.factories import ruleset
from tests.integration.clients.conftest import content, digest

MIB = 1024**2
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=1, attempts=2, backoff_seconds=0.01)
pytestmark = pytest.mark.slow


@pytest.fixture
def client(seaweedfs, client_of):
    the = client_of(seaweedfs.port)
    seaweedfs.ready("bucket")
    return the


@pytest.fixture
def s3(client):
    engine = Engine(ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}"))
    with S3(Governor(engine), client, options=OPTIONS) as the:
        yield the


@pytest.mark.parametrize("size", [0, 1, MIB, 12 * MIB + 5])
def test_there_and_back_is_the_same(s3, tmp_path, size):
    data = content(size)
    (tmp_path / "f").write_bytes(data)
    s3.upload(tmp_path / "f", "bucket", f"k{size}")
    s3.download("bucket", f"k{size}", tmp_path / "g")
    assert digest((tmp_path / "g").read_bytes()) == digest(data)
    with s3.open("bucket", f"k{size}") as stream:
        assert digest(stream.read()) == digest(data)


def test_an_object_that_changes_on_the_way_is_no_mixture(s3, client, client_of, seaweedfs, tmp_path):
    client.put_object(Bucket="bucket", Key="changing", Body=content(4 * MIB, 1))
    other, reads = client_of(seaweedfs.port), []

    def note(**_):
        reads.append(1)
        if len(reads) == 3:
            other.put_object(Bucket="bucket", Key="changing", Body=content(4 * MIB, 2))

    client.meta.events.register("before-call.s3.GetObject", note)
    with pytest.raises(ObjectChanged):
        s3.download("bucket", "changing", tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_server_that_is_killed_and_comes_back_is_gone_on_with(s3, client, seaweedfs, tmp_path):
    data, reads = content(8 * MIB), []
    client.put_object(Bucket="bucket", Key="k", Body=data)

    def note(**_):
        reads.append(1)
        if len(reads) == 5:
            seaweedfs.kill()

    client.meta.events.register("before-call.s3.GetObject", note)
    with pytest.raises(TransientStoreError):
        s3.download("bucket", "k", tmp_path / "f")
    assert s3.governor.status().faults["part_retried"] >= 1
    seaweedfs.start()
    seaweedfs.ready("bucket")
    before = len(reads)
    s3.download("bucket", "k", tmp_path / "f")
    assert len(reads) - before == 4
    assert s3.governor.status().faults["transfer_resumed"] == 1
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
