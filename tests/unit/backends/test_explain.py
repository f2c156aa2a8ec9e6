"""Every part of a condition with its value per GPU."""

from gpurules.backends import ExplainBackEnd, explain, value_of
from gpurules.backends.backend import over_gpus
from tests.factories import checked, dataset, facts, gpu

TWO = (gpu(0, memory=78.1), gpu(1, memory=91), gpu(2))


def test_every_part_has_a_value_for_each_gpu() -> None:
    term = checked("gpu_memory > 80 AND file_type == 'model'").term
    reported = explain(term, facts(*TWO, transfer=dataset()))
    assert reported.to_dict() == {
        "text": "gpu_memory > 80 AND file_type == 'model'",
        "value": {"0": False, "1": False, "2": False},
        "parts": [
            {
                "text": "gpu_memory > 80",
                "value": {"0": False, "1": True, "2": None},
                "parts": [{"text": "gpu_memory", "value": {"0": 78.1, "1": 91, "2": None}}],
            },
            {
                "text": "file_type == 'model'",
                "value": False,
                "parts": [{"text": "file_type", "value": "dataset"}],
            },
        ],
    }


def test_an_aggregate_has_one_value_and_its_parts_one_per_gpu() -> None:
    reported = explain(checked("max(gpu_memory) > 90").term, facts(*TWO))
    (largest,) = reported.parts
    assert (reported.values, largest.values) == ((True,), (91,))
    assert largest.parts[0].values == (78.1, 91, None)


def test_over_no_gpu_there_is_no_value_and_the_result_is_false() -> None:
    reported = explain(checked("gpu_memory > 80").term, facts())
    assert reported.values == () and reported.is_per_gpu
    assert ExplainBackEnd().evaluate(checked("gpu_memory > 80").term, True, facts()).value is False


def test_the_result_is_the_or_over_the_gpus() -> None:
    gpus = TWO
    assert over_gpus([False, True, None], gpus).devices == (1,)
    assert over_gpus([False, True, None], gpus).value is True
    assert over_gpus([False, False, None], gpus).value is None
    assert over_gpus([False, False, False], gpus).value is False


def test_one_gpu_must_meet_all_parts() -> None:
    term = checked("gpu_memory > 80 AND gpu_temperature > 85").term
    apart = facts(gpu(0, memory=90, temperature=50), gpu(1, memory=50, temperature=90))
    together = facts(gpu(0, memory=90, temperature=90), gpu(1, memory=50, temperature=50))
    assert ExplainBackEnd().evaluate(term, True, apart).value is False
    assert ExplainBackEnd().evaluate(term, True, together).devices == (0,)


def test_a_value_is_that_of_one_gpu() -> None:
    term = checked("gpu_memory > avg(gpu_memory)").term
    here = facts(*TWO)
    assert [value_of(term, here, place) for place in range(3)] == [False, True, None]
