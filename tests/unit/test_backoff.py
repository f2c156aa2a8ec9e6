"""How long to wait before the next try."""

from gpurules.backoff import Backoff


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
