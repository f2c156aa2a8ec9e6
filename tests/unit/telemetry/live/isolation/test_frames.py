"""The language of the sampler and its parent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.telemetry.live.isolation.frames import MAX_FRAME, FrameError, Frames, frame

MESSAGES = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=3), max_size=5)


@given(MESSAGES, st.integers(1, 50))
def test_messages_arrive_whole_however_they_are_cut(messages, size):
    data = b"".join(map(frame, messages))
    frames = Frames()
    arrived = [message for at in range(0, len(data), size) for message in frames.feed(data[at : at + size])]
    assert arrived == messages


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(FrameError):
        list(Frames().feed(len(body).to_bytes(4, "big") + body))


def test_a_frame_without_end_is_refused_at_once():
    with pytest.raises(FrameError, match="bytes"):
        list(Frames().feed((MAX_FRAME + 1).to_bytes(4, "big")))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_are_sent_as_missing(number):
    assert json.loads(frame({"power": number})[4:]) == {"power": None}


def test_a_frame_is_its_length_and_its_json():
    assert json.loads(frame({"a": "ü"})[4:]) == {"a": "ü"}
