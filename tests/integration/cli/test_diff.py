"""``gpurules diff``."""

import json
from pathlib import Path
from typing import Any

import pytest

OLD = """\
version: 1
name: node
rules:
  - {name: hold, condition: gpu_memory > 80, action: delay_transfer, parameters: {delay: 30s}}
  - {name: stage, condition: transfer_size > 1GiB, action: stage_transfer}
  - {name: stop, condition: gpu_temperature > 90, action: pause_transfer}
"""
NEW = """\
version: 1
name: node
settings: {max_delay: 1m}
define: {full: gpu_memory > 75}
rules:
  - {name: hold, condition: full, action: delay_transfer, parameters: {delay: 1m}}
  - {name: stage, condition: NOT transfer_size <= 1GiB, action: stage_transfer}
  - {name: cool, condition: gpu_temperature > 95, action: pause_transfer}
"""
TEXT = """\
old.yaml → new.yaml: 3 of 4 rules changed

hold  looser, action
  - gpu_memory > 80
  + gpu_memory > 75
  now matches: gpu_memory 76 %
  delay_transfer: delay 30 s → 1 m

cool  added
  + gpu_temperature > 95

stop  removed
  - gpu_temperature > 90

settings
  settings.max_delay 5 m → 1 m
"""
MARKDOWN = """\
### old.yaml → new.yaml: 3 of 4 rules changed

| Rule | Change | Condition | Witness |
| --- | --- | --- | --- |
| `hold` | looser, action | `gpu_memory > 80` → `gpu_memory > 75` | now matches: gpu_memory 76 %<br>delay_transfer: delay 30 s → 1 m |
| `cool` | added | `gpu_temperature > 95` |  |
| `stop` | removed | `gpu_temperature > 90` |  |

- settings.max_delay 5 m → 1 m
"""  # noqa: E501


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)


def test_it_says_rule_by_rule_what_changed(gpurules: Any) -> None:
    done = gpurules("diff", "old.yaml", "new.yaml")
    assert (done.code, done.out, done.err) == (1, TEXT, "")


def test_markdown_is_for_pull_requests(gpurules: Any) -> None:
    assert gpurules("diff", "old.yaml", "new.yaml", "--format", "markdown").out == MARKDOWN


def test_json_has_the_witnesses(gpurules: Any) -> None:
    done = gpurules("diff", "old.yaml", "new.yaml", "--format", "json")
    data = json.loads(done.out)
    assert (done.code, data["schema_version"], data["same"]) == (1, 1, 1)
    assert [(rule["rule"], rule["kinds"]) for rule in data["rules"]] == [
        ("hold", ["looser", "action"]),
        ("cool", ["added"]),
        ("stop", ["removed"]),
    ]
    assert data["rules"][0]["now_matches"]["snapshot"]["gpus"] == [{"index": 0, "memory": 76}]


def test_a_witness_is_what_the_evaluator_says(gpurules: Any) -> None:
    witness = json.loads(gpurules("diff", "old.yaml", "new.yaml", "--format", "json").out)["rules"][0]["now_matches"]
    snapshot = json.dumps(witness["snapshot"])
    assert "hold matched" in gpurules("explain", "new.yaml", "hold", "--snapshot", snapshot).out
    assert "hold did not match" in gpurules("explain", "old.yaml", "hold", "--snapshot", snapshot).out


def test_what_means_the_same_is_0(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "same.yaml").write_text(OLD.replace("gpu_memory > 80", "NOT gpu_memory <= 80%"))
    done = gpurules("diff", "old.yaml", "same.yaml")
    assert (done.code, done.out) == (0, "old.yaml → same.yaml: no rule changed (3 rules)\n")


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        (["--allow", "looser,action,added,removed,settings"], 0),
        (["--allow", "looser,action", "--allow", "added,removed,settings"], 0),
        (["--allow", "looser,added,removed,settings"], 1),
        (["--allow", "looser,action,added,removed"], 1),
    ],
)
def test_what_is_allowed_is_no_finding(gpurules: Any, allowed: list[str], code: int) -> None:
    assert gpurules("diff", "old.yaml", "new.yaml", *allowed).code == code


def test_a_change_that_there_is_not_cannot_be_allowed(gpurules: Any) -> None:
    done = gpurules("diff", "old.yaml", "new.yaml", "--allow", "loser")
    assert done.code == 2
    assert "did you mean 'looser'?" in done.err


def test_decisions_over_a_recording_are_counted(gpurules: Any, tmp_path: Path) -> None:
    lines = [
        {"timestamp": 1767225600.0 + 5 * n, "gpus": [{"index": 0, "memory": m}]} for n, m in enumerate((60, 78, 85))
    ]
    (tmp_path / "node.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "transfers.jsonl").write_text('{"id": "t-1", "size": 5, "created": 6}\n')
    done = gpurules("diff", "old.yaml", "new.yaml", "--history", "node.jsonl", "--transfers", "transfers.jsonl")
    printed_text = done.out[done.out.index("history") :]
    assert printed_text == (
        "history\n"
        "  3 snapshots, 4 decisions: 3 have a different outcome, 0 the same outcome from other rules\n"
        "  rule  matched before  now\n"
        "  hold  1               3\n"
    )
    data = json.loads(gpurules("diff", "old.yaml", "new.yaml", "--history", "node.jsonl", "--format", "json").out)
    assert (data["history"]["decisions"], data["history"]["changed"]) == (3, 2)


def test_nothing_is_wider_than_the_terminal(gpurules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = " OR ".join(f"(gpu_memory > {n} AND gpu_temperature < {n})" for n in range(10, 90, 10))
    (tmp_path / "new.yaml").write_text(OLD.replace("gpu_memory > 80", long))
    done = gpurules("diff", "old.yaml", "new.yaml")
    assert max(map(len, done.out.splitlines())) <= 80


def test_bad_rulesets_are_1_and_missing_ones_2(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(OLD.replace("gpu_memory", "gpu_memroy"))
    done = gpurules("diff", "old.yaml", "bad.yaml")
    assert (done.code, done.out) == (1, "")
    assert "bad.yaml:4" in done.err
    assert gpurules("diff", "old.yaml", "none.yaml").code == 2
    assert gpurules("diff", "old.yaml").code == 2
    assert gpurules("diff", "-", "-").code == 2
    assert gpurules("diff", "old.yaml", "new.yaml", "--history", "none.jsonl").code == 2
    assert gpurules("diff", "old.yaml", "new.yaml", "--transfers", "new.yaml").code == 2


def test_a_recording_that_is_none_is_2(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("not json\n")
    assert gpurules("diff", "old.yaml", "new.yaml", "--history", "x.jsonl").code == 2


def test_the_report_may_go_to_a_file(gpurules: Any, tmp_path: Path) -> None:
    done = gpurules("diff", "old.yaml", "new.yaml", "--output-file", "out.txt")
    assert (done.code, done.out) == (1, "")
    assert (tmp_path / "out.txt").read_text() == TEXT


def test_a_recording_without_a_header_is_read_by_its_columns(gpurules: Any, tmp_path: Path) -> None:
    (tmp_path / "smi.csv").write_text("2026/01/01 10:00:00.000, 50\n2026/01/01 10:00:05.000, 60\n")
    arguments = ("diff", "old.yaml", "new.yaml", "--history", "smi.csv")
    assert gpurules(*arguments).code == 2
    done = gpurules(*arguments, "--columns", "timestamp,temperature.gpu")
    assert "2 snapshots, 2 decisions" in done.out
    assert "--columns requires --history" in gpurules("diff", "old.yaml", "new.yaml", "--columns", "timestamp").err
