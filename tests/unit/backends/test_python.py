"""The generated Python: as approved, and free of anything that the user wrote."""

from collections.abc import Callable

import pytest

from gpurules.backends import PythonBackEnd, RuleTerm
from gpurules.backends.emitter import RUNTIME
from gpurules.backends.python import (
    CHUNK,
    generate_truths,
    in_chunks,
)
from gpurules.backends.specialization import generate_specializer
from gpurules.backends.straight import generate_mask, mask_functions
from gpurules.engine.state.derived_state import layout_of
from gpurules.model import Snapshot, Transfer
from gpurules.rules import Ruleset, load
from tests.factories import checked, facts, gpu, ruleset

Golden = Callable[[str, str], None]
CASES = {
    "missing": "gpu_power IS NOT MISSING AND coalesce(gpu_temperature, 0) > 80",
    "chain": "70 <= gpu_memory < 90",
    "sets": "file_type IN ('model', 'tensor') AND path NOT IN (host, '/x')",
    "texts": "path GLOB '*.pt' OR path MATCHES '^/m/' OR NOT file_name STARTSWITH '.'",
    "arithmetic": "gpu_memory_used + 2GiB > 80% * gpu_memory_total",
    "aggregates": "max(gpu_memory) > 90 AND count(gpu_temperature > 85) >= 2 AND NOT any(gpu_throttled)",
    "deviation": "gpu_temperature > avg(gpu_temperature) + 10",
    "node": "active_training AND hour BETWEEN 8 AND 18 AND pending_transfers > 5",
    "joint": "gpu_pcie_rx * transfer_duration > transfer_size",
    "instant": "avg_over_time(gpu_power[1m]) > 300W OR delta(gpu_power[1m]) > 1W",
}


def header(ruleset: Ruleset) -> str:
    return "".join([f"# {r.name}: {r.text}\n" for r in ruleset.rules])


def test_the_four_default_rules(golden: Golden) -> None:
    default = load("gpurules:default")
    generated = generate_mask(default.program.terms, None)
    golden("python/default-mask.txt", header(default) + generated.source)
    golden(
        "python/default-bind.txt",
        header(default) + generate_specializer(dict(enumerate(default.program.terms)), None).source,
    )


def test_the_coordinator_with_its_signals(golden: Golden) -> None:
    coordinator = load("gpurules:coordinator")
    layout, _ = layout_of(coordinator)
    terms = [RuleTerm(r.term, r.per_gpu, r.gpus == "workload") for r in coordinator.rules]
    golden(
        "python/coordinator-bind.txt", header(coordinator) + generate_specializer(dict(enumerate(terms)), layout).source
    )


@pytest.mark.parametrize("name", CASES)
def test_conditions_of_every_kind(name: str, golden: Golden) -> None:
    found = checked(CASES[name])
    golden(f"python/{name}.txt", f"# {CASES[name]}\n{generate_truths(found.term, found.per_gpu, None).source}")


@pytest.mark.parametrize(
    "evil", ["'''; import os", '"""', "\\n", "__import__('os')", "{x}", "%s", "\u2028", "k1", "]) or (True"]
)
def test_nothing_of_the_users_text_gets_into_the_source(evil: str) -> None:
    from gpurules.language.terms.printer import quote

    found = checked(f"path == {quote(evil)} OR path GLOB {quote(evil)}")
    source = generate_truths(found.term, found.per_gpu, None).source
    assert evil not in source or evil == "k1"
    result = PythonBackEnd().evaluate(found.term, found.per_gpu, facts())
    assert result.value is None


def test_the_names_in_the_source_are_ours_or_bound() -> None:
    generated = generate_truths(checked("gpu_memory > 81.5").term, True, None)
    assert list(generated.constants.values()) == [81.5]


def test_rules_beyond_a_chunk_keep_their_bits() -> None:
    count = CHUNK + 3
    lines = "".join(
        [f"  - {{name: r{n}, condition: gpu_memory > {n / 10}, action: pause_transfer}}\n" for n in range(count)]
    )
    program = ruleset(lines).program
    assert len(mask_functions(program.terms, None)) > 1
    here = facts(gpu(memory=30))
    assert program.mask(here) == program.bind(here).base == (1 << 300) - 1


def test_a_rule_more_leaves_the_other_chunks_as_they_are() -> None:
    def chunks(names: list[int]) -> set[tuple[str, ...]]:
        rules = [RuleTerm(checked("gpu_memory > 1").term, True, name=f"rule {name}") for name in names]
        return {tuple(rule.name for rule in chunk) for _, chunk in in_chunks(rules)}

    before, after = chunks([*range(2000)]), chunks([*range(1000), 5000, *range(1000, 2000)])
    assert len(before) > 5
    assert len(before - after) <= 2
    assert max(map(len, before | after)) <= CHUNK


def test_chunks_hold_all_rules_in_order() -> None:
    rules = [RuleTerm(checked("gpu_memory > 1").term, True, name=f"rule {n}") for n in range(1500)]
    joined = []
    for first, chunk in in_chunks(rules):
        assert first == len(joined)
        joined += chunk
    assert joined == rules


def test_source_of_one_form_is_compiled_once() -> None:
    first, second = (generate_truths(checked(f"gpu_memory > {n}").term, True, None) for n in (81, 92))
    assert first.constants != second.constants
    assert first.function("truths").__code__ is second.function("truths").__code__


def test_a_value_of_one_rule_is_never_taken_for_that_of_another() -> None:
    """Lowering makes terms that live for one rule only; variables must not be known by where they lay in memory."""
    lines = "".join(
        [
            f"  - {{name: r{n}, condition: \"coalesce(path, lower('A{n}')) == 'a{n}'\", action: log}}\n"
            for n in range(50)
        ]
    )
    program = ruleset(lines).program
    assert program.mask(facts()) == (1 << 50) - 1
    bound = program.bind(facts())
    assert bound.mask(facts().transfer, facts().workload) == (1 << 50) - 1


def test_a_deep_condition_is_split_so_that_python_can_compile_it() -> None:
    text = "gpu_throttled"
    for _ in range(95):
        text = f"(gpu_memory > 1 OR ({text} AND gpu_power > 1W))"
    found = checked(text)
    result = PythonBackEnd().evaluate(found.term, found.per_gpu, facts(gpu(memory=0, power=2, throttled=True)))
    assert result.value is True


def test_a_first_decision_passes_over_the_gpus_once_and_reads_the_file_type_only_where_it_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    default = load("gpurules:default")
    assert generate_mask(default.program.terms, None).source.count("for g in gpus") == 1
    looked: list[object] = []
    monkeypatch.setitem(RUNTIME, "_file_type", lambda transfer, _: looked.append(transfer))
    for memory in (70, 90):
        load("gpurules:default").evaluate(Snapshot(gpus=(gpu(0, memory=memory),)), Transfer(path="a.pt"))
        assert len(looked) == (memory == 90)
