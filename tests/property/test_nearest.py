"""Laws of the nearest change: it is one, and no fewer facts would do."""

import json
from collections.abc import Iterator, Mapping
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpurules
from gpurules.model import GPU, Snapshot, Transfer
from tests.cases import examples

WORDS = ("ckpt", "shard", "A100", "zz")
TEXTS = ("path", "file_name", "gpu_name", "transfer_id", "lower(path)", "lower(gpu_name)")
FACTS = ("path", "id", "name 0", "name 1", "memory 0", "memory 1")
POOL: Mapping[str, tuple[object, ...]] = {
    "path": ("/ckpt/shard-zz.pt", "/data/ckpt", "/shard", "ckpt", "zz.pt", "", "/A100/zz", "/zz/shard.tar", "a.PT"),
    "id": ("ckpt", "shard", "A100", "zz", "a100", "other", "ckptshard"),
    "name 0": ("A100", "a100", "ckpt", "zz", "shard", "other"),
    "name 1": ("A100", "a100", "ckpt", "zz", "shard", "other"),
    "memory 0": (10, 95),
    "memory 1": (10, 95),
}
NOW: Mapping[str, object] = {
    "path": "/data/Shard-0001.tar", "id": "t-1", "name 0": "NVIDIA A100", "name 1": "NVIDIA H100", "memory 0": 50,
    "memory 1": 50,
}  # fmt: skip


@st.composite
def atoms(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(("text", "text", "text", "glob", "extension", "memory", "any")))
    word = draw(st.sampled_from(WORDS))
    text = draw(st.sampled_from(TEXTS))
    if text.startswith("lower"):
        word = word.lower()
    match kind:
        case "text":
            return f"{text} {draw(st.sampled_from(('CONTAINS', 'STARTSWITH', 'ENDSWITH', '==', '!=')))} '{word}'"
        case "glob":
            return f"{text} GLOB '{draw(st.sampled_from(('*', '')))}{word}*'"
        case "extension":
            return f"file_extension {draw(st.sampled_from(('==', '!=')))} '{draw(st.sampled_from(('.pt', '.tar')))}'"
        case "memory":
            return draw(st.sampled_from(("gpu_memory > 90", "gpu_memory < 20")))
        case _:
            return f"{draw(st.sampled_from(('any', 'all')))}(gpu_name CONTAINS '{word}')"


@st.composite
def conditions(draw: st.DrawFn) -> str:
    parts = [f"NOT {atom}" if draw(st.booleans()) else atom for atom in draw(st.lists(atoms(), min_size=1, max_size=3))]
    return f" {draw(st.sampled_from(('AND', 'OR')))} ".join(parts)


def matches(ruleset: gpurules.Ruleset, facts: Mapping[str, object]) -> bool:
    return bool(decided(ruleset, facts).rules)


def decided(ruleset: gpurules.Ruleset, facts: Mapping[str, object]) -> gpurules.Decision:
    gpus = tuple(GPU(index=n, name=facts[f"name {n}"], memory=facts[f"memory {n}"]) for n in (0, 1))  # type: ignore[arg-type]
    transfer = Transfer.from_dict({"id": facts["id"], "path": facts["path"]})
    return ruleset.evaluate(Snapshot(timestamp=1.0, gpus=gpus), transfer)


def others(most: int) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield facts in which at most *most* of the ones at hand are others, with how many are."""
    for count in range(1, most + 1):
        for chosen in combinations(FACTS, count):
            for values in product(*(POOL[name] for name in chosen)):
                yield count, {**NOW, **dict(zip(chosen, values, strict=True))}


def loaded(condition: str) -> gpurules.Ruleset:
    rule = {"name": "r", "condition": condition, "action": "pause_transfer"}
    return gpurules.loads(json.dumps({"version": 1, "name": "x", "rules": [rule]}))


def check(condition: str) -> None:
    ruleset = loaded(condition)
    decision = decided(ruleset, NOW)
    is_match = bool(decision.rules)
    nearest = decision.explain().rule("r").nearest
    found = None if nearest is None else nearest.to_dict()["changes"]
    assert found is None or isinstance(found, list)
    most = 2 if found is None else min(2, len(found) - 1)
    fewer = next((facts for _, facts in others(most) if matches(ruleset, facts) is not is_match), None)
    assert fewer is None, f"{condition}: {nearest} and yet {fewer}"
    if nearest is not None:
        assert nearest.matches is not is_match


@given(conditions())
@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_fewer_facts_would_do(condition: str) -> None:
    check(condition)


@pytest.mark.parametrize(
    "condition",
    [
        "path STARTSWITH '/ckpt' AND file_name ENDSWITH 'zz' AND file_extension == '.pt'",
        "path == '/a' AND file_name == 'a'",
        "file_name CONTAINS 'zz' AND file_extension == '.pt'",
        "lower(path) GLOB '*shard*' AND file_extension != '.tar'",
        "lower(path) CONTAINS 'ckpt' AND NOT path CONTAINS 'zz'",
        "all(gpu_name CONTAINS 'A100') OR path CONTAINS 'zz'",
        "gpu_name != 'NVIDIA A100' AND gpu_memory > 90",
    ],
)
def test_the_parts_of_a_path_are_one_fact(condition: str) -> None:
    check(condition)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("path == '/a' AND file_name == 'a'", "path '/a' instead of '/data/Shard-0001.tar' would match"),
        (
            "file_name CONTAINS 'x' AND file_extension == '.pt'",
            "file_name 'x.pt' instead of 'Shard-0001.tar' would match",
        ),
        ("lower(path) CONTAINS 'foo'", "path 'foo' instead of '/data/Shard-0001.tar' would match"),
        ("lower(path) GLOB '*foo*'", "path 'foo' instead of '/data/Shard-0001.tar' would match"),
        ("path MATCHES '^/scratch'", "path '/scratch' instead of '/data/Shard-0001.tar' would match"),
    ],
)
def test_the_text_that_is_proposed_is_a_plain_one(condition: str, said: str) -> None:
    assert str(decided(loaded(condition), NOW).explain().rule("r").nearest) == said
