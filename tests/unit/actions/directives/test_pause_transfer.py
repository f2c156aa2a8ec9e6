from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["pause_transfer"]
CLAIM = Claim("r", 0, {})


def now(created: float | None) -> CombineContext:
    return CombineContext(Transfer(created=created), timestamp=1000, max_delay=60)


def test_one_claim_pauses():
    assert ACTION.combine([CLAIM], now(None)) is True
    assert ACTION.combine([], now(None)) is False


def test_a_pause_ends_when_max_delay_is_used_up():
    assert ACTION.combine([CLAIM], now(941)) is True
    assert ACTION.combine([CLAIM], now(940)) is False
