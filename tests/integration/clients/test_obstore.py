"""The part loop over stores of obstore: in memory, in a folder, and S3 of a real server."""

import json
import time

import pytest

from gpurules import Snapshot, Transfer
from gpurules.clients import ObjectChanged, Obstore, PartOptions, StagingArea, StoreError
from gpurules.engine import Engine
from gpurules.governor import Governor, Limits, TransferCancelled
from tests.factories import ruleset
from tests.integration.clients.azurite import ACCOUNT, KEY
from tests.integration.clients.conftest import content, digest

obstore = pytest.importorskip("obstore")
MIB = 1024**2
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=2, attempts=2, backoff_seconds=0.01)
NOTHING = ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}")
STAGE = ruleset("  - {name: all, condition: TRUE, action: stage_transfer, parameters: {staging_threshold: 1MiB}}")


def s3_store(server, **options):
    from obstore.store import S3Store

    return S3Store(
        "bucket",
        endpoint=server.endpoint,
        access_key_id="test",
        secret_access_key="test",
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 1},
        **options,
    )


def gcs_store(server, **options):
    """A store of Google's kind, which speaks to its XML interface; SeaweedFS takes it for its own."""
    from obstore.store import GCSStore

    account = {"gcs_base_url": server.endpoint, "disable_oauth": True}
    account |= {"client_email": "", "private_key": "", "private_key_id": ""}
    return GCSStore(
        "bucket",
        service_account_key=json.dumps(account),
        client_options={"allow_http": True},
        retry_config={"max_retries": 1},
        **options,
    )


def azure_store(server, **options):
    from obstore.store import AzureStore

    return AzureStore(
        "bucket",
        account_name=ACCOUNT,
        account_key=KEY,
        endpoint=server.endpoint,
        client_options={"allow_http": True},
        retry_config={"max_retries": 1},
        **options,
    )


@pytest.fixture(params=["memory", "folder", "s3", "gcs", "azure"])
def store(request, tmp_path_factory):
    from obstore.store import LocalStore, MemoryStore

    match request.param:
        case "memory":
            return MemoryStore()
        case "folder":
            return LocalStore(tmp_path_factory.mktemp("store"))
        case "gcs":
            server = request.getfixturevalue("seaweedfs")
            server.ready("bucket")
            return gcs_store(server, prefix=request.node.name)
        case "azure":
            return azure_store(request.getfixturevalue("azurite"), prefix=request.node.name)
        case _:
            request.getfixturevalue("client")  # which makes the bucket
            return s3_store(request.getfixturevalue("server"), prefix=request.node.name)


def client_for(store, rules=NOTHING, limits=None, **options):
    engine = Engine(rules)
    engine.observe(Snapshot(timestamp=time.time()))
    return Obstore(Governor(engine, limits), store, options=OPTIONS, **options)


@pytest.mark.parametrize("size", [0, 1, MIB, 11 * MIB + 3])
def test_there_and_back_is_the_same(store, tmp_path, size):
    data = content(size)
    (tmp_path / "up").write_bytes(data)
    with client_for(store) as the:
        tag = the.upload(tmp_path / "up", "a/b")
        facts = the.download("a/b", tmp_path / "down")
        assert (facts.size, facts.etag) == (size, tag)
        with the.open("a/b") as stream:
            assert digest(stream.read()) == digest(data)
    assert digest((tmp_path / "down").read_bytes()) == digest(data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["down", "up"]
    assert the.governor.status().slots_taken == 0


def test_an_object_that_is_not_there_is_an_error_and_leaves_nothing(store, tmp_path):
    with client_for(store) as the, pytest.raises(StoreError, match="not found"):
        the.download("nope", tmp_path / "down")
    assert list(tmp_path.iterdir()) == []


class Meddling:
    """Does something at the third part that the governor admits."""

    def __init__(self, the, act):
        self.parts, self.act = 0, act
        the.governor.on_change(lambda _: None)
        loop = the._transfers.loop
        submit = loop._submit

        def count(part, piece, move):
            self.parts += 1
            if self.parts == 3:
                self.act()
            return submit(part, piece, move)

        loop._submit = count
        loop.telling = lambda progress: loop


def test_an_object_that_changes_on_the_way_is_no_mixture(store, tmp_path):
    obstore.put(store, "k", content(6 * MIB))
    with client_for(store) as the:
        Meddling(the, lambda: obstore.put(store, "k", content(6 * MIB, seed=1)))
        with pytest.raises(ObjectChanged):
            the.download("k", tmp_path / "down")
        assert list(tmp_path.glob("down")) == []
        assert the.governor.status().faults == {"object_changed": 1}


def test_an_interrupted_download_goes_on_where_it_was(store, tmp_path):
    data = content(6 * MIB)
    obstore.put(store, "k", data)
    with client_for(store) as the:
        Meddling(the, lambda: the.governor.cancel("t"))
        with pytest.raises(TransferCancelled):
            the.download("k", tmp_path / "down", transfer=Transfer(id="t"))
        before = the.governor.status().counts.bytes_moved
        assert MIB <= before < 6 * MIB
        the.download("k", tmp_path / "down")
        assert the.governor.status().counts.bytes_moved - before < 6 * MIB
        assert the.governor.status().faults["transfer_resumed"] == 1
    assert digest((tmp_path / "down").read_bytes()) == digest(data)


def test_a_cancelled_upload_publishes_nothing_and_frees_its_slot(store, tmp_path):
    (tmp_path / "up").write_bytes(content(20 * MIB))
    with client_for(store, limits=Limits(slots=1)) as the:
        seen = []

        def cancel(change):
            seen.append(change)
            if change.after == "running":
                the.governor.cancel("t")

        the.governor.on_change(cancel)
        with pytest.raises(TransferCancelled):
            the.upload(tmp_path / "up", "k", transfer=Transfer(id="t"))
        assert the.governor.status().slots_taken == 0
    with pytest.raises(FileNotFoundError):
        obstore.head(store, "k")


def test_a_file_that_changes_during_its_upload_is_an_error_and_no_object(store, tmp_path):
    path = tmp_path / "up"
    path.write_bytes(content(20 * MIB))
    with client_for(store) as the:
        the.governor.on_change(lambda change: change.after == "running" and path.write_bytes(content(20 * MIB, seed=2)))
        with pytest.raises(ObjectChanged):
            the.upload(path, "k")
    with pytest.raises(FileNotFoundError):
        obstore.head(store, "k")


def test_a_rule_stages_an_object_once(store, tmp_path):
    data = content(3 * MIB)
    obstore.put(store, "k", data)
    area = StagingArea(tmp_path / "stage", quota=10 * MIB)
    with client_for(store, STAGE, staging=area) as the:
        for name in ("one", "two"):
            the.download("k", tmp_path / name)
            assert digest((tmp_path / name).read_bytes()) == digest(data)
    assert (area.counts.staged, area.counts.hits) == (1, 1)


def test_detectors_give_rules_the_type_of_an_uploaded_file(tmp_path):
    from obstore.store import MemoryStore

    (tmp_path / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "part-0").write_bytes(b"weights")
    rules = ruleset("  - {name: hub, condition: \"framework == 'huggingface'\", action: pause_transfer}")
    with client_for(MemoryStore(), rules) as the:
        seen = []

        def take_down(change):
            if change.after == "held":
                seen.extend(change.rules)
                the.governor.cancel(change.transfer.id)

        the.governor.on_change(take_down)
        with pytest.raises(TransferCancelled):
            the.upload(tmp_path / "part-0", "part-0")
    assert seen == ["hub"]


def test_a_store_that_is_gone_is_tried_again_and_counted(server, client, tmp_path):
    from examples.servers import Moto

    with Moto() as gone:
        store = s3_store(gone)
    with client_for(store) as the:
        with pytest.raises(StoreError):
            the.download("k", tmp_path / "down")
        assert the.governor.status().faults == {"part_retried": 1}


def test_an_abandoned_upload_leaves_no_parts_in_the_store(server, client, tmp_path):
    (tmp_path / "up").write_bytes(content(20 * MIB))
    with client_for(s3_store(server)) as the:
        the.governor.on_change(lambda change: change.after == "running" and the.governor.cancel("t"))
        with pytest.raises(TransferCancelled):
            the.upload(tmp_path / "up", "abandoned", transfer=Transfer(id="t"))
    found = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    assert [upload for upload in found if upload["Key"] == "abandoned"] == []


def test_the_url_of_a_store_is_unique_and_has_no_keys():
    from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

    from gpurules.clients.obstore.objects import root

    assert root(S3Store("b", prefix="p", secret_access_key="secret", access_key_id="x", region="r")) == "s3://b/p/"
    assert root(GCSStore("b", skip_signature=True)) == "gs://b/"
    assert root(AzureStore("c", account_name="a", skip_signature=True)) == "az://a/c/"
    assert root(LocalStore("/tmp")) == "file:///tmp/"


def test_objects_in_the_memory_of_another_process_or_of_a_store_that_is_gone_are_other_objects():
    import os
    import subprocess
    import sys

    from obstore.store import MemoryStore

    from gpurules.clients.obstore.objects import root

    seen = set()
    for _ in range(50):
        store = MemoryStore()  # at the address of the one before, as often as not
        assert root(store) == root(store)
        seen.add(root(store))
        del store
    assert len(seen) == 50
    script = (
        "import obstore.store as s; from gpurules.clients.obstore import objects as o; print(o.root(s.MemoryStore()))"
    )
    said = [subprocess.check_output([sys.executable, "-c", script], env=dict(os.environ), timeout=60) for _ in range(2)]
    assert said[0] != said[1]
