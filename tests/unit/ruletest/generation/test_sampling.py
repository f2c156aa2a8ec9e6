"""Phases of facts as series."""

from gpurules.ruletest.case import Data
from gpurules.ruletest.generation.sampling import lay_out


def gpu(**facts: object) -> Data:
    return {"snapshot": {"gpus": [{"index": 0, **facts}]}}


def test_what_changes_is_a_series_and_what_does_not_is_given() -> None:
    low, high = gpu(memory="70%", name="A"), gpu(memory="86%", name="A")
    assert lay_out([(low, 1), (high, 12), (low, 2)]) == (
        {"snapshot": {"gpus": [{"index": 0, "name": "A"}]}},
        {"gpu[0].memory": "70% 86%x12 70%x2"},
    )


def test_phases_that_are_alike_are_one_run() -> None:
    laid = lay_out([(gpu(power="3W"), 2), (gpu(power="3W"), 3), (gpu(power="4W"), 1)])
    assert laid is not None
    assert laid[1] == {"gpu[0].power": "3Wx5 4W"}


def test_a_fact_that_only_some_phases_have_is_missing_in_the_others() -> None:
    laid = lay_out([({"node": {"active_training": True}}, 2), ({}, 1)])
    assert laid == ({}, {"node.active_training": "truex2 _"})


def test_a_phase_without_samples_leaves_nothing() -> None:
    laid = lay_out([(gpu(power="3W"), 1), (gpu(power="4W"), 0), (gpu(power="5W"), 1)])
    assert laid is not None
    assert laid[1] == {"gpu[0].power": "3W 5W"}


def test_what_a_series_cannot_say_is_none() -> None:
    for one, other in (("a b", "c"), ("ax1", "y"), ("1-2x3", "y")):
        assert lay_out([({"transfer": {"path": one}}, 1), ({"transfer": {"path": other}}, 1)]) is None
    assert lay_out([({"snapshot": {"host": "a"}}, 1), ({"snapshot": {"host": "b"}}, 1)]) is None
    assert lay_out([({"workload": {"gpu_devices": [0]}}, 1), ({"workload": {"gpu_devices": [1]}}, 1)]) is None
