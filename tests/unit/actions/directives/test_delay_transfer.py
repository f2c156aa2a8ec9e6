import pytest

from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

ACTION = ACTIONS["delay_transfer"]


def claim(**parameters: object) -> Claim:
    return Claim("r", 0, parameters)


def now(created: float | None = 990, max_delay: float = 60, id: str | None = "t") -> CombineContext:
    return CombineContext(Transfer(id=id, created=created), timestamp=1000, max_delay=max_delay)


def test_the_longest_delay_holds_however_it_is_written():
    assert ACTION.combine([claim(delay_seconds=30), claim(delay=45)], now()) == 45


def test_the_delay_is_bounded_by_what_is_left_of_max_delay():
    assert ACTION.combine([claim(delay=120)], now()) == 50
    assert ACTION.combine([claim(delay=120)], now(created=900)) == 0


def test_a_transfer_without_creation_time_has_all_of_max_delay():
    assert ACTION.combine([claim(delay=120)], now(created=None)) == 60


def test_a_creation_in_the_future_does_not_lengthen_the_bound():
    assert ACTION.combine([claim(delay=120)], now(created=5000)) == 60


def test_jitter_lengthens_by_at_most_its_share_and_is_derived_from_the_id():
    delays = {id: ACTION.combine([claim(delay=10, jitter=0.5)], now(id=id)) for id in map(str, range(50))}
    assert all(10 <= delay < 15 for delay in delays.values())
    assert len(set(delays.values())) == 50
    assert delays["7"] == ACTION.combine([claim(delay=10, jitter=0.5)], now(id="7"))


def test_jitter_without_an_id_adds_nothing():
    assert ACTION.combine([claim(delay=10, jitter=0.5)], now(id=None)) == 10


def test_an_id_that_is_no_valid_unicode_has_a_jitter_too():
    assert 10 <= ACTION.combine([claim(delay=10, jitter=0.5)], now(id="\ud800")) < 15


def test_the_bound_holds_after_the_jitter():
    assert ACTION.combine([claim(delay=60, jitter=1)], now()) == 50


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"delay": 5}, []),
        ({"delay_seconds": 5}, []),
        ({"delay": 5, "delay_seconds": 5}, ["GPR505"]),
        ({"jitter": 0.5}, ["GPR503"]),
        ({"delay": 0}, ["GPR506"]),
    ],
)
def test_exactly_one_way_to_say_the_delay(parameters: dict[str, object], codes: list[str]):
    assert [complaint.code for complaint in ACTION.check(parameters)] == codes


def test_it_depends_on_the_transfer():
    assert not ACTION.is_static
