"""What an agent registers itself is in force in the next line: in decisions, status, metrics and the governor."""

import pytest

from gpurules.engine import Coordinator
from gpurules.governor import Governor
from gpurules.model import Transfer, Workload
from gpurules.rules import loads
from tests.integration.coordinator.stand import Clock, Script

RULES = """
version: 1
name: node
rules:
  - name: stage_while_training
    condition: active_training AND transfer_size > 100MB
    action: stage_transfer
    parameters: {staging_threshold: 1}
  - {name: busy, condition: pending_transfers > 1, action: limit_concurrency, parameters: {max_concurrency: 1}}
"""
BIG = 1 << 30


@pytest.fixture
def node():
    clock = Clock()
    node = Coordinator(loads(RULES), Script(clock), clock=clock, steady=clock.steady)
    node.poll()
    yield node
    node.stop()


def test_a_training_job_that_registers_and_reads_at_once_is_staged(node):
    node.register_workload(Workload(id="job", type="training"), lease_seconds=60)
    decision = node.schedule_transfer(Transfer(id="t", path="/d/a.tar", size=BIG, workload_id="job"))
    assert decision.rules == ("stage_while_training",)
    assert decision.stage is not None


def test_a_job_that_is_gone_stages_nothing(node):
    node.register_workload(Workload(id="job", type="training"))
    node.unregister_workload("job")
    assert node.schedule_transfer(Transfer(id="t", size=BIG)).rules == ()


def test_transfers_count_as_they_come_and_go(node):
    assert node.schedule_transfer(Transfer(id="a")).max_concurrency is None
    assert node.schedule_transfer(Transfer(id="b")).max_concurrency == 1
    node.complete_transfer("a")
    assert node.decide(Transfer(id="b")).max_concurrency is None


def test_status_and_metrics_say_the_same(node):
    node.register_workload(Workload(id="job", type="training"))
    for name in ("a", "b", "c"):
        node.schedule_transfer(Transfer(id=name))
    assert "busy" in node.status().matching
    counts = node.collect()
    assert (counts.active_workloads, counts.pending_transfers) == (1, 3)


def test_the_age_of_telemetry_does_not_change_by_it(node):
    before = node.engine.snapshot
    node.schedule_transfer(Transfer(id="a"))
    assert node.engine.snapshot is before


def test_blind_polls_keep_what_is_registered():
    clock = Clock()
    script = Script(clock)
    node = Coordinator(loads(RULES), script, clock=clock, steady=clock.steady)
    node.poll()
    node.register_workload(Workload(id="job", type="training"))
    script.error = RuntimeError("no driver")
    for _ in range(8):
        clock.advance(5)
        node.poll()
    decision = node.decide(Transfer(size=BIG))
    assert decision.stale
    assert decision.rules == ("stage_while_training",)
    node.unregister_workload("job")
    assert node.decide(Transfer(size=BIG)).rules == ()
    node.stop()


@pytest.mark.parametrize("is_alone", [True, False], ids=["engine", "coordinator"])
def test_a_governor_knows_the_job_that_it_just_registered(node, is_alone):
    governor = Governor(node.engine if is_alone else node)
    waiting = governor.transfer(Transfer(id="before", size=BIG))
    assert waiting.requirements.stage is None
    governor.register_workload(Workload(id="job", type="training"))
    assert waiting.requirements.stage is not None, "what waits is decided again"
    with governor.transfer(Transfer(id="after", size=BIG)) as ticket:
        assert ticket.requirements.stage is not None
    waiting.end()
    governor.stop()
