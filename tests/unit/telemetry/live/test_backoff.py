"""How long to wait before the next try, and which calls are not made again."""

from gpurules.telemetry.live.backoff import Backoff
from gpurules.telemetry.live.hung import EVERY_CALL, HungCalls


def waits(backoff, count):
    found = []
    for _ in range(count):
        backoff.fail(at=0.0)
        found.append(backoff.remaining(at=0.0))
    return found


def test_each_failure_doubles_the_wait_up_to_the_most():
    assert waits(Backoff(first=1.0, most=5.0), 5) == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_an_eager_one_tries_once_at_once():
    assert waits(Backoff(first=1.0, most=5.0, is_eager=True), 4) == [0.0, 1.0, 2.0, 4.0]


def test_a_success_forgets_the_failures():
    backoff = Backoff(first=1.0)
    waits(backoff, 5)
    backoff.succeed()
    assert (backoff.is_failing, backoff.remaining(0.0)) == (False, 0.0)
    assert waits(backoff, 1) == [1.0]


def test_the_wait_passes_with_time():
    backoff = Backoff(first=10.0)
    backoff.fail(at=100.0)
    assert (backoff.remaining(104.0), backoff.remaining(120.0)) == (6.0, 0.0)


def test_ten_thousand_failures_are_no_overflow():
    assert waits(Backoff(first=1.0, most=60.0), 10_000)[-1] == 60.0


def test_a_call_that_hangs_again_is_left_out_for_longer():
    hung = HungCalls()
    hung.add(("power", "GPU-a"), at=0.0)
    hung.add(("power", "GPU-a"), at=300.0)
    assert hung.skipped(at=899.0)
    assert not hung.skipped(at=900.0)


def test_a_gpu_of_which_two_calls_hang_is_asked_nothing():
    hung = HungCalls()
    hung.add(("power", "GPU-a"), at=0.0)
    hung.add(("power", "GPU-b"), at=0.0)
    assert (EVERY_CALL, "GPU-a") not in hung.skipped(at=1.0)
    hung.add(("temperature", "GPU-a"), at=1.0)
    assert {subject for function, subject in hung.skipped(at=2.0) if function == EVERY_CALL} == {"GPU-a"}
