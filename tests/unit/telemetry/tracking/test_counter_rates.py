"""Counters and their rates."""

from gpurules.telemetry.tracking.counter_rates import FIRST, RESET, CounterRates


def test_a_rate_is_what_was_counted_over_the_time_between():
    rates = CounterRates()
    assert rates.rate("a", "rx", 100, at=10.0) == (None, FIRST)
    assert rates.rate("a", "rx", 100 + 5 * 2**40, at=15.0) == (2.0**40, None)


def test_each_gpu_and_counter_is_apart():
    rates = CounterRates()
    rates.rate("a", "rx", 0, at=0.0)
    assert rates.rate("b", "rx", 9, at=1.0) == (None, FIRST)
    assert rates.rate("a", "tx", 9, at=1.0) == (None, FIRST)


def test_a_counter_that_goes_back_gives_no_rate_once():
    rates = CounterRates()
    rates.rate("a", "rx", 100, at=0.0)
    assert rates.rate("a", "rx", 40, at=1.0) == (None, RESET)
    assert rates.rate("a", "rx", 60, at=2.0) == (20.0, None)


def test_two_polls_at_one_time_give_no_rate_and_spoil_none():
    rates = CounterRates()
    rates.rate("a", "rx", 0, at=1.0)
    assert rates.rate("a", "rx", 5, at=1.0) == (None, FIRST)
    assert rates.rate("a", "rx", 10, at=2.0) == (10.0, None)


def test_who_is_gone_is_forgotten():
    rates = CounterRates()
    rates.rate("a", "rx", 0, at=0.0)
    rates.rate("b", "rx", 0, at=0.0)
    rates.keep({"b"})
    assert rates.rate("a", "rx", 9, at=1.0) == (None, FIRST)
    assert rates.rate("b", "rx", 9, at=1.0) == (9.0, None)
