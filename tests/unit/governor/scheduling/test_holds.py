from math import inf

from gpurules.governor.requirements import HoldClaim
from gpurules.governor.scheduling.holds import Holds


def claim(seconds=30.0, rule="hot", **more):
    return HoldClaim(rule, "delay_transfer", seconds, **more)


def test_many_looks_at_a_matching_rule_are_one_hold():
    holds = Holds()
    for now in range(100):
        holds.take([claim()], now)
        assert holds.settle(now, False, 300) == (30 if now < 30 else None)
    assert holds.held_seconds(100) == 30


def test_a_rule_that_ends_releases_at_once():
    holds = Holds()
    holds.take([claim()], 0)
    assert holds.settle(0, False, 300) == 30
    holds.take([], 5)
    assert holds.settle(5, False, 300) is None
    assert holds.held_seconds(9) == 5


def test_without_early_release_the_hold_outlasts_its_rule():
    holds = Holds()
    holds.take([claim(early_release=False)], 0)
    holds.take([], 5)
    assert holds.settle(5, False, 300) == 30
    holds.take([], 31)
    assert holds.settle(31, False, 300) is None


def test_a_rule_that_comes_back_claims_again():
    holds = Holds()
    holds.take([claim()], 0)
    holds.take([], 10)
    holds.take([claim()], 20)
    assert holds.settle(20, False, 300) == 50


def test_the_latest_claim_holds_and_not_the_sum():
    holds = Holds()
    holds.take([claim(10), claim(30, "full")], 0)
    assert holds.settle(0, False, 300) == 30
    assert holds.rules(0, False) == ("hot", "full")
    assert holds.rules(15, False) == ("full",)


def test_all_holds_of_a_life_are_bounded_together():
    holds = Holds()
    for start in (0, 100, 200):
        holds.take([claim(60)], start)
        holds.settle(start, False, 100)
        holds.take([], start + 60)
        holds.settle(start + 60, False, 100)
    assert holds.held_seconds(1000) == 100


def test_a_pause_ends_with_its_rule_or_with_the_patience():
    holds = Holds()
    holds.take([claim(inf, pauses_running=True)], 0)
    assert holds.settle(0, True, 300) == 300
    holds.take([], 7)
    assert holds.settle(7, True, 300) is None


def test_a_transfer_that_has_begun_is_held_only_by_claims_that_pause():
    holds = Holds()
    holds.take([claim(30), claim(20, "memory", pauses_running=True)], 0)
    assert holds.settle(0, True, 300) == 20
    assert holds.rules(0, True) == ("memory",)


def test_time_between_the_end_of_a_hold_and_the_next_look_is_not_held():
    holds = Holds()
    holds.take([claim(30)], 0)
    holds.settle(0, False, 300)
    holds.settle(500, False, 300)
    assert holds.held_seconds(500) == 30


def test_a_reloaded_rule_changes_the_length_of_the_running_hold():
    holds = Holds()
    holds.take([claim(30)], 0)
    holds.take([claim(10)], 5)
    assert holds.settle(5, False, 300) == 10
