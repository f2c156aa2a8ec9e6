"""A request that is put together by hand is what the encoder of the standard library writes."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.model import Transfer, Workload
from gpurules.remote.questions import question
from gpurules.strict_json import loads, pack

TEXTS = st.none() | st.text() | st.sampled_from(["", "\x00", '"\\', "\udcff", "\u2028", "é", "😀"])
COUNTS = st.none() | st.integers(0, 2**53) | st.floats(0, 1e18)
TRANSFERS = st.builds(
    Transfer,
    id=TEXTS, path=TEXTS, size=COUNTS, priority=st.none() | st.integers(-9, 9) | st.floats(-9, 9),
    operation=TEXTS, created=st.none() | st.floats(0, 1e11), duration=COUNTS, file_type=TEXTS, framework=TEXTS,
    workload_id=TEXTS, labels=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)  # fmt: skip


@given(TRANSFERS)
def test_it_is_what_the_encoder_writes(transfer: Transfer) -> None:
    assert question(transfer, None) == pack({"transfer": transfer.to_dict()})


@pytest.mark.parametrize("size", [numpy.float64(1.5), numpy.int64(7), True * 3, 10**15, 1e300])
def test_numbers_of_other_libraries_are_numbers(size: float) -> None:
    assert loads(question(Transfer(size=size), None))["transfer"]["size"] == size


def test_what_is_not_asked_about_is_left_out() -> None:
    assert question(None, None) == b"{}"
    assert question(Transfer(), None) == b'{"transfer":{}}'
    assert loads(question(Transfer(id="t"), Workload(id="w"))) == {"transfer": {"id": "t"}, "workload": {"id": "w"}}
