"""What shows a change or a finding: the facts that matter, near the limit that moved."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from random import Random

import pytest

from gpurules.diff import compare
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.model import Value
from gpurules.proofs import (
    KnownFact,
    Prover,
    Sat,
    ScopedCondition,
    TruthClaim,
    Witness,
    build_witness,
    minimize_witness,
)
from gpurules.proofs.formulas.claims import is_not_true, is_true
from gpurules.rules import Ruleset, loads


def ruleset(condition: str, **more: object) -> Ruleset:
    rule = {"name": "r", "condition": condition, "action": "pause_transfer"}
    return loads(json.dumps({"version": 1, "name": "x", "rules": [rule], **more}))


CASES = [
    ("gpu_memory > 90", "gpu_memory > 85", "gpu_memory 86 %"),
    ("gpu_memory >= 90", "gpu_memory >= 85", "gpu_memory 85 %"),
    ("gpu_memory < 20", "gpu_memory < 25", "gpu_memory 24 %"),
    ("gpu_memory > 85.5", "gpu_memory > 85", "gpu_memory 85.5 %"),
    ("gpu_memory_used > 70GiB", "gpu_memory_used > 65GiB", "gpu_memory_used 65 GiB + 1 B"),
    (
        "gpu_memory > 90 AND file_type == 'model' OR gpu_temperature > 80 AND transfer_size > 1GiB",
        "gpu_memory > 85 AND file_type == 'model' OR gpu_temperature > 75 AND transfer_size > 1GiB",
        "file_type 'model', gpu_memory 86 %",
    ),
    ("gpu_power > 300 OR pending_transfers > 10", "gpu_power > 300 OR pending_transfers > 8", "pending_transfers 9"),
    ("gpu_memory > 90", "gpu_memory > 90 OR gpu_power IS MISSING", "gpu_power missing"),
    ("any(gpu_memory > 90)", "any(gpu_memory > 85)", "gpu_memory 86 %"),
    ("transfer_age > 5m", "transfer_age > 4m", "transfer_age 4 m 1 s"),
    ("avg_over_time(gpu_memory[1m]) > 90", "avg_over_time(gpu_memory[1m]) > 85", "avg_over_time(gpu_memory[60s]) 86 %"),
    (
        "gpu_memory_used > 70GiB AND gpu_memory_total <= 80GiB",
        "gpu_memory_used > 60GiB AND gpu_memory_total <= 80GiB",
        "gpu_memory_total 80 GiB, gpu_memory_used 60 GiB + 1 B",
    ),
    (
        "active_training AND gpu_memory > 90",
        "active_training AND gpu_memory > 85",
        "active_training true, gpu_memory 86 %",
    ),
    (
        "NOT active_training AND gpu_memory > 90",
        "NOT active_training AND gpu_memory > 85",
        "active_training false, gpu_memory 86 %",
    ),
    ("gpu_index == 3 AND gpu_memory > 90", "gpu_index == 3 AND gpu_memory > 85", "gpu_index 3, gpu_memory 86 %"),
    ("host == 'a' OR gpu_memory > 90", "host == 'a' OR gpu_memory > 85", "gpu_memory 86 %"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "shown"), CASES)
def test_a_change_is_shown_by_facts_that_matter_near_the_limit(old: str, new: str, shown: str) -> None:
    (wider,) = compare(ruleset(old), ruleset(new)).changes
    assert str(wider.gained) == shown
    (narrower,) = compare(ruleset(new), ruleset(old)).changes
    assert str(narrower.lost) == shown


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hour >= 9 AND time_of_day < 10:00", "hour >= 8 AND time_of_day < 10:00"),
        ("weekday == 'thu' AND gpu_memory > 90", "weekday == 'thu' AND gpu_memory > 85"),
        ("time_of_day < 01:00 AND gpu_memory > 90", "time_of_day < 01:00 AND gpu_memory > 85"),
        ("pending_bytes < 1GiB AND gpu_memory > 90", "pending_bytes < 1GiB AND gpu_memory > 85"),
    ],
)
def test_what_the_clock_or_a_count_happens_to_be_is_no_reason_to_leave_it_out(old: str, new: str) -> None:
    (wider,) = compare(ruleset(old), ruleset(new)).changes
    assert wider.gained is not None
    read = {field.name for field in ir.fields(ruleset(new).rules[0].term)}
    assert {fact.term.field.name for fact in wider.gained.known if isinstance(fact.term, ir.Read)} == read


def test_numbers_that_are_moved_still_hang_together() -> None:
    (wider,) = compare(
        ruleset("hour >= 9 AND time_of_day < 10:00"), ruleset("hour >= 8 AND time_of_day < 10:00")
    ).changes
    assert wider.gained is not None
    node = wider.gained.node
    assert node["hour"] == 8
    assert isinstance(node["time_of_day"], int | float)
    assert 8 * 3600 <= node["time_of_day"] < 9 * 3600


SIGNALS = {"signals": {"full": {"condition": "gpu_memory > 80", "until": "gpu_memory < 70"}}}


def test_beside_a_state_stand_the_facts_that_it_follows_from_and_no_others() -> None:
    old, new = (f"full AND gpu_power > {limit} OR file_type == 'model'" for limit in (300, 200))
    (wider,) = compare(ruleset(old, **SIGNALS), ruleset(new, **SIGNALS)).changes
    assert str(wider.gained) == "gpu_memory 70 %, gpu_power 201 W, full on"


def test_a_state_that_does_not_matter_is_left_out_with_what_explains_it() -> None:
    old, new = (f"full AND gpu_power > 300 OR transfer_size > {limit}GiB" for limit in (2, 1))
    (wider,) = compare(ruleset(old, **SIGNALS), ruleset(new, **SIGNALS)).changes
    assert str(wider.gained) == "transfer_size 1 GiB + 1 B"


def always_known(known: Sequence[KnownFact], whole: Witness) -> Iterator[Mapping[str, Value]]:
    """Yield what else the facts of the node may be that are left out, of which none is ever missing."""
    reported = {fact.term for fact in known}
    left_out = [fact for fact in whole.known if fact.term not in reported and isinstance(fact.term, ir.Read)]
    node = [fact.term.field.name for fact in left_out if fact.slot is None and fact.term.field.always_known]
    options = {"active_training": (True, False), "pending_transfers": tuple(range(9))}
    for chosen in product(*(options[name] for name in node)):
        yield dict(zip(node, chosen, strict=True))


def shows(known: Sequence[KnownFact], claims: Sequence[TruthClaim], whole: Witness) -> bool:
    """Return whether facts, made into objects from scratch, show the claims, whatever the others of the node are."""
    for others in always_known(known, whole):
        more = [KnownFact(ir.Read(FIELDS[name]), None, value) for name, value in others.items()]
        witness = build_witness([*known, *more], len(whole.snapshot.gpus), (), frozenset())
        if not all(claim.holds(witness.facts) for claim in claims):
            return False
    return True


def assert_none_can_be_left_out(claims: Sequence[TruthClaim]) -> int:
    """Hold a minimized witness against every choice of some of its facts; return how many facts it has."""
    answer = Prover([claim.condition for claim in claims]).ask(claims)
    if not isinstance(answer, Sat) or len(answer.witness.snapshot.gpus) > 1:
        return 0
    whole = answer.witness
    found = minimize_witness(whole, claims)
    assert shows(found.known, claims, whole), str(found)
    for size in range(1, len(found.known)):
        for chosen in combinations(found.known, size):
            assert not shows(chosen, claims, whole), f"{', '.join(map(str, chosen))} are enough, of {found}"
        for chosen in combinations(whole.known, size):
            assert not shows(chosen, claims, whole), f"{', '.join(map(str, chosen))} are enough, beside {found}"
    return len(found.known)


@pytest.mark.parametrize(("old", "new", "shown"), [case for case in CASES if "over_time" not in case[0]])
def test_no_choice_of_fewer_facts_shows_it(old: str, new: str, shown: str) -> None:
    before, after = (ScopedCondition(ruleset(text).rules[0].term) for text in (old, new))
    assert assert_none_can_be_left_out([is_true(after), is_not_true(before)]) == shown.count(",") + 1


LEAVES = (
    "gpu_memory > 80", "gpu_power > 300", "gpu_temperature <= 70", "transfer_size > 1GiB", "file_type == 'model'",
    "active_training", "pending_transfers > 3", "gpu_throttled", "gpu_utilization BETWEEN 20 AND 40",
)  # fmt: skip


def condition(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.15:
        return random.choice(LEAVES)
    parts = [f"({condition(random, depth - 1)})" for _ in range(2)]
    return f"NOT {parts[0]}" if random.random() < 0.15 else random.choice((" AND ", " OR ")).join(parts)


def test_of_generated_conditions_no_choice_of_fewer_facts_shows_it() -> None:
    random, sizes = Random(7), []
    for _ in range(60):
        one, other = (ScopedCondition(ruleset(condition(random, 3)).rules[0].term) for _ in range(2))
        sizes.append(assert_none_can_be_left_out([is_true(one), is_not_true(other)]))
        sizes.append(assert_none_can_be_left_out([is_true(one), is_true(other)]))
    assert sum(size > 1 for size in sizes) > 30
