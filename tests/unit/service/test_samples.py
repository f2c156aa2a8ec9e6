"""The recent past of each GPU."""

import pytest

from gpurules.model import GPU, Snapshot
from gpurules.service.state.samples import KEPT_SECONDS, Samples


@pytest.mark.parametrize("jitter", [0.0, 0.0000002, 0.02])
def test_polls_of_each_second_are_all_kept(jitter: float) -> None:
    samples = Samples()
    times = [1000 + second - (second % 2) * jitter for second in range(100)]
    for at in times:
        samples.add(Snapshot(timestamp=at, gpus=(GPU(index=0, temperature=50),)))
    assert samples.read("temperature", None, 0, 0) == (times, {"0": [50] * 100})


def test_a_quarter_of_an_hour_is_kept() -> None:
    samples = Samples()
    for second in range(2000):
        samples.add(Snapshot(timestamp=float(second), gpus=(GPU(index=0, temperature=50),)))
    times, _ = samples.read("temperature", None, 0, 0)
    assert times[0] <= 1999 - KEPT_SECONDS and len(times) < 1100
