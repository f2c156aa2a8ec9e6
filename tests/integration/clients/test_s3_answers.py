"""Servers whose answers are wrong: nothing of them is published as the object, and none is asked many times."""

import gc
import warnings
from random import Random

import pytest

from gpurules.clients import S3, ObjectChanged, PartOptions, StoreError, TransientStoreError
from gpurules.engine import Engine
from gpurules.governor import Governor
from gpurules.rules import loads
from tests.integration.clients.hostile import Answer, Hostile, serving

PIECE = 64 * 1024
DATA = Random(3).randbytes(5 * PIECE + 17)
OPTIONS = PartOptions(piece_size=PIECE, parts_ahead=2, attempts=4, backoff_seconds=0.01)


@pytest.fixture
def hostile():
    with serving(Hostile(DATA)) as the:
        yield the


@pytest.fixture
def s3(hostile, client_of):
    rules = loads("version: 1\nname: none\nrules: []")
    with S3(Governor(Engine(rules)), client_of(hostile.port), options=OPTIONS) as the:
        yield the
    with warnings.catch_warnings(action="ignore"):  # botocore leaves an answer that it cannot parse to be collected
        gc.collect()


def without(name):
    def change(answer: Answer, *_) -> Answer:
        return answer._replace(headers={key: value for key, value in answer.headers.items() if key != name})

    return change


def saying(name, value):
    def change(answer: Answer, *_) -> Answer:
        return answer._replace(headers={**answer.headers, name: value})

    return change


def whole(answer: Answer, *_) -> Answer:
    """The whole object, as a server without ranges sends it."""
    headers = {key: value for key, value in answer.headers.items() if key != "Content-Range"}
    return Answer(200, headers, DATA, str(len(DATA)))


def test_a_server_in_order_is_read_by_ranges(s3, hostile, tmp_path):
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(hostile.gets()) == 6


def test_a_server_that_ignores_ranges_is_read_by_one_request(s3, hostile, tmp_path):
    hostile.change = whole
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(hostile.gets()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_server_that_begins_to_ignore_ranges_is_read_by_one_request(s3, hostile, tmp_path):
    hostile.change = lambda answer, asked: whole(answer) if asked[0] >= 2 * PIECE else answer
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(hostile.gets()) <= 8


def test_a_small_object_without_ranges_takes_one_request(s3, hostile, tmp_path):
    hostile.data, hostile.headers = b"small", {"ETag": '"tag"'}
    hostile.change = lambda answer, _: Answer(200, hostile.headers, b"small", "5")
    s3.download("bucket", "k", tmp_path / "f")
    assert ((tmp_path / "f").read_bytes(), len(hostile.gets())) == (b"small", 1)


def test_a_stream_that_breaks_is_begun_again_and_no_more_often_than_the_options_say(s3, hostile, tmp_path):
    hostile.change = lambda answer, _: whole(answer)._replace(body=DATA[: 2 * PIECE])
    with pytest.raises(TransientStoreError):
        s3.download("bucket", "k", tmp_path / "f")
    assert len(hostile.gets()) == 1 + OPTIONS.attempts
    assert not (tmp_path / "f").exists()


WRONG = {
    "a range without a total": saying("Content-Range", f"bytes 0-{PIECE - 1}/*"),
    "another start": saying("Content-Range", f"bytes 1-{PIECE}/{len(DATA)}"),
    "another end": saying("Content-Range", f"bytes 0-{PIECE}/{len(DATA)}"),
    "a shorter range": saying("Content-Range", f"bytes 0-{PIECE - 2}/{len(DATA)}"),
    "a total before the end": saying("Content-Range", f"bytes 0-{PIECE - 1}/7"),
    "no numbers": saying("Content-Range", "bytes a-b/c"),
    "other digits": saying("Content-Range", "bytes 0-65535/\u00b2".encode().decode("latin-1")),
    "very many digits": saying("Content-Range", "bytes 0-65535/" + "9" * 5_000),
    "another unit": saying("Content-Range", f"lines 0-{PIECE - 1}/{len(DATA)}"),
    "an unsatisfied range": saying("Content-Range", f"bytes */{len(DATA)}"),
    "206 without a range": without("Content-Range"),
    "no tag": without("ETag"),
    "an empty tag": saying("ETag", ""),
    "no length and no range": lambda answer, _: whole(answer)._replace(length=None),
    "a length that is not a number": lambda answer, _: whole(answer)._replace(length="many"),
    "a negative length": lambda answer, _: whole(answer)._replace(length="-5"),
}


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind != "a range without a total"])
def test_an_answer_that_is_wrong_is_an_error_at_once_and_publishes_nothing(s3, hostile, tmp_path, kind):
    (tmp_path / "f").write_bytes(b"old")
    hostile.change = WRONG[kind]
    with pytest.raises(StoreError) as caught:
        s3.download("bucket", "k", tmp_path / "f")
    assert "/bucket/k" in str(caught.value)
    assert len(hostile.gets()) <= OPTIONS.attempts
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_range_without_a_total_has_the_size_asked_for(s3, hostile, tmp_path):
    def change(answer: Answer, asked) -> Answer:
        said = answer.headers["Content-Range"].rpartition("/")[0]
        return answer._replace(headers={**answer.headers, "Content-Range": f"{said}/*"})

    hostile.change = change
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize("kind", [kind for kind in WRONG if not kind.startswith(("a range", "no length"))])
def test_a_later_answer_that_is_wrong_publishes_nothing(s3, hostile, tmp_path, kind):
    hostile.change = lambda answer, asked: WRONG[kind](answer, asked) if asked[0] == 3 * PIECE else answer
    with pytest.raises(StoreError):
        s3.download("bucket", "k", tmp_path / "f")
    assert not (tmp_path / "f").exists()
    hostile.change = lambda answer, asked: answer
    s3.download("bucket", "k", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA
    assert s3.governor.status().faults["transfer_resumed"] == 1


@pytest.mark.parametrize("body", [b"", b"x", DATA[: PIECE - 1], DATA[: PIECE + 1]], ids=["none", "one", "less", "more"])
def test_a_body_of_another_length_is_tried_again_and_publishes_nothing(s3, hostile, tmp_path, body):
    hostile.change = lambda answer, _: answer._replace(body=body, length=None)
    with pytest.raises(StoreError):
        s3.download("bucket", "k", tmp_path / "f")
    assert len(hostile.gets()) <= 2 * OPTIONS.attempts + 1
    assert list(tmp_path.iterdir()) == []


def test_a_total_that_changes_is_another_object(s3, hostile, tmp_path):
    def change(answer: Answer, asked) -> Answer:
        total = len(DATA) + (asked[0] > 0) * PIECE
        return saying("Content-Range", f"bytes {asked[0]}-{min(asked[1], total - 1)}/{total}")(answer)

    hostile.data = DATA[: 5 * PIECE]
    hostile.change = change
    with pytest.raises((ObjectChanged, StoreError)):
        s3.download("bucket", "k", tmp_path / "f")
    assert list(tmp_path.glob("f")) == []


def test_a_size_past_reason_takes_no_memory(s3, hostile, tmp_path):
    hostile.change = lambda answer, asked: saying("Content-Range", f"bytes {asked[0]}-{asked[1]}/{10**17}")(answer)
    with pytest.raises((StoreError, OSError)):
        s3.download("bucket", "k", tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    "change", [without("ETag"), lambda answer, _: answer._replace(length=None)], ids=["tag", "size"]
)
def test_an_open_object_of_which_the_store_does_not_say_what_it_is_is_an_error(s3, hostile, change):
    hostile.of_head = change
    with pytest.raises(StoreError, match="the store returns no"):
        s3.open("bucket", "k")


def test_an_open_object_of_a_server_without_ranges_is_an_error_that_says_so(s3, hostile):
    hostile.change = whole
    with (
        s3.open("bucket", "k") as stream,
        pytest.raises(StoreError, match="whole object instead of the requested range"),
    ):
        stream.read()
    assert len(hostile.gets()) <= 16
