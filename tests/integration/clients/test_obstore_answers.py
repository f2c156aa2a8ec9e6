"""Servers whose answers are wrong, by way of obstore: nothing of them is published as the object."""

import pytest

from gpurules.clients import Obstore, PartOptions, StoreError
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.rules import loads
from tests.integration.clients.hostile import Answer, Hostile, serving
from tests.integration.clients.test_s3_answers import DATA, PIECE, WRONG, whole

pytest.importorskip("obstore")
OPTIONS = PartOptions(piece_size=PIECE, parts_ahead=2, attempts=3, backoff_seconds=0.01)


@pytest.fixture
def hostile():
    with serving(Hostile(DATA)) as the:
        yield the


@pytest.fixture
def client_for(hostile):
    from obstore.store import S3Store

    made = []

    def make(**options):
        store = S3Store(
            "bucket",
            endpoint=f"http://127.0.0.1:{hostile.port}",
            access_key_id="test",
            secret_access_key="test",
            region="us-east-1",
            client_options={"allow_http": True},
            retry_config={"max_retries": 1},
        )
        governor = Governor(Engine(loads("version: 1\nname: none\nrules: []")))
        made.append(Obstore(governor, store, options=PartOptions(**{**OPTIONS_OF, **options})))
        return made[-1]

    yield make
    for the in made:
        the.close()


OPTIONS_OF = {"piece_size": PIECE, "parts_ahead": 2, "attempts": 3, "backoff_seconds": 0.01}
DEGRADED = ("no tag", "an empty tag")


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind not in DEGRADED])
def test_an_answer_that_is_wrong_is_an_error_and_publishes_nothing(client_for, hostile, tmp_path, kind):
    (tmp_path / "f").write_bytes(b"old")
    hostile.change = WRONG[kind]
    with pytest.raises(StoreError, match="/bucket/k"):
        client_for().download("k", tmp_path / "f")
    assert len(hostile.gets()) <= OPTIONS.attempts
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("kind", DEGRADED)
def test_without_a_tag_the_time_of_the_last_change_does(client_for, hostile, tmp_path, kind):
    hostile.headers["Last-Modified"] = "Mon, 30 Nov 2026 10:00:00 GMT"
    hostile.change = WRONG[kind]
    facts = client_for().download("k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert facts.etag.startswith("modified:")


def test_a_server_that_ignores_ranges_is_read_by_one_request(client_for, hostile, tmp_path):
    hostile.change = whole
    the = client_for(verify="require")
    the.download("k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(hostile.gets()) <= 3
    assert the.governor.status().faults == {}


def test_a_small_object_of_a_server_that_ignores_ranges_arrives(client_for, hostile, tmp_path):
    hostile.change = whole
    client_for(piece_size=2 * len(DATA)).download("k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_tag_that_matches_verifies_and_another_proves_nothing(client_for, hostile, tmp_path):
    the = client_for()
    the.download("k", tmp_path / "f")
    assert the.governor.status().faults == {}
    hostile.headers["ETag"] = f'"{"0" * 32}"'
    the.download("k", tmp_path / "f")
    assert the.governor.status().faults == {"checksum_unverified": 1}
    with pytest.raises(StoreError, match="does not match MD5"):
        client_for(verify="require").download("k", tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_a_bit_that_is_flipped_is_found_where_a_checksum_is_required(client_for, hostile, tmp_path):
    def flipped(answer: Answer, asked) -> Answer:
        return answer._replace(body=bytes([answer.body[0] ^ 1]) + answer.body[1:])

    hostile.change = flipped
    with pytest.raises(StoreError, match="does not match MD5"):
        client_for(verify="require").download("k", tmp_path / "f")
    assert not (tmp_path / "f").exists()
