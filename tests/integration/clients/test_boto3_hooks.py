"""boto3 clients and TransferManagers as users have them, under rules."""

import logging
import threading
import time
from types import SimpleNamespace

import pytest

from gpurules import Snapshot, Transfer
from gpurules.clients import S3, Boto3, PartOptions
from gpurules.engine import Coordinator, CoordinatorOptions, Engine
from gpurules.errors import UnavailableError
from gpurules.governor import Governor, Limits, TransferState
from tests.factories import gpu, ruleset
from tests.integration.clients.conftest import content, digest
from tests.waiting import wait_until

MIB = 1024**2
RULES = """
  - {name: hot, condition: gpu_temperature > 85 AND file_type == 'dataset', action: delay_transfer,
     parameters: {delay: 60s, running: pause}}
  - {name: models, condition: file_type == 'model', action: increase_priority, parameters: {priority_boost: 50}}
"""


class Thermometer:
    name = "thermometer"

    def __init__(self):
        self.temperature, self.time = 40.0, time.time()

    def read(self):
        self.time += 1
        return Snapshot(timestamp=self.time, gpus=(gpu(temperature=self.temperature),))

    def close(self):
        pass


@pytest.fixture
def node():
    the = SimpleNamespace(source=Thermometer(), changes=[])
    with Coordinator(ruleset(RULES), the.source, options=CoordinatorOptions(poll_interval=3600)) as the.coordinator:
        the.governor = Governor(the.coordinator, Limits(slots=1))
        the.governor.on_change(lambda change: the.changes.append((change.transfer.path, change.after)))

        def heat(temperature):
            the.source.temperature = temperature
            the.coordinator.poll()

        the.heat = heat
        yield the
        the.governor.stop()


@pytest.fixture
def objects(client):
    names = {name: content(12 * MIB + 5, seed) for seed, name in enumerate(("data.tar", "more.tar", "model.pt"))}
    for name, data in names.items():
        client.put_object(Bucket="bucket", Key=name, Body=data)
    return names


def states(node):
    return {shown.path: shown.state for shown in node.governor.status().transfers}


def config(**options):
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=2, **options)


# a manager


def test_transfers_of_a_manager_are_what_they_would_be_without(node, client, objects, tmp_path):
    (tmp_path / "up").write_bytes(objects["data.tar"])
    with Boto3(node.governor).manager(client, config()) as manager:
        futures = [manager.download("bucket", name, str(tmp_path / name)) for name in objects]
        futures.append(manager.upload(str(tmp_path / "up"), "bucket", "up"))
        for future in futures:
            future.result()
    for name, data in objects.items():
        assert digest((tmp_path / name).read_bytes()) == digest(data)
    assert digest(client.get_object(Bucket="bucket", Key="up")["Body"].read()) == digest(objects["data.tar"])
    counts = node.governor.status().counts
    assert (counts.done, counts.failed, node.governor.status().slots_taken) == (4, 0, 0)
    assert counts.bytes_moved == 4 * (12 * MIB + 5)


def test_boto3s_own_functions_go_by_a_manager_too(node, client, objects, tmp_path):
    from boto3.s3.transfer import S3Transfer

    with Boto3(node.governor).manager(client, config()) as manager, S3Transfer(manager=manager) as transfer:
        transfer.download_file("bucket", "data.tar", str(tmp_path / "f"))
    assert digest((tmp_path / "f").read_bytes()) == digest(objects["data.tar"])
    assert node.governor.status().counts.done == 1


def test_a_held_download_takes_no_thread_and_a_model_passes_it(node, client, objects, tmp_path):
    node.heat(95)
    with Boto3(node.governor).manager(client, config()) as manager:
        held = [manager.download("bucket", name, str(tmp_path / name)) for name in ("data.tar", "more.tar")]
        wait_until(lambda: list(states(node).values()) == [TransferState.HELD, TransferState.HELD])
        manager.download("bucket", "model.pt", str(tmp_path / "model.pt")).result()
        assert not any(future.done() for future in held)
        node.heat(40)
        for future in held:
            future.result()
    for name, data in objects.items():
        assert digest((tmp_path / name).read_bytes()) == digest(data)


def test_held_uploads_do_not_keep_others_from_ending(node, client, objects, tmp_path):
    for name in ("data.tar", "more.tar", "third.tar"):
        (tmp_path / name).write_bytes(objects["data.tar"])
    (tmp_path / "model.pt").write_bytes(objects["model.pt"])
    node.heat(95)
    with Boto3(node.governor).manager(client, config()) as manager:
        held = [
            manager.upload(str(tmp_path / name), "bucket", f"up/{name}")
            for name in ("data.tar", "more.tar", "third.tar")
        ]
        wait_until(lambda: list(states(node).values()) == [TransferState.HELD] * 3)
        manager.upload(str(tmp_path / "model.pt"), "bucket", "up/model.pt").result()
        node.heat(40)
        for future in held:
            future.result()
    assert digest(client.get_object(Bucket="bucket", Key="up/third.tar")["Body"].read()) == digest(objects["data.tar"])


def test_a_running_download_pauses_at_its_next_part(node, client, objects, tmp_path):
    with Boto3(node.governor).manager(client, config()) as manager:
        heated = threading.Event()

        def heat(params, **_):
            if not heated.is_set():
                heated.set()
                node.heat(95)

        client.meta.events.register("before-call.s3.GetObject", heat)
        future = manager.download("bucket", "data.tar", str(tmp_path / "f"))
        wait_until(lambda: TransferState.PAUSED in states(node).values() and node.governor.status().slots_taken == 0)
        assert not future.done()
        node.heat(40)
        future.result()
    assert digest((tmp_path / "f").read_bytes()) == digest(objects["data.tar"])
    assert node.governor.status().counts.pauses == 1


def test_cancelling_reaches_from_the_governor_to_the_future_and_back(node, client, objects, tmp_path):
    from s3transfer.exceptions import CancelledError

    node.heat(95)
    with Boto3(node.governor).manager(client, config()) as manager:
        futures = [manager.download("bucket", name, str(tmp_path / name)) for name in ("data.tar", "more.tar")]
        wait_until(lambda: list(states(node).values()) == [TransferState.HELD, TransferState.HELD])
        assert node.governor.cancel(node.governor.status().transfers[0].id)
        with pytest.raises(CancelledError):
            futures[0].result()
        futures[1].cancel()
        node.heat(40)
        with pytest.raises(CancelledError):
            futures[1].result()
    wait_until(lambda: node.governor.status().transfers == ())
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_subscriber_alone_holds_and_paces_in_the_managers_threads(node, client, objects, tmp_path):
    from s3transfer.manager import TransferManager

    transfers = Boto3(node.governor).transfers()
    node.heat(95)
    with TransferManager(client, config()) as manager:
        subscriber = transfers.subscriber(Transfer(id="mine"), "read")
        future = manager.download("bucket", "data.tar", str(tmp_path / "f"), subscribers=[subscriber])
        wait_until(lambda: TransferState.HELD in states(node).values())
        assert not future.done()
        node.heat(40)
        future.result()
    assert digest((tmp_path / "f").read_bytes()) == digest(objects["data.tar"])
    assert node.governor.status().counts.bytes_moved == 12 * MIB + 5


# calls


def test_each_call_of_an_attached_client_waits(node, client, objects):
    hooks, bodies = Boto3(node.governor), []
    hooks.attach(client)
    hooks.attach(client)
    node.heat(95)
    thread = threading.Thread(
        target=lambda: bodies.append(client.get_object(Bucket="bucket", Key="data.tar")["Body"].read())
    )
    thread.start()
    wait_until(lambda: states(node) == {"s3://bucket/data.tar": TransferState.HELD})
    client.put_object(Bucket="bucket", Key="small.pt", Body=b"weights")
    client.list_objects_v2(Bucket="bucket")
    assert bodies == []
    node.heat(40)
    thread.join(20)
    assert digest(bodies[0]) == digest(objects["data.tar"])
    assert node.governor.status().counts.done == 2
    hooks.restore()
    client.get_object(Bucket="bucket", Key="small.pt")["Body"].read()
    assert node.governor.status().counts.done == 2


def test_a_call_that_is_refused_gives_its_slot_back(node, client):
    Boto3(node.governor).attach(client)
    with pytest.raises(client.exceptions.NoSuchKey):
        client.get_object(Bucket="bucket", Key="nothing.tar")
    assert (node.governor.status().counts.failed, node.governor.status().slots_taken) == (1, 0)


def test_the_part_loop_on_an_attached_client_takes_one_slot_a_part(node, client, objects, tmp_path):
    Boto3(node.governor).attach(client)
    with S3(node.governor, client, options=PartOptions(piece_size=4 * MIB)) as s3:
        s3.download("bucket", "data.tar", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(objects["data.tar"])
    assert node.governor.status().counts.submitted == 1


def test_what_a_client_cannot_carry_out_is_counted(client):
    rules = """
  - {name: stage, condition: gpu_temperature > 0, action: stage_transfer, parameters: {staging_threshold: 0}}
  - {name: less, condition: gpu_temperature > 0, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
"""
    engine = Engine(ruleset(rules))
    engine.observe(Snapshot(timestamp=time.time(), gpus=(gpu(temperature=50),)))
    governor = Governor(engine)
    hooks = Boto3(governor)
    hooks.attach(client)
    client.put_object(Bucket="bucket", Key="data.tar", Body=b"x")
    assert governor.status().uncarried == {"boto3": {"stage": 1, "prefetch_factor": 1}}
    assert hooks.apply({"stage": True, "delay": 3}) == {"stage"}
    assert governor.status().uncarried["boto3"]["stage"] == 2


# the CRT client


def test_the_crt_client_is_refused_with_advice(node, client):
    with pytest.raises(UnavailableError, match="preferred_transfer_client='classic'"):
        Boto3(node.governor).manager(client, config(preferred_transfer_client="crt"))


def test_the_crt_client_is_warned_of_once(node, client, caplog):
    hooks = Boto3(node.governor)
    with caplog.at_level(logging.WARNING, "gpurules.clients"):
        chosen = [hooks.classic(config(preferred_transfer_client="crt")) for _ in range(2)]
    assert [one.preferred_transfer_client for one in chosen] == ["classic", "classic"]
    assert len(caplog.records) == 1


def test_transfers_of_a_crt_manager_are_counted_as_not_carried_out(node):
    future_type = type("CRTTransferFuture", (), {"__module__": "s3transfer.crt"})
    future = future_type()
    future.meta = SimpleNamespace(transfer_id=1, call_args=SimpleNamespace(bucket="b", key="model.pt", fileobj="/x"))
    subscriber = Boto3(node.governor).transfers().subscriber(operation="read")
    subscriber.on_queued(future)
    subscriber.on_progress(future, bytes_transferred=5)
    subscriber.on_done(future)
    assert node.governor.status().uncarried == {"boto3": {"priority_boost": 1}}
    assert node.governor.status().transfers == ()


def test_the_real_crt_client_is_distinguished_from_the_classic_one(node, caplog, monkeypatch):
    s3 = pytest.importorskip("awscrt.s3")
    from boto3.s3.transfer import TransferConfig

    hooks = Boto3(node.governor)
    with caplog.at_level(logging.WARNING, "gpurules.clients"):
        monkeypatch.setattr(s3, "is_optimized_for_system", lambda: False)
        assert hooks.classic(TransferConfig()).preferred_transfer_client == "classic"
        assert caplog.records == [], "boto3 would not have chosen it here"
        monkeypatch.setattr(s3, "is_optimized_for_system", lambda: True)  # as on the large GPU instances of EC2
        assert hooks.classic(TransferConfig()).preferred_transfer_client == "classic"
        assert len(caplog.records) == 1


def test_what_the_real_crt_client_moves_is_counted_as_not_carried_out(node, server, objects, tmp_path):
    pytest.importorskip("awscrt.s3")
    from awscrt.auth import AwsCredentialsProvider
    from botocore.session import get_session
    from s3transfer.crt import BotocoreCRTRequestSerializer, CRTTransferManager, create_s3_crt_client

    session = get_session()
    session.set_credentials("test", "test")
    serializer = BotocoreCRTRequestSerializer(
        session, {"region_name": "us-east-1", "endpoint_url": server.endpoint, "use_ssl": False}
    )
    keys = AwsCredentialsProvider.new_static("test", "test")
    real = create_s3_crt_client("us-east-1", crt_credentials_provider=keys, use_ssl=False)
    subscriber = Boto3(node.governor).transfers().subscriber(operation="read")
    path = tmp_path / "model.pt"
    with CRTTransferManager(real, serializer) as manager:
        manager.download("bucket", "model.pt", str(path), subscribers=[subscriber]).result()
    assert digest(path.read_bytes()) == digest(objects["model.pt"])
    assert node.governor.status().uncarried == {"boto3": {"priority_boost": 1}}
    assert node.governor.status().transfers == ()
