"""``gpurules eval``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.node_rules import RULESET, TRANSFER

SNAPSHOT = '{"gpus": [{"index": 0, "memory": 91, "temperature": 60}, {"index": 1, "memory": 40}, {"index": 2}]}'


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULESET)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("gpu_memory > 80", "true on GPU 0"),
        ("any(gpu_memory > 80)", "true"),
        ("gpu_memory > 95", "unknown"),
        ("gpu_memory IS NOT MISSING AND gpu_memory > 95", "false"),
        ("file_type == 'dataset'", "true"),
    ],
)
def test_a_condition_is_true_false_or_unknown(gpurules: Any, condition: str, said: str) -> None:
    done = gpurules("eval", condition, "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    assert (done.code, done.out, done.err) == (0, said + "\n", "")


def test_json_gives_value_and_devices(gpurules: Any) -> None:
    done = gpurules("eval", "gpu_memory > 80", "--snapshot", SNAPSHOT, "--format", "json")
    assert json.loads(done.out) == {"schema_version": 1, "value": True, "devices": [0]}


def test_verbose_shows_every_part(gpurules: Any) -> None:
    done = gpurules("eval", "gpu_memory > 80 AND gpu_temperature < 70", "--snapshot", SNAPSHOT, "-v")
    assert done.out.splitlines() == [
        "true on GPU 0",
        "",
        "                                             GPU 0    GPU 1       GPU 2",
        "  gpu_memory > 80 AND gpu_temperature < 70   ✓        ✗           ?",
        "  ├ gpu_memory > 80                          91 % ✓   40 % ✗      missing ?",
        "  └ gpu_temperature < 70                     60 C ✓   missing ?   missing ?",
    ]


def test_a_wrong_condition_is_1_with_its_place(gpurules: Any) -> None:
    done = gpurules("eval", "gpu_memroy > 80")
    assert (done.code, done.out) == (1, "")
    assert "--> <condition>:1:1" in done.err
    assert "\n 1 | gpu_memroy > 80\n   | ^^^^^^^^^^\n" in done.err


def test_a_warning_does_not_keep_it_from_being_evaluated(gpurules: Any) -> None:
    done = gpurules("eval", "file_type == 'modle'", "--transfer", TRANSFER)
    assert (done.code, done.out) == (0, "false\n")
    assert "GPR107" in done.err


def test_a_ruleset_is_evaluated_to_a_decision(gpurules: Any) -> None:
    done = gpurules("eval", "-r", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    assert done.out == "hold_large matched on GPU 0: delay_transfer\ndelay 30 s\n"


def test_the_decision_is_json_too(gpurules: Any) -> None:
    done = gpurules("eval", "-r", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER, "--format", "json")
    decision = json.loads(done.out)
    assert decision["delay"] == 30
    assert [match["rule"] for match in decision["matched"]] == ["hold_large"]


@pytest.mark.parametrize(
    "arguments", [(), ("gpu_memory > 1", "-r", "node.rules.yaml"), ("TRUE", "--snapshot", "no.json")]
)
def test_wrong_usage_is_2(gpurules: Any, arguments: tuple[str, ...]) -> None:
    assert gpurules("eval", *arguments).code == 2


def test_a_ruleset_that_does_not_load_is_1_with_its_findings(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(RULESET.replace("gpu_memory", "gpu_memroy"))
    done = gpurules("eval", "-r", "bad.yaml")
    assert (done.code, done.out) == (1, "")
    assert "--> bad.yaml:5:16" in done.err
    assert done.err.endswith("gpurules: 2 errors\n")


def test_a_ruleset_that_is_not_there_is_2(gpurules: Any) -> None:
    assert gpurules("eval", "-r", "none.yaml").code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gpu_memory > 80",), 0),
        (("gpu_memory > 95 AND gpu_temperature > 0",), 1),
        (("gpu_power > 5",), 1),
        (("-r", "node.rules.yaml", "--transfer", '{"path": "/m/a.safetensors"}'), 0),
        (("-r", "node.rules.yaml", "--transfer", '{"path": "/m/a.log", "size": 1}'), 1),
    ],
    ids=["true", "false", "unknown", "a rule matches", "no rule matches"],
)
def test_the_exit_code_says_what_is_true_where_it_is_asked_for(
    gpurules: Any, arguments: tuple[str, ...], code: int
) -> None:
    assert gpurules("eval", *arguments, "--snapshot", SNAPSHOT, "--exit-code").code == code
    assert gpurules("eval", *arguments, "--snapshot", SNAPSHOT).code == 0
    assert gpurules("eval", *arguments, "--snapshot", SNAPSHOT, "--exit-code", "--format", "json").code == code


def test_a_mistake_is_1_with_and_without_the_option(gpurules: Any) -> None:
    assert gpurules("eval", "gpu_memroy > 80", "--exit-code").code == 1
