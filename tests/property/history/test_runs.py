"""What is worked out per run or stretch equals what it is row by row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpurules.backends.columnar import Groups, Truths
from gpurules.history.kernel.outcome import Rows
from gpurules.history.kernel.stretches import ENDED, KNOWN, TRUE, UNKNOWN, Segments, first_after, inputs_of

PRESENT = st.lists(st.sampled_from([True, True, True, False]), min_size=1, max_size=12)


@given(st.lists(PRESENT, min_size=1, max_size=3), st.data())
def test_runs_are_the_rows_of_a_mask_cut_at_other_gpus_and_gaps(present: list[list[bool]], data: st.DataObject) -> None:
    count = max(map(len, present))
    at = [(owner, number) for owner, there in enumerate(present) for number, is_there in enumerate(there) if is_there]
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(at), max_size=len(at))), bool)
    owner, snapshot = (np.array([pair[n] for pair in at], np.intp) for n in (0, 1))
    rows = Rows(np.arange(count, dtype=float), Groups(snapshot, count), "abc"[: len(present)], owner)
    expected: list[list[int]] = []
    for row, (one, number) in enumerate(at):
        goes_on = row and mask[row - 1] and at[row - 1] == (one, number - 1)
        if mask[row] and goes_on:
            expected[-1].append(row)
        elif mask[row]:
            expected.append([row])
    runs = rows.runs(mask, per_gpu=True)
    assert [list(range(s, e)) for s, e in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True)] == expected


@given(st.lists(st.sampled_from([0.1, 0.3, 1.0, 5.0]), min_size=1, max_size=20), st.data())
def test_the_first_snapshot_after_is_that_of_the_engine_s_own_subtraction(
    steps: list[float], data: st.DataObject
) -> None:
    times = 1e9 + np.cumsum(steps)
    low = data.draw(st.integers(0, len(times)))
    high = data.draw(st.integers(low, len(times)))
    base = data.draw(st.one_of(st.sampled_from(times.tolist()), st.just(float("nan"))))
    seconds = data.draw(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.6, 1.1, 5.3]))
    expected = next((n for n in range(low, high) if float(times[n]) - base >= seconds), high)
    span = np.array([low], np.intp), np.array([high], np.intp)
    assert first_after(times, span, np.array([base]), seconds).tolist() == [expected]


def test_segments_are_cut_where_inputs_change_and_at_each_owner() -> None:
    truths = Truths(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], bool), np.array([[0, 0, 1, 0], [0, 1, 1, 0]], bool))
    until = Truths(np.array([[1, 0, 1, 0], [0, 0, 1, 1]], bool), np.array([[0, 0, 0, 1], [0, 1, 0, 0]], bool))
    assert inputs_of(truths, None).tolist() == [[TRUE, TRUE, ENDED, UNKNOWN], [UNKNOWN, ENDED, ENDED, TRUE]]
    segments = Segments.of(inputs_of(truths, until))
    assert segments.inputs.tolist() == [TRUE, ENDED, KNOWN, UNKNOWN, KNOWN, ENDED, TRUE]
    assert segments.owner.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert segments.start.tolist() == [0, 2, 3, 0, 1, 2, 3]
    assert segments.end.tolist() == [2, 3, 4, 1, 2, 3, 4]
    assert segments.begins.tolist() == [True, True, False, True, False, False, True]
