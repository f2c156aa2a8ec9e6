"""Downloads, uploads and open files against a real S3 server."""

import threading
import time
from contextlib import contextmanager

import pytest

from gpurules.clients import S3, ObjectChanged, PartOptions, StagingArea, StagingFull, StoreError, TransientStoreError
from gpurules.engine import Engine
from gpurules.governor import Governor, Limits, TransferCancelled, TransferState
from gpurules.model import Snapshot, Transfer
from gpurules.rules import Ruleset
from tests.factories import gpu, ruleset
from tests.integration.clients.conftest import content, digest
from tests.waiting import wait_until

MIB = 1024**2
NOTHING = ruleset("  - {name: never, condition: gpu_temperature > 200, action: log}")
STAGE = "  - {{name: big, condition: 'true', action: stage_transfer, parameters: {{staging_threshold: 1MB, {}}}}}"
OPTIONS = PartOptions(piece_size=MIB, parts_ahead=4, backoff_seconds=0.01)


def governor(rules: Ruleset = NOTHING, **snapshot) -> Governor:
    engine = Engine(rules)
    engine.observe(Snapshot(timestamp=time.time(), gpus=(gpu(**snapshot),)))
    return Governor(engine, Limits(refresh_seconds=0.05))


@contextmanager
def s3(client, rules: Ruleset = NOTHING, staging: StagingArea | None = None, options: PartOptions = OPTIONS):
    with S3(governor(rules), client, options=options, staging=staging) as the:
        yield the


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if "gpurules" in path.name)


class Gets:
    """Counts the ranged reads of a client, and does something at one of them."""

    def __init__(self, client, at=-1, act=lambda: None):
        self.ranges, self.at, self.act = [], at, act
        client.meta.events.register("before-call.s3.GetObject", self)

    def __call__(self, params, **_):
        self.ranges.append(params["headers"].get("Range"))
        if len(self.ranges) == self.at:
            self.act()


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 17])
def test_what_is_downloaded_is_what_was_there(client, tmp_path, size):
    data = content(size)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    with s3(client) as the:
        facts = the.download("bucket", "k", tmp_path / "f")
    assert (facts.size, digest((tmp_path / "f").read_bytes())) == (size, digest(data))
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 5 * MIB + 1, 12 * MIB])
def test_what_is_uploaded_is_what_was_there(client, tmp_path, size):
    data = content(size)
    (tmp_path / "f").write_bytes(data)
    with s3(client) as the:
        the.upload(tmp_path / "f", "bucket", "up")
    assert digest(client.get_object(Bucket="bucket", Key="up")["Body"].read()) == digest(data)


def test_an_open_object_reads_like_a_file(client):
    data = content(5 * MIB + 17)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    with s3(client) as the, the.open("bucket", "k") as stream:
        assert stream.read(10) == data[:10]
        stream.seek(-7, 2)
        assert stream.read() == data[-7:]
        stream.seek(3 * MIB - 5)
        assert stream.read(2 * MIB) == data[3 * MIB - 5 : 5 * MIB - 5]
        stream.seek(0)
        assert digest(stream.read()) == digest(data)
    assert the.governor.status().counts.done == 1


def test_a_rule_that_reduces_prefetch_reads_less_ahead(client):
    client.put_object(Bucket="bucket", Key="k", Body=content(8 * MIB))
    rules = ruleset("  - {name: r, condition: 'true', action: reduce_prefetch, parameters: {reduction_factor: 0}}")
    gets = Gets(client)
    with s3(client, rules) as the, the.open("bucket", "k") as stream:
        stream.read(10)
        time.sleep(0.1)  # long enough for a piece that should not be read
    assert len(gets.ranges) == 1
    with s3(client) as the, the.open("bucket", "k") as stream:
        stream.read(10)
        wait_until(lambda: len(gets.ranges) == 1 + 5)
        time.sleep(0.1)  # long enough for a piece that should not be read
    assert len(gets.ranges) == 1 + 5


def test_an_object_that_is_not_there_is_an_error_and_leaves_nothing(client, tmp_path):
    with s3(client) as the, pytest.raises(StoreError):
        the.download("bucket", "gone", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_the_size_is_asked_for_where_a_rule_looks_at_it(client, tmp_path):
    client.put_object(Bucket="bucket", Key="k", Body=b"12345")
    heads = []
    client.meta.events.register("before-call.s3.HeadObject", lambda **_: heads.append(1))
    with s3(client) as the:
        the.download("bucket", "k", tmp_path / "f")
    assert heads == []
    rules = ruleset("  - {name: r, condition: transfer_size > 1MB, action: pause_transfer}")
    with s3(client, rules) as the:
        the.download("bucket", "k", tmp_path / "f")
        the.download("bucket", "k", tmp_path / "f", transfer=Transfer(size=5))
    assert heads == [1]


def test_a_download_is_held_at_its_next_part_and_released_at_once(client, tmp_path):
    data = content(6 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    hot = ruleset(
        "  - {name: hot, condition: gpu_temperature > 85, action: delay_transfer,"
        " parameters: {delay: 60s, running: pause}}"
    )
    the_governor, changes = governor(hot, temperature=40), []
    the_governor.on_change(lambda change: changes.append((change.after, change.rules)))
    engine, now = the_governor.decider.engine, time.time()

    def see(temperature, later):
        engine.observe(Snapshot(timestamp=now + later, gpus=(gpu(temperature=temperature),)))
        the_governor.refresh()

    gets = Gets(client, 2, lambda: see(95, 1))
    with S3(the_governor, client, options=PartOptions(piece_size=MIB, parts_ahead=1)) as the:
        thread = threading.Thread(target=the.download, args=("bucket", "k", tmp_path / "f"))
        thread.start()
        wait_until(lambda: any(state is TransferState.PAUSED for state, _ in changes))
        for later in range(2, 12):
            see(95, later)
        time.sleep(0.2)  # long enough for a piece that should not be read
        assert len(gets.ranges) == 2
        see(40, 20)
        thread.join(5)
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert [rules for state, rules in changes if state is TransferState.PAUSED] == [("hot",)]
    assert the_governor.status().counts.held_seconds < 5


def test_a_cancelled_download_ends_and_publishes_nothing(client, tmp_path):
    client.put_object(Bucket="bucket", Key="k", Body=content(6 * MIB))
    (tmp_path / "f").write_bytes(b"before")
    with s3(client) as the:
        Gets(client, 3, lambda: the.governor.cancel("mine"))
        with pytest.raises(TransferCancelled):
            the.download("bucket", "k", tmp_path / "f", transfer=Transfer(id="mine"))
        assert the.governor.status().slots_taken == 0
    assert (tmp_path / "f").read_bytes() == b"before"


def test_a_connection_that_is_cut_is_tried_again(client, client_of, wire, tmp_path):
    data = content(4 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    cut = client_of(wire.port)
    wire.cuts = 3
    with s3(cut) as the:
        the.download("bucket", "k", tmp_path / "f")
        with the.open("bucket", "k") as stream:
            wire.cuts = 2
            assert digest(stream.read()) == digest(data)
    assert wire.cuts == 0
    assert digest((tmp_path / "f").read_bytes()) == digest(data)


def test_retries_of_transfers_that_share_one_slot_do_not_wait_for_each_other(client, client_of, wire, tmp_path):
    data = content(6 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    wire.cuts = 6
    engine = Engine(NOTHING)
    options = PartOptions(piece_size=MIB, parts_ahead=4, attempts=20, backoff_seconds=0.001)
    with S3(Governor(engine, Limits(slots=1)), client_of(wire.port), options=options) as the:
        names = [tmp_path / f"f{n}" for n in range(4)]
        threads = [threading.Thread(target=the.download, args=("bucket", "k", name), daemon=True) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
    assert {digest(name.read_bytes()) for name in names} == {digest(data)}


def test_an_object_that_changes_on_the_way_is_an_error_and_no_mixture(client, client_of, tmp_path):
    old, new = content(4 * MIB, 1), content(4 * MIB, 2)
    client.put_object(Bucket="bucket", Key="k", Body=old)
    other = client_of(int(client.meta.endpoint_url.rpartition(":")[2]))
    Gets(client, 3, lambda: other.put_object(Bucket="bucket", Key="k", Body=new))
    with s3(client, options=PartOptions(piece_size=MIB, parts_ahead=1)) as the:
        with pytest.raises(ObjectChanged):
            the.download("bucket", "k", tmp_path / "f")
        assert not (tmp_path / "f").exists()
        the.download("bucket", "k", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(new)
    assert leftovers(tmp_path) == []


def test_an_interrupted_download_goes_on_where_it_was(client, client_of, wire, tmp_path):
    data = content(6 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    broken = client_of(wire.port)
    Gets(broken, 4, lambda: setattr(wire, "cuts", 1000))
    options = PartOptions(piece_size=MIB, parts_ahead=1, attempts=2, backoff_seconds=0.01)
    with s3(broken, options=options) as the:
        with pytest.raises(TransientStoreError):
            the.download("bucket", "k", tmp_path / "f")
        assert not (tmp_path / "f").exists()
        wire.cuts = 0
        gets = Gets(broken)
        the.download("bucket", "k", tmp_path / "f")
    assert gets.ranges == [f"bytes={n * MIB}-{(n + 1) * MIB - 1}" for n in (3, 4, 5)]
    assert digest((tmp_path / "f").read_bytes()) == digest(data)


def test_a_file_that_changes_during_its_upload_is_an_error(client, tmp_path):
    (tmp_path / "f").write_bytes(content(12 * MIB))

    def change(**_):
        with (tmp_path / "f").open("ab") as file:
            file.write(b"more")

    client.meta.events.register("before-call.s3.UploadPart", change)
    with s3(client) as the, pytest.raises(ObjectChanged):
        the.upload(tmp_path / "f", "bucket", "changing")
    uploads = client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
    assert not [upload for upload in uploads if upload["Key"] == "changing"]


def staging_rule(on_full="direct"):
    return ruleset(STAGE.format(f"on_full: {on_full}"))


def test_a_staged_object_is_fetched_once(client, tmp_path):
    data = content(3 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    gets, area = Gets(client), StagingArea(tmp_path / "area", 10 * MIB)
    with s3(client, staging_rule(), area) as the:
        states = []
        the.governor.on_change(lambda change: states.append(change.after))
        for name in ("f", "g"):
            the.download("bucket", "k", tmp_path / name)
            assert digest((tmp_path / name).read_bytes()) == digest(data)
        with the.open("bucket", "k") as stream:
            assert digest(stream.read()) == digest(data)
    assert (len(gets.ranges), area.counts.staged, area.counts.hits) == (3, 1, 2)
    assert TransferState.STAGED in states


def test_a_small_object_is_not_staged(client, tmp_path):
    client.put_object(Bucket="bucket", Key="k", Body=b"small")
    area = StagingArea(tmp_path / "area", 10 * MIB)
    with s3(client, staging_rule(), area) as the:
        the.download("bucket", "k", tmp_path / "f")
    assert (area.counts.staged, area.used) == (0, 0)


def test_room_is_made_by_what_was_used_least_recently(client, tmp_path):
    area = StagingArea(tmp_path / "area", 5 * MIB)
    for name in "abc":
        client.put_object(Bucket="bucket", Key=name, Body=content(2 * MIB, ord(name)))
    with s3(client, staging_rule(), area) as the:
        for name in ("a", "b", "a", "c"):
            the.download("bucket", name, tmp_path / name)
            time.sleep(0.02)  # the order of use is read from times of the file system
        assert (area.counts.evicted, area.used) == (1, 4 * MIB)
        the.download("bucket", "a", tmp_path / "again")
    assert area.counts.hits == 2


@pytest.mark.parametrize("on_full", ["direct", "wait", "fail"])
def test_an_area_without_room_does_as_the_rule_says(client, tmp_path, on_full):
    data = content(3 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    area = StagingArea(tmp_path / "area", 2 * MIB)
    with s3(client, staging_rule(on_full), area) as the:
        if on_full == "fail":
            with pytest.raises(StagingFull):
                the.download("bucket", "k", tmp_path / "f")
        else:
            the.download("bucket", "k", tmp_path / "f")
            assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert (area.counts.full, area.used) == (1, 0)


def test_a_disk_that_fills_while_staging_sends_the_transfer_directly(client, tmp_path, monkeypatch):
    import errno

    from gpurules.clients.pieces import resumable_file

    data = content(3 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=data)
    area, fill = StagingArea(tmp_path / "area", 10 * MIB), resumable_file.ResumableFile.fill

    def full(self, piece, chunks):
        if len(self.target.name) == 64 and piece.start:
            raise OSError(errno.ENOSPC, "no space left on device")
        return fill(self, piece, chunks)

    monkeypatch.setattr(resumable_file.ResumableFile, "fill", full)
    with s3(client, staging_rule(), area) as the:
        the.download("bucket", "k", tmp_path / "f")
    assert digest((tmp_path / "f").read_bytes()) == digest(data)
    assert the.governor.status().faults == {"staging_full": 1}
    assert (area.counts.full, area.used) == (1, 0)


def test_a_client_without_an_area_counts_what_it_cannot_do(client, tmp_path):
    client.put_object(Bucket="bucket", Key="k", Body=content(2 * MIB))
    with s3(client, staging_rule()) as the:
        the.download("bucket", "k", tmp_path / "f")
        assert the.apply({"delay": 1, "warm_cache": True}) == {"warm_cache"}
        assert the.governor.status().to_dict()["uncarried"] == {"s3": {"stage": 1, "warm_cache": 1}}
