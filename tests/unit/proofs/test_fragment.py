"""What the analysis decides, sentence by sentence: of each kind of fact what cannot be, what can, and what is open."""

import pytest

from gpurules.proofs.formulas.claims import ScopedCondition, is_true
from gpurules.proofs.prover import Answer, Prover, Sat, Unknown, Unsat
from tests.factories import checked


def ask(text: str) -> Answer:
    stated = ScopedCondition(checked(text).term)
    return Prover([stated]).ask([is_true(stated)])


NEVER = {
    "whole numbers are exact": [
        "transfer_size > 9007199254740992B AND transfer_size < 9007199254740994B AND "
        "transfer_size != 9007199254740993B",
        "transfer_size > 9223372036854775807B",
        "transfer_size * 2 == 7B",
        "gpu_process_count > 1 AND gpu_process_count < 2",
    ],
    "texts and enums": [
        "workload_id STARTSWITH 'ab' AND workload_id ENDSWITH 'cd' AND length(workload_id) < 4",
        "length(workload_id) > 3 AND workload_id == 'ab'",
        "length(workload_id) IN (1, 2) AND workload_id GLOB '???*'",
        "length(workload_id) < 0",
        "workload_id IN ('a', 'b') AND workload_id NOT IN ('a', 'b', 'c')",
        "weekday NOT IN ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')",
        "upper(file_type) == 'Model'",
        "lower(path) == 'A'",
        "lower(path) ENDSWITH '.PT'",
        "lower(path) == 'a' AND path == 'B'",
        "lower(path) ENDSWITH '.pt' AND path ENDSWITH '.bin'",
        "path == '/A.PT' AND NOT lower(path) ENDSWITH '.pt'",
    ],
    "bools and missing facts": [
        "gpu_throttled == active_training AND gpu_throttled AND NOT active_training",
        "gpu_healthy IS MISSING",
        "(gpu_memory > 80) IS MISSING AND gpu_memory < 10",
    ],
    "ranges": [
        "gpu_utilization > 100",
        "hour > 23",
        "stddev_over_time(gpu_memory[1m]) < 0",
        "increase(gpu_pcie_replays[1m]) < 0",
        "changes(gpu_temperature[1m]) < 0",
        "rate(gpu_energy[1m]) < 0W",
    ],
    "derived facts": [
        "gpu_memory IS MISSING AND gpu_memory_used > 1GiB AND gpu_memory_total > 2GiB",
        "gpu_memory == 50 AND gpu_memory_used == 10GiB AND gpu_memory_total == 30GiB",
        "gpu_memory_free IS MISSING AND gpu_memory_used > 1GiB AND gpu_memory_total > 2GiB",
        "gpu_lost_count > 0 AND gpu_count == 0",
        "gpu_throttle_thermal AND NOT gpu_throttled",
        "gpu_throttled AND NOT gpu_throttle_thermal AND NOT gpu_throttle_hw_slowdown "
        "AND NOT gpu_throttle_hw_power_brake",
        "gpu_throttle_hw_thermal AND NOT gpu_throttled",
        "gpu_throttle_thermal AND NOT gpu_throttle_hw_thermal AND NOT gpu_throttle_sw_thermal",
        "gpu_throttle_power AND NOT gpu_throttle_hw_power_brake AND NOT gpu_throttle_sw_power_cap",
        "gpu_pcie_width > gpu_pcie_width_max",
        "path IS MISSING AND file_name == 'a'",
        "path IS NOT MISSING AND file_type IS MISSING",
        "file_name CONTAINS '/'",
        "file_extension == 'pt'",
        "file_extension == '.PT'",
        "file_extension GLOB '*.tar.gz'",
        "hour == 5 AND time_of_day == 06:00",
    ],
    "one GPU and some GPU": [
        "gpu_memory > 80 AND NOT any(gpu_memory > 70)",
        "gpu_memory > 80 AND all(gpu_memory < 70)",
    ],
    "aggregates": [
        "count(gpu_memory > 90) >= 1 AND NOT any(gpu_memory > 80)",
        "max(gpu_memory) < min(gpu_memory)",
        "min(gpu_power) > max(gpu_power)",
        "avg(gpu_memory) > 80 AND avg(gpu_memory) < 70",
        "avg(gpu_memory) > 80 AND all(gpu_memory < 70)",
        "sum(gpu_memory_used) < 10GiB AND sum(gpu_memory_used) > 20GiB",
        "sum(gpu_power) IS MISSING AND any(gpu_power > 3)",
    ],
    "windows": [
        "max_over_time(gpu_memory[1m]) > max_over_time(gpu_memory[5m])",
        "avg_over_time(gpu_memory[1m]) > 80 AND max_over_time(gpu_memory[5m]) < 80",
        "avg_over_time(gpu_memory[1m]) < min_over_time(gpu_memory[5m])",
        "last_over_time(gpu_memory[1m]) != gpu_memory",
        "count_over_time(gpu_memory[1m]) > count_over_time(gpu_memory[5m])",
        "delta(gpu_memory[1m]) IS NOT MISSING AND count_over_time(gpu_memory[1m]) < 2",
        "deriv(gpu_memory[1m]) IS NOT MISSING AND count_over_time(gpu_memory[1m]) < 2",
        "changes(gpu_memory[5m]) IS MISSING AND increase(gpu_memory[1m]) > 3",
        "delta(gpu_memory[1m]) > 101",
        "max_over_time(gpu_memory[5m]) IS MISSING AND avg_over_time(gpu_memory[1m]) > 3",
    ],
    "differences of facts": [
        "gpu_temperature - gpu_memory_temperature > 10 AND gpu_temperature < gpu_memory_temperature",
        "gpu_temperature > gpu_memory_temperature AND gpu_memory_temperature > gpu_temperature_margin AND "
        "gpu_temperature_margin > gpu_temperature",
        "gpu_memory_total - gpu_memory_used < 1GiB AND gpu_memory_used < gpu_memory_total - 2GiB",
        "gpu_power > gpu_power_limit + 10 AND gpu_power < gpu_power_limit",
        "gpu_power - gpu_power_limit >= 10 AND gpu_power < gpu_power_limit",
        "gpu_power < gpu_power_limit - 0.5 AND gpu_power >= gpu_power_limit",
        "gpu_power - gpu_power > 0",
    ],
}
CAN_BE = {
    "real numbers are dense": ["gpu_memory > 80 AND gpu_memory < 80.0000001", "gpu_power * 2 == 7W"],
    "texts": [
        "lower(path) ENDSWITH '.pt' AND NOT path ENDSWITH '.pt'",
        "lower(workload_id) IN ('ab', 'cd') AND workload_id != 'ab' AND workload_id STARTSWITH 'a'",
        "length(workload_id) == 3 AND workload_id STARTSWITH 'ab'",
        "path ENDSWITH '.log' AND file_extension == '.log'",
        "path GLOB '/a/*' AND file_name GLOB 'x*'",
        "path STARTSWITH '/data/' AND file_name ENDSWITH '.pt' AND file_extension == '.pt'",
        "file_extension == '' AND path STARTSWITH '/data/'",
        "path ENDSWITH '.safetensors' AND file_type == 'log'",
    ],
    "aggregates": [
        "max(gpu_memory) > min(gpu_memory)",
        "avg(gpu_memory) > 70 AND avg(gpu_memory) < 80",
        "sum(gpu_power) > 1000W AND all(gpu_power < 400)",
        "count(gpu_memory > 80) < count(gpu_memory > 70)",
    ],
    "windows": [
        "max_over_time(gpu_memory[1m]) < max_over_time(gpu_memory[5m])",
        "avg_over_time(gpu_memory[5m]) > max_over_time(gpu_memory[1m])",
        "delta(gpu_memory[1m]) > 99",
    ],
    "differences": [
        "gpu_temperature - gpu_memory_temperature == 10",
        "gpu_power > gpu_power_limit + 10 AND gpu_power < gpu_power_limit + 20",
        "gpu_power > gpu_power_limit + 0.5",
    ],
}
OPEN = [
    ("path MATCHES '^a' AND path STARTSWITH 'b'", "`path MATCHES '^a'` is not analyzed"),
    ("gpu_power > 0.9 * gpu_power_limit AND gpu_power < 0.5 * gpu_power_limit", "are not analyzed"),
    ("count(gpu_memory > 80) > count(gpu_memory > 70)", "is not analyzed"),
    ("upper(path) == 'A'", "`upper(path) == 'A'` is not analyzed"),
    ("lower(path) == 'Ä' AND path == 'b'", "is not analyzed"),
    ("sum(gpu_power) > 1000W AND all(gpu_power < 400) AND count(gpu_power >= 0) <= 2", "`sum(gpu_power)`"),
    ("path ENDSWITH '.log' AND file_extension == '.txt'", "no values were found that confirm it"),
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in NEVER.items() for text in texts])
def test_what_cannot_be_is_proved(kind: str, text: str) -> None:
    assert ask(text) == Unsat(), kind


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CAN_BE.items() for text in texts])
def test_what_can_be_is_shown(kind: str, text: str) -> None:
    answer = ask(text)
    assert isinstance(answer, Sat), (kind, answer)
    stated = ScopedCondition(checked(text).term)
    assert is_true(stated).holds(answer.witness.facts)


@pytest.mark.parametrize(("text", "reason"), OPEN)
def test_what_is_not_decided_is_said_to_be_so(text: str, reason: str) -> None:
    answer = ask(text)
    assert isinstance(answer, Unknown)
    assert reason in answer.reason


def test_a_path_of_a_witness_has_the_required_parts() -> None:
    answer = ask("path STARTSWITH '/data/' AND file_name ENDSWITH '.pt' AND file_extension == '.pt'")
    assert isinstance(answer, Sat)
    assert answer.witness.to_dict()["transfer"] == {"path": "/data/.pt.pt"}
