from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["limit_bandwidth"]
NOW = CombineContext(Transfer(), timestamp=1000)


def test_the_lowest_cap_holds():
    claims = [Claim("a", 0, {"max_bandwidth": 209715200}), Claim("b", 0, {"max_bandwidth": 125000000})]
    assert ACTION.combine(claims, NOW) == 125000000


def test_without_claims_there_is_no_cap():
    assert ACTION.combine([], NOW) is None
