from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["reduce_prefetch"]
NOW = CombineContext(Transfer(), timestamp=1000)


def claim(factor: float) -> Claim:
    return Claim("r", 0, {"reduction_factor": factor})


def test_the_smallest_factor_holds():
    assert ACTION.combine([claim(0.5), claim(0.2)], NOW) == 0.2


def test_zero_is_a_factor_like_any_other():
    assert ACTION.combine([claim(0), claim(0.2)], NOW) == 0


def test_without_claims_the_prefetch_stays():
    assert ACTION.combine([], NOW) == 1.0 == ACTION.neutral


def test_a_factor_of_one_is_pointed_at():
    assert [c.code for c in ACTION.check({"reduction_factor": 1.0})] == ["GPR506"]
    assert not list(ACTION.check({"reduction_factor": 0.5}))
