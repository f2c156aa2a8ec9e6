"""A transfer is the same however it is read from JSON: at a glance, or one fact by one."""

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from gpurules.model import Transfer

NAMES = ("id", "path", "size", "priority", "operation", "created", "duration", "file_type", "framework", "workload_id")
ODD = st.sampled_from(
    [None, "", "a.pt", 0, -1, 7, True, 2**63, -(2**63), 10**400, 0.5, -0.0, -2.5, float("nan"), float("inf"), [], {}]
)
USUAL = st.fixed_dictionaries(
    {}, optional={"id": st.text(max_size=3), "path": st.just("/m/a.pt"), "size": st.integers(-1, 9), "created": ODD}
)
LABELS = st.sampled_from([None, {}, {"team": "a"}, {1: 2}, [], "x"])


@given(st.dictionaries(st.sampled_from([*NAMES, "missing", "other", 1]), ODD, max_size=6) | USUAL, LABELS)
def test_a_dictionary_is_read_like_any_other_mapping(data: dict[object, object], labels: object) -> None:
    for given_labels in ({}, {"labels": labels}):
        facts = {**data, **given_labels}
        at_a_glance, one_by_one = Transfer.from_dict(facts), Transfer.from_dict(MappingProxyType(facts))
        assert repr(at_a_glance) == repr(one_by_one)
        assert dict(at_a_glance.missing) == dict(one_by_one.missing)
        assert at_a_glance.labels == one_by_one.labels


def test_labels_are_a_copy() -> None:
    labels = {"team": "a"}
    transfer = Transfer.from_dict({"labels": labels})
    labels["team"] = "b"
    assert transfer.labels == {"team": "a"}
