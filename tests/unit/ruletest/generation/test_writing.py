"""GeneratedTests files, as people and the reader of tests see them."""

from gpurules.ruletest import read_tests
from gpurules.ruletest.generation.writing import WrittenTest, as_given, file_text


def test_a_file_reads_back_as_it_was_meant() -> None:
    one = WrittenTest("a: b", "r", {"transfer": {"path": "/a b"}}, {"rule": "r", "outcome": "match"})
    table = WrittenTest("t", "r", {}, columns=("gpu[0].memory", "outcome"), rows=[("80%", "match"), ("_", "unknown")])
    series = WrittenTest(
        "s", "r", {}, series={"gpu[0].memory": "70% 86%x3"}, interval=2,
        expects=[{"at": "2s", "rule": "r", "outcome": "suppressed", "because": "for"}],
    )  # fmt: skip
    text = file_text(["Written by a test."], "x.rules.yaml", [("r: what it is", [one, table, series])])
    tests, problems = read_tests(text, "x.test.yaml")
    assert problems == ()
    assert tests is not None
    assert [case.name for case in tests.cases] == ["a: b", "t [row 1]", "t [row 2]", "s"]
    played = tests.cases[-1]
    assert (played.interval, [sample.text for sample in played.series["gpu[0].memory"]]) == (2, ["70%", *3 * ["86%"]])
    assert [(e.at, e.outcome, e.because) for e in played.expect] == [(2, "suppressed", "for")]


def test_facts_are_given_with_units_and_ages() -> None:
    witness = {
        "snapshot": {"timestamp": 0.0, "gpus": [{"index": 0, "memory": 81, "labels": {"rack": "a"}}]},
        "transfer": {"size": 2**30, "created": -30.0},
        "node": {"active_training": True},
    }
    assert as_given(witness) == {
        "snapshot": {"gpus": [{"index": 0, "memory": "81%", "rack": "a"}]},
        "transfer": {"size": "1GiB", "age": "30s"},
        "node": {"active_training": True},
    }
