from gpurules.actions import ACTIONS, Claim, CombineContext, Stage
from gpurules.model import Transfer

ACTION = ACTIONS["stage_transfer"]
LOW = Claim("low", 1, {"staging_threshold": 1024, "staging_area": "/low"})
HIGH = Claim("high", 2, {"staging_threshold": 1048576, "staging_area": "/high", "on_full": "wait"})


def now(size: float | None) -> CombineContext:
    return CombineContext(Transfer(size=size), timestamp=1000)


def test_the_rule_of_the_highest_priority_decides():
    assert ACTION.combine([HIGH, LOW], now(1048576)) == Stage("/high", 1048576, "wait", "high")


def test_a_rule_whose_threshold_is_not_reached_does_not_count():
    assert ACTION.combine([HIGH, LOW], now(5000)) == Stage("/low", 1024, "direct", "low")
    assert ACTION.combine([HIGH, LOW], now(10)) is None


def test_a_transfer_of_unknown_size_is_not_staged():
    assert ACTION.combine([Claim("r", 0, {})], now(None)) is None


def test_the_threshold_defaults_to_zero_and_the_area_to_the_clients():
    assert ACTION.combine([Claim("r", 0, {})], now(0)) == Stage(None, 0, "direct", "r")


def test_of_equal_priorities_the_first_in_matching_order_decides():
    first, second = Claim("a", 5, {"staging_area": "/a"}), Claim("b", 5, {"staging_area": "/b"})
    assert ACTION.combine([first, second], now(1)).area == "/a"
