"""The breaker asks an agent that does not answer less and less often, and at once when it does again."""

from gpurules.remote.connection.breaker import FIRST_SECONDS, LONGEST_SECONDS, AgentBreaker, BreakerState


def opened() -> AgentBreaker:
    breaker = AgentBreaker()
    breaker.record_failure(0.0, is_final=True)
    return breaker


def test_each_probe_that_fails_doubles_the_wait_up_to_the_longest() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(8):
        start = now
        while not breaker.allows(now):
            now += 0.125
        waits.append(now - start)
        breaker.record_failure(now)
    assert waits == [FIRST_SECONDS, 1.0, 2.0, 4.0, 8.0, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]


def test_failures_of_calls_that_were_under_way_do_not_lengthen_the_wait() -> None:
    breaker = opened()
    for _ in range(5):
        breaker.record_failure(0.0)
    assert not breaker.allows(FIRST_SECONDS - 0.01)
    assert breaker.allows(FIRST_SECONDS)


def test_an_answer_closes_it_and_the_next_outage_begins_with_the_shortest_wait() -> None:
    breaker = opened()
    breaker.allows(FIRST_SECONDS)
    breaker.record_failure(FIRST_SECONDS)
    breaker.record_success()
    assert breaker.state is BreakerState.CLOSED
    breaker.record_failure(10.0, is_final=True)
    assert breaker.allows(10.0 + FIRST_SECONDS)
