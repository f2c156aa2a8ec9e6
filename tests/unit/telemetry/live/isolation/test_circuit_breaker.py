"""Which calls are not made again."""

from gpurules.telemetry.live.isolation.circuit_breaker import CircuitBreaker
from gpurules.telemetry.live.poll import EVERY_CALL


def test_a_call_that_hangs_again_is_left_out_for_longer():
    breaker = CircuitBreaker()
    breaker.add(("power", "GPU-a"), at=0.0)
    breaker.add(("power", "GPU-a"), at=300.0)
    assert breaker.calls_to_skip(at=899.0)
    assert not breaker.calls_to_skip(at=900.0)


def test_a_gpu_of_which_two_calls_hang_is_asked_nothing():
    breaker = CircuitBreaker()
    breaker.add(("power", "GPU-a"), at=0.0)
    breaker.add(("power", "GPU-b"), at=0.0)
    assert (EVERY_CALL, "GPU-a") not in breaker.calls_to_skip(at=1.0)
    breaker.add(("temperature", "GPU-a"), at=1.0)
    assert {subject for function, subject in breaker.calls_to_skip(at=2.0) if function == EVERY_CALL} == {"GPU-a"}
