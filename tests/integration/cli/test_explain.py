"""``gpurules explain``."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpurules import Snapshot, Transfer, loads
from tests.integration.cli.node_rules import RULESET, TRANSFER

SNAPSHOT = """{"gpus": [{"index": 0, "memory": 78.1}, {"index": 1, "memory": 91},
  {"index": 2, "missing": {"memory": "NOT_SUPPORTED"}}]}"""
WITH_A_DISABLED_RULE = f"""{RULESET}\
  - {{name: "off", condition: gpu_memory > 80, action: pause_transfer, enabled: false}}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "node.rules.yaml").write_text(WITH_A_DISABLED_RULE)


def test_it_says_why_a_rule_did_not_match_and_what_would_have_made_it(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "weights_first", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "weights_first did not match",
        "",
        "                                             GPU 0         GPU 1    GPU 2",
        "  gpu_memory > 80 AND file_type == 'model'   ✗             ✗        ✗",
        "  ├ gpu_memory > 80                          78.1 % ✗      91 % ✓   missing ?",
        "  └ file_type == 'model'                     'dataset' ✗",
        "",
        "  gpu_memory 78.1 % is not > 80 and file_type is 'dataset', not 'model' (GPU 0); file_type is",
        "  'dataset', not 'model' (GPU 1, 2)",
        "  Nearest: file_type 'model' instead of 'dataset' would match on GPU 1.",
        "  GPU 2 reports no gpu_memory (NOT_SUPPORTED).",
    ]


def test_it_says_what_would_have_kept_a_rule_from_matching(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "hold_large", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    assert done.out.startswith("hold_large matched on GPU 1\n")
    assert "\n  Nearest: gpu_memory 80 % instead of 91 % on GPU 1 would not match.\n" in done.out


def test_it_goes_through_all_rules(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    heads = [line for line in done.out.splitlines() if line and not line.startswith(" ")]
    assert heads == ["weights_first did not match", "hold_large matched on GPU 1", "off was suppressed (disabled)"]


def test_printing_an_explanation_in_python_gives_what_the_command_prints(
    gpurules: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ruleset, snapshot, transfer = loads(WITH_A_DISABLED_RULE), json.loads(SNAPSHOT), json.loads(TRANSFER)
    explained = ruleset.evaluate(Snapshot.from_dict(snapshot), Transfer.from_dict(transfer)).explain()
    done = gpurules("explain", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    one = gpurules("explain", "node.rules.yaml", "hold_large", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    capsys.readouterr()
    print(explained)
    assert capsys.readouterr().out == done.out
    print(explained.rule("hold_large"))
    assert capsys.readouterr().out == one.out


def test_nothing_is_wider_than_the_terminal(gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = gpurules("explain", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER)
    assert max(map(len, done.out.splitlines())) <= 80


def test_json_has_the_nearest_change_as_data(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "--snapshot", SNAPSHOT, "--transfer", TRANSFER, "--format", "json")
    first, second, off = json.loads(done.out)["rules"]
    assert first["outcome"] == "no-match"
    assert first["nearest"]["changes"] == [{"name": "file_type", "gpu": None, "before": "dataset", "after": "model"}]
    assert first["nearest"]["devices"] == [1]
    assert first["unreported"] == ["GPU 2 reports no gpu_memory (NOT_SUPPORTED)"]
    assert second["nearest"]["matches"] is False
    assert off["nearest"] is None


def test_without_facts_all_is_unknown(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "--snapshot", '{"gpus": [{}]}', "--format", "json")
    assert [rule["outcome"] for rule in json.loads(done.out)["rules"]] == ["unknown", "unknown", "suppressed"]


def test_a_rule_that_is_not_there_is_2(gpurules: Any) -> None:
    done = gpurules("explain", "node.rules.yaml", "weight_first")
    assert done.code == 2
    assert "did you mean 'weights_first'?" in done.err


def test_a_ruleset_that_does_not_load_is_1(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(WITH_A_DISABLED_RULE.replace("gpu_memory", "gpu_memroy"))
    assert gpurules("explain", "bad.yaml").code == 1


@pytest.mark.parametrize("arguments", [(), ("none.yaml",), ("node.rules.yaml", "--snapshot", "no.json")])
def test_wrong_usage_is_2(gpurules: Any, arguments: tuple[str, ...]) -> None:
    assert gpurules("explain", *arguments).code == 2


@pytest.mark.parametrize("width", [80, 100])
def test_where_not_every_gpu_has_a_column_one_of_each_outcome_has(
    gpurules: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    gpus = [{"index": n, "memory": 97 if n == 11 else 10 + n} for n in range(12)]
    done = gpurules("explain", "node.rules.yaml", "hold_large", "--snapshot", json.dumps({"gpus": gpus}),
                    "--transfer", TRANSFER)  # fmt: skip
    head = done.out.splitlines()[2].split("GPU")
    assert head[1].strip() == "0"  # one that is not over the limit, and the one that is
    assert head[-1].split() == ["11", "and", str(13 - len(head)), "more"]
    assert all(len(line) <= width for line in done.out.splitlines())
