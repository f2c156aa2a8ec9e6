"""Combining directives does not depend on the order, or on repeats, where the policy says so."""

from hypothesis import given
from hypothesis import strategies as st

from gpurules.actions import ACTIONS, Claim, CombineContext
from gpurules.model import Transfer

PARAMETERS = {
    "reduce_prefetch": st.builds(lambda v: {"reduction_factor": v}, st.floats(0, 1)),
    "delay_transfer": st.builds(
        lambda v, j: {"delay": v, "jitter": j}, st.floats(0, 1e6), st.sampled_from([0, 0.25, 1.0])
    ),
    "increase_priority": st.builds(lambda v: {"priority_boost": v}, st.floats(-1e6, 1e6) | st.integers(-100, 100)),
    "limit_bandwidth": st.builds(lambda v: {"max_bandwidth": v}, st.floats(1, 1e12)),
    "limit_concurrency": st.builds(lambda v: {"max_concurrency": v}, st.integers(1, 100)),
    "pause_transfer": st.just({}),
}
IDEMPOTENT = ("reduce_prefetch", "delay_transfer", "limit_bandwidth", "limit_concurrency", "pause_transfer")

situations = st.builds(
    CombineContext,
    st.builds(Transfer, id=st.text(max_size=5), created=st.none() | st.floats(0, 2000), size=st.none()),
    timestamp=st.floats(0, 2000),
    max_delay=st.floats(0, 600),
    max_priority=st.floats(0, 1000),
)


@st.composite
def claimed(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[str, list[Claim]]:
    name = draw(st.sampled_from(names))
    parameters = draw(st.lists(PARAMETERS[name], max_size=6))
    return name, [Claim(f"r{i}", 0, p) for i, p in enumerate(parameters)]


@given(claimed(tuple(PARAMETERS)), situations, st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_matter(case, situation, random):
    name, claims = case
    shuffled = random.sample(claims, len(claims))
    assert ACTIONS[name].combine(claims, situation) == ACTIONS[name].combine(shuffled, situation)


@given(claimed(IDEMPOTENT), situations)
def test_a_claim_that_is_made_twice_counts_once(case, situation):
    name, claims = case
    assert ACTIONS[name].combine(claims, situation) == ACTIONS[name].combine(claims + claims, situation)


@given(claimed(tuple(PARAMETERS)), situations, situations)
def test_static_directives_ignore_transfer_and_time(case, one, other):
    name, claims = case
    same_settings = CombineContext(other.transfer, other.timestamp, one.max_delay, one.max_priority)
    if ACTIONS[name].is_static:
        assert ACTIONS[name].combine(claims, one) == ACTIONS[name].combine(claims, same_settings)


@given(st.permutations(range(4)), st.floats(0, 100))
def test_staging_goes_by_priority_not_by_order(order, size):
    claims = [Claim(f"r{i}", i, {"staging_threshold": 25 * i, "staging_area": f"/{i}"}) for i in range(4)]
    situation = CombineContext(Transfer(size=size), timestamp=0)
    stage = ACTIONS["stage_transfer"].combine([claims[i] for i in order], situation)
    assert stage.rule == f"r{min(int(size // 25), 3)}"
