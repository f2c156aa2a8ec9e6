"""The prover: what cannot be is proved, what can be is shown."""

import pytest

from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim, is_true
from gpurules.proofs.prover import Prover, Sat, Unknown, Unsat
from gpurules.proofs.witnesses.witness import KnownFact, build_witness
from gpurules.rules import Signal, loads
from tests.factories import checked


def stated(text: str, gpus: str = "node") -> ScopedCondition:
    return ScopedCondition(checked(text).term, gpus)


def ask(*texts: str, want: ExpectedTruth = ExpectedTruth.TRUE) -> Unsat | Sat | Unknown:
    """Ask whether all conditions can be as wanted at once."""
    conditions = [stated(text) for text in texts]
    return Prover(conditions).ask([TruthClaim(condition, want) for condition in conditions])


@pytest.mark.parametrize(
    "text",
    [
        "gpu_memory > 90 AND gpu_memory < 10",
        "gpu_memory > 120",
        "gpu_memory / 100% > 0.8 AND gpu_memory < 80",
        "gpu_temperature > 85 AND gpu_temperature < 86",
        "transfer_size + 1 > 10B AND transfer_size < 10B",
        "file_type == 'model' AND file_type == 'dataset'",
        "file_type NOT IN ('model', 'dataset', 'tensor', 'config', 'log', 'code', 'unknown')",
        "active_training AND NOT active_training",
        "gpu_memory IS MISSING AND gpu_memory > 5",
        "path GLOB '/data/*.pt' AND path STARTSWITH '/model'",
        "path ENDSWITH '.pt' AND path == '/data/a.bin'",
        "path CONTAINS 'ab' AND path GLOB '[!a]?' AND path ENDSWITH 'b'",
        "any(gpu_memory > 90) AND all(gpu_memory < 10)",
        "max(gpu_memory) > 90 AND NOT any(gpu_memory > 80)",
        "max(gpu_memory) < 10 AND min(gpu_memory) > 10",
        "count(gpu_memory > 90) >= 3 AND count(gpu_memory > 80) < 3",
        "count(gpu_memory > 90) < 0",
        "avg(gpu_memory) > 80 AND max(gpu_memory) < 70",
        "sum(gpu_process_count) < 1 AND any(gpu_process_count > 1)",
        "gpu_power < gpu_power",
        "gpu_memory_used > gpu_memory_total",
        "gpu_memory_used < gpu_memory_free AND gpu_memory_free < gpu_memory_used",
        "gpu_power > gpu_power_limit AND gpu_power_limit > 400 AND gpu_power < 300",
        "gpu_memory_used >= gpu_memory_free + 10 AND gpu_memory_free + 9 >= gpu_memory_used",
        "gpu_memory > 50 AND gpu_memory_used < 10GiB AND gpu_memory_total > 20GiB",
        "hour >= 22 AND time_of_day < 06:00",
        "gpu_count == 0 AND gpu_memory > 10",
        "gpu_index == 0 AND gpu_index == 1",
        "least(gpu_memory, gpu_utilization) > 90 AND gpu_utilization < 50",
        "coalesce(gpu_ecc_errors, 0) > 0 AND gpu_ecc_errors IS MISSING",
        "max_over_time(gpu_memory[1m]) < 50 AND gpu_memory > 60",
        "avg_over_time(gpu_memory[1m]) > 100",
        "gpu_memory_used / gpu_memory_total > 0.9 AND gpu_memory_used / gpu_memory_total < 0.5",
    ],
)
def test_a_condition_that_can_never_be_true_is_proved_to_be_so(text: str) -> None:
    assert ask(text) == Unsat()


@pytest.mark.parametrize(
    "text",
    [
        "gpu_memory > 80 AND file_type == 'model'",
        "gpu_memory == 80",
        "gpu_temperature > 85 AND gpu_temperature < 87",
        "any(gpu_memory > 90) AND any(gpu_memory < 10)",
        "max(gpu_memory) > 90 AND min(gpu_memory) < 10",
        "count(gpu_temperature > 85) == 3 AND all(gpu_temperature > 80)",
        "avg(gpu_memory) > 80",
        "sum(gpu_memory_used) > 100GiB",
        "gpu_memory > 50 AND gpu_memory_used > 10GiB AND gpu_memory_total > 15GiB AND gpu_memory_total < 30GiB",
        "gpu_memory_used / gpu_memory_total > 0.9",
        "max(gpu_memory) - min(gpu_memory) > 50",
        "gpu_memory_used >= gpu_memory_free + 10 AND gpu_memory_free + 10 >= gpu_memory_used",
        "path GLOB '/data/*.pt' AND NOT path ENDSWITH 'x.pt'",
        "path MATCHES '^/data/[a-z]+$'",
        "file_extension == '.pt' AND file_type == 'log'",
        "transfer_age > 5m AND workload_age > 1h",
        "hour >= 22 AND time_of_day > 22:30",
        "gpu_count == 8 AND all(gpu_memory > 3)",
        "gpu_memory IS MISSING AND gpu_memory_used IS MISSING",
        "coalesce(gpu_ecc_errors, 1) > 0 AND gpu_ecc_errors IS MISSING",
        "NOT any(gpu_memory > 80)",
        "avg_over_time(gpu_memory[1m]) > 80 AND gpu_memory < 50",
        "weekday IN ('sat', 'sun') AND host STARTSWITH 'node-'",
        "0 * gpu_power == 0",
    ],
)
def test_a_condition_that_can_be_true_is_shown_by_a_witness_that_the_evaluator_confirms(text: str) -> None:
    answer = ask(text)
    assert isinstance(answer, Sat)
    assert is_true(stated(text)).holds(answer.witness.facts)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("telemetry_age >= 0", ExpectedTruth.UNKNOWN),
        ("gpu_memory IS MISSING", ExpectedTruth.UNKNOWN),
        ("count(gpu_memory > 5) >= 0", ExpectedTruth.FALSE),
        ("coalesce(active_training, FALSE)", ExpectedTruth.UNKNOWN),
        ("hour >= 0", ExpectedTruth.FALSE),
    ],
)
def test_each_truth_value_is_decided_on_its_own(text: str, never: ExpectedTruth) -> None:
    assert ask(text, want=never) == Unsat()


def test_what_can_be_missing_can_be_unknown() -> None:
    assert isinstance(ask("gpu_utilization >= 0", want=ExpectedTruth.UNKNOWN), Sat)


def test_two_rules_can_match_on_two_gpus_where_one_could_not() -> None:
    hot, cold = stated("gpu_temperature > 85"), stated("gpu_temperature < 20")
    answer = Prover([hot, cold]).ask([is_true(hot), is_true(cold)])
    assert isinstance(answer, Sat)
    assert len(answer.witness.snapshot.gpus) == 2


def test_one_gpu_has_one_index() -> None:
    hot, cold = stated("gpu_index == 0 AND gpu_temperature > 85"), stated("gpu_index == 0 AND gpu_temperature < 20")
    assert Prover([hot, cold]).ask([is_true(hot), is_true(cold)]) == Unsat()


def test_a_rule_over_the_gpus_of_a_workload_sees_only_those() -> None:
    mine, all_cool = stated("gpu_temperature > 85", "workload"), stated("all(gpu_temperature < 90)")
    answer = Prover([mine, all_cool]).ask([is_true(mine), is_true(all_cool)])
    assert isinstance(answer, Sat)
    assert answer.witness.workload.gpu_devices == (0,)


def test_a_signal_without_delay_is_on_where_its_condition_is_true() -> None:
    ruleset = loads("""
version: 1
name: held
signals:
  hot: {condition: gpu_temperature > 85, until: gpu_temperature < 75}
  slow: {condition: gpu_temperature > 85, for: 30s, keep_for: 1m}
rules:
  - {name: a, condition: hot AND gpu_temperature < 70, action: pause_transfer}
  - {name: b, condition: NOT hot AND gpu_temperature > 90, action: pause_transfer}
  - {name: c, condition: hot AND gpu_temperature < 80, action: pause_transfer}
  - {name: d, condition: slow AND gpu_temperature < 20, action: pause_transfer}
""")
    signals: dict[str, Signal] = dict(ruleset.signals)
    conditions = {rule.name: ScopedCondition(rule.term) for rule in ruleset.rules}
    prover = Prover(conditions.values(), signals)
    answers = {name: prover.ask([is_true(condition)]) for name, condition in conditions.items()}
    assert answers["a"] == Unsat()  # its end would have put it off
    assert answers["b"] == Unsat()  # its start would have put it on
    assert isinstance(answers["c"], Sat)  # between 75 and 85 it stays on
    assert isinstance(answers["d"], Sat)  # held on by keep_for


def test_what_is_not_analyzed_is_said() -> None:
    answer = ask("gpu_power * gpu_power_limit / gpu_power > 5 AND gpu_power * gpu_power_limit / gpu_power_limit < 0")
    assert isinstance(answer, Unsat | Unknown)
    hard = ask("path MATCHES 'a{3}b(?i)c' AND path MATCHES '^zzz$'")
    assert isinstance(hard, Unknown)
    assert "not analyzed" in hard.reason


def test_the_work_cap_is_said_when_it_is_hit() -> None:
    condition = stated(
        " AND ".join(f"(gpu_memory > {i} OR gpu_power > {i} OR gpu_temperature > {i})" for i in range(40))
    )
    answer = Prover([condition], steps=5).ask([is_true(condition)])
    assert answer == Unknown("the budget of 5 steps was exhausted")


def test_a_witness_reads_as_people_write() -> None:
    answer = ask("gpu_memory > 80 AND file_type == 'model' AND transfer_size > 1MiB")
    assert isinstance(answer, Sat)
    assert str(answer.witness) == "file_type 'model', transfer_size 1 MiB + 1 B, gpu_memory 81 %"


def test_gpus_of_which_nothing_says_the_index_get_one_that_is_free() -> None:
    index = ir.Read(FIELDS["gpu_index"])
    witness = build_witness([KnownFact(index, 1, 2), KnownFact(index, 0, 1)], 4, (), frozenset({2}))
    assert [gpu.index for gpu in witness.snapshot.gpus] == [1, 2, 0, 3]
    assert witness.workload.gpu_devices == (0,)
