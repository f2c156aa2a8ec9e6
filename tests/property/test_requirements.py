"""What is remembered of a decision's demands is what would be computed from scratch."""

from hypothesis import given
from hypothesis import strategies as st

from gpurules.governor.requirements import RequirementsCache, requirements_of
from gpurules.model import Transfer
from tests.factories import engine, one_gpu, ruleset

RULES = """
  - name: cool_down
    condition: gpu_temperature > 85
    action: delay_transfer
    parameters: {delay: 30s, running: pause, early_release: false}
  - {name: stop, condition: "gpu_temperature > 95 AND transfer_priority < 0", action: pause_transfer}
  - {name: slow, condition: transfer_priority < 0, action: limit_bandwidth, parameters: {max_bandwidth: 10MB/s}}
  - {name: few, condition: gpu_memory > 50, action: limit_concurrency, parameters: {max_concurrency: 2}}
  - {name: first, condition: transfer_priority > 0, action: increase_priority, parameters: {priority_boost: 50}}
  - {name: less, condition: gpu_memory > 50, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - name: big
    condition: gpu_memory > 50
    priority: 5
    action: stage_transfer
    parameters: {staging_threshold: 1000, staging_area: /big}
  - name: small
    condition: gpu_temperature > 85
    action: stage_transfer
    parameters: {staging_threshold: 10, staging_area: /small, on_full: direct}
"""
JITTERED = """
  - name: spread
    condition: transfer_priority < 5
    action: delay_transfer
    parameters: {delay: 60s, jitter: 0.5}
"""

transfers = st.builds(
    Transfer,
    id=st.none() | st.text(max_size=4),
    size=st.none() | st.sampled_from([0, 9, 10, 999, 1000, 5000]),
    priority=st.none() | st.integers(-10, 10),
    created=st.none() | st.floats(),
)
readings = st.tuples(st.sampled_from([70.0, 90.0, 99.0]), st.sampled_from([10, 90]), st.sampled_from([0.0, 3600.0]))


@given(st.booleans(), st.lists(st.tuples(readings, st.lists(transfers, max_size=5)), max_size=4))
def test_remembered_is_what_would_be_worked_out(is_jittered, polls):
    the, cache = engine(ruleset(RULES + (JITTERED if is_jittered else ""))), RequirementsCache()
    for number, ((temperature, used, age), asking) in enumerate(polls):
        the.observe(one_gpu(at=number - age, temperature=temperature, memory_total=100, memory_used=used))
        for transfer in asking:
            decision = the.decide(transfer)
            assert cache.requirements_of(decision, transfer) == requirements_of(decision, transfer)
