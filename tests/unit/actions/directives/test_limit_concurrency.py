from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["limit_concurrency"]
NOW = CombineContext(Transfer(), timestamp=1000)


def test_the_lowest_cap_holds():
    assert ACTION.combine([Claim("a", 0, {"max_concurrency": 4}), Claim("b", 0, {"max_concurrency": 2})], NOW) == 2


def test_without_claims_there_is_no_cap():
    assert ACTION.combine([], NOW) is None
