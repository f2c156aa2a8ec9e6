from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["increase_priority"]
NOW = CombineContext(Transfer(), timestamp=1000, max_priority=60)


def claim(boost: float) -> Claim:
    return Claim("r", 0, {"priority_boost": boost})


def test_boosts_add_up():
    assert ACTION.combine([claim(50), claim(-20)], NOW) == 30


def test_the_sum_is_clamped_not_the_parts():
    assert ACTION.combine([claim(50), claim(40)], NOW) == 60
    assert ACTION.combine([claim(500), claim(-490)], NOW) == 10
    assert ACTION.combine([claim(-500)], NOW) == -60


def test_whole_boosts_stay_whole():
    assert isinstance(ACTION.combine([claim(50), claim(-20)], NOW), int)


def test_fractions_do_not_depend_on_the_order():
    boosts = [claim(b) for b in (0.1, 1e16, -1e16, 0.2)]
    assert ACTION.combine(boosts, CombineContext(Transfer(), 0, max_priority=1e20)) == 0.30000000000000004
    assert ACTION.combine(boosts[::-1], CombineContext(Transfer(), 0, max_priority=1e20)) == 0.30000000000000004


def test_a_boost_of_zero_is_pointed_at():
    assert [c.code for c in ACTION.check({"priority_boost": 0})] == ["GPR506"]
