"""Which conditions about several fields are in the index: those that many rules share, and few of them."""

import pytest

from gpurules.backends.contextual_index import MAX_CONDITIONS, MIN_SHARING, indexed_rule, select_indexable
from gpurules.backends.python import RuleTerm
from gpurules.backends.specialization import Specializer
from tests.factories import checked

EITHER = "(file_type == 'model' OR transfer_priority > 5)"


def rule(text: str) -> RuleTerm:
    found = checked(text)
    return RuleTerm(found.term, found.per_gpu)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"transfer_size > 5 AND {EITHER}", 2),
        (f"gpu_memory > 5 AND {EITHER}", 1),
        ("path GLOB '/data/*'", 1),
        ("operation == 'read' AND gpu_memory_free < transfer_size", 0),
        ("transfer_size > 5 OR gpu_count > 1", 0),
        ("gpu_memory > 5", 0),
    ],
)
def test_parts_that_read_transfer_and_workload_alone_fit(text: str, count: int) -> None:
    found = indexed_rule(rule(text))
    assert (sum(len(s.parts) for s in found.subjects) if found else 0) == count


def fitting(rules: list[str]) -> list[int]:
    found = {n: fits for n, text in enumerate(rules) if (fits := indexed_rule(rule(text)))}
    return list(select_indexable(found, MIN_SHARING))


def test_a_condition_that_few_rules_share_is_left_to_them() -> None:
    rules = ["transfer_size > 5", *[f"transfer_size > {n} AND {EITHER}" for n in range(MIN_SHARING)]]
    assert fitting(rules) == [0, 1, 2, 3, 4]
    assert fitting(rules[:-1]) == [0]


def test_of_many_shared_conditions_those_that_most_rules_share_are_indexed() -> None:
    rules = [f"path MATCHES '/{n}/'" for n in range(MAX_CONDITIONS + 3) for _ in range(MIN_SHARING + (n == 5))]
    kept = fitting(rules)
    assert len(kept) == MAX_CONDITIONS * MIN_SHARING + 1
    assert {n for n, text in enumerate(rules) if "/5/" in text} <= set(kept)


def test_rules_that_share_a_condition_need_not_be_compiled() -> None:
    rules = [rule(f"gpu_memory > {n} AND {EITHER}") for n in range(20)]
    assert not Specializer(rules).is_compiled
    assert Specializer([rule(f"path GLOB '/{n}/*'") for n in range(20)]).is_compiled
    assert not Specializer([rule("path GLOB '/data/*'") for n in range(20)]).is_compiled
