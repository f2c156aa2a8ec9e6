"""``gpurules test`` plays what a store has of a node through the rules, as it plays any recording."""

from pathlib import Path
from typing import Any

import pytest

from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import GPU, Snapshot
from tests.factories import NEW_YEAR

RULES = """
version: 1
name: node
rules:
  - {name: hot, condition: gpu_temperature > 85, action: log}
"""
TESTS = """
version: 1
kind: gpurules/test
rulesets: [node.rules.yaml]
replay:
  - {name: incident, history: "%s", expect: {rule: hot, matches_between: [%s]}}
"""


def record(place: Path, node: str, temperatures: list[float | None], start: float = NEW_YEAR) -> None:
    with StoreWriter(Storage(place), node, 60.0) as writer:
        for n, temperature in enumerate(temperatures):
            writer.add(Snapshot(timestamp=start + 60.0 * n, gpus=(GPU(index=0, temperature=temperature),)))


@pytest.fixture
def tested(tmp_path: Path, gpurules: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.rules.yaml").write_text(RULES)

    def run(history: str, between: str, *options: str) -> Any:
        (tmp_path / "node.test.yaml").write_text(TESTS % (history, between))
        return gpurules("test", "node.test.yaml", *options)

    return run


def test_the_matches_in_a_store_are_counted(tested: Any, tmp_path: Path) -> None:
    record(tmp_path / "store", "n1", [80, 90, 80, 90, 91, 80])
    assert tested("store", "2, 2").code == 0
    done = tested("store", "3, 9")
    assert done.code == 1 and "2 in 6 snapshots" in done.out


def test_a_match_goes_on_from_one_day_to_the_next(tested: Any, tmp_path: Path) -> None:
    record(tmp_path / "store", "n1", [90, 90, 90, 90], start=NEW_YEAR + 86_400 - 120)
    assert len(list((tmp_path / "store").rglob("date=*"))) >= 2
    assert tested("store", "1, 1").code == 0


def test_one_node_of_several_is_named(tested: Any, tmp_path: Path) -> None:
    record(tmp_path / "store", "n1", [80, 80])
    record(tmp_path / "store", "n2", [90, 90])
    done = tested("store", "0, 9")
    assert done.code == 1 and "is a store of 2 nodes" in done.out and "?node=NAME" in done.out
    assert tested("store?node=n1", "0, 0").code == 0
    assert tested("store?node=n2", "1, 1").code == 0
    done = tested("store?node=n3", "0, 9")
    assert done.code == 1 and "n1, n2" in done.out


@pytest.mark.parametrize(
    ("span", "matches"),
    [
        ("from=2026-01-01T00:02", 1),
        ("from=2026-01-01T00:01&to=2026-01-01T00:04", 2),
        ("from=2026-01-01T02:03%2B02:00", 1),
        ("to=2026-01-01T00:01", 0),
    ],
)
def test_a_span_of_time_is_replayed(tested: Any, tmp_path: Path, span: str, matches: int) -> None:
    record(tmp_path / "store", "n1", [80, 90, 80, 90, 91, 80])
    assert tested(f"store?node=n1&{span}", f"{matches}, {matches}").code == 0


@pytest.mark.parametrize("history", ["store", "h.jsonl"])
def test_a_rule_in_shadow_mode_counts_as_if_it_were_in_force(tested: Any, tmp_path: Path, history: str) -> None:
    record(tmp_path / "store", "n1", [80, 90, 80, 90])
    lines = (f'{{"timestamp": {n}, "gpus": [{{"index": 0, "temperature": {80 + 10 * (n % 2)}}}]}}\n' for n in range(4))
    (tmp_path / "h.jsonl").write_text("".join(lines))
    (tmp_path / "node.rules.yaml").write_text(RULES.replace("name: hot,", "name: hot, mode: shadow, stop: true,"))
    assert tested(history, "2, 2").code == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_store_is_read_in_every_process_and_for_every_mutant(tested: Any, tmp_path: Path, jobs: str) -> None:
    record(tmp_path / "store", "n1", [85, 86, 85])
    done = tested("store", "1, 1", "--mutate", "--jobs", jobs)
    assert done.code == 0 and "mutant" in done.out


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ("store?gpus=2", "has no option 'gpus'"),
        ("store?from=2026-06-01", "no snapshot in this range; its days are 2026-01-01 to 2026-01-01"),
        ("store?to=2025-06-01", "no snapshot in this range"),
        ("store?from=2026-01-01T10:00", "has no snapshot"),
        ("store?from=2026-01-02&to=2026-01-01", "2026-01-02 is not before its end 2026-01-01"),
        ("store?from=monday", "'monday' is not a time; write it as 2026-01-01"),
        ("empty", "no recorded telemetry"),
        ("none", "no such file"),
        ("unread", "has no snapshot"),
        ("unknown", "gpu_temperature is missing"),
    ],
)
def test_what_cannot_be_played_fails_the_test_with_its_reason(
    tested: Any, tmp_path: Path, history: str, reason: str
) -> None:
    record(tmp_path / "store", "n1", [80])
    (tmp_path / "empty").mkdir()
    record(tmp_path / "unknown", "n1", [None])
    record(tmp_path / "unread", "n1", [80])
    for path in (tmp_path / "unread").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    done = tested(history, "0, 0")
    assert done.code == 1
    assert reason in " ".join(done.out.split()) and "Traceback" not in done.err


def test_damage_beside_what_is_read_is_in_the_report(tested: Any, tmp_path: Path) -> None:
    record(tmp_path / "store", "n1", [80, 90])
    record(tmp_path / "store", "n1", [80, 90], start=NEW_YEAR + 7200)
    first = min(path for path in (tmp_path / "store").rglob("*.parquet") if "telemetry" in str(path))
    first.write_bytes(first.read_bytes()[:-20])
    done = tested("store", "1, 1", "--verbose")
    assert done.code == 0 and "not used, first" in " ".join(done.out.split())


def test_without_the_extra_the_message_says_what_to_install(
    tested: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "store", "n1", [80])
    monkeypatch.setattr("gpurules.cli.extras.find_spec", lambda name: None)
    done = tested("store", "0, 0", "--jobs", "1")
    assert done.code == 1 and "pip install 'gpurules[history]'" in " ".join(done.out.split())


SIGNALS = """
version: 1
name: node
signals:
  warm: {condition: gpu_temperature > 85}
  full: {condition: max(gpu_memory) > 90, until: max(gpu_memory) < 80}
  both: {condition: full AND warm}
rules:
"""


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{name: hot, condition: warm, action: log}", "the signal 'warm', which it reads, is never known"),
        ("{name: hot, condition: NOT warm, action: log}", "'warm'"),
        ("{name: hot, condition: gpu_memory > 50 OR warm, action: log}", "'warm'"),
        ("{name: hot, condition: both, action: log}", "'warm'"),
        ("{name: hot, condition: gpu_temperature > 85, for: 1m, action: log}", "its condition is never known"),
        ("{name: hot, condition: full, action: log}", None),
        ("{name: hot, condition: gpu_memory > 50, for: 1m, action: log}", None),
    ],
)
def test_a_signal_that_is_never_known_fails_the_replay_of_a_rule_that_reads_it(
    tested: Any, tmp_path: Path, rule: str, reason: str | None
) -> None:
    (tmp_path / "node.rules.yaml").write_text(f"{SIGNALS}  - {rule}\n")
    with StoreWriter(Storage(tmp_path / "store"), "n1", 60.0) as writer:
        for n in range(5):
            writer.add(Snapshot(timestamp=NEW_YEAR + 60.0 * n, gpus=(GPU(index=0, memory=85),)))
    done = tested("store", "0, 9")
    assert done.code == int(reason is not None)
    if reason is not None:
        assert reason in done.out and "gpu_temperature is missing" in done.out


def test_a_signal_that_is_known_in_one_late_snapshot_is_known(tested: Any, tmp_path: Path) -> None:
    (tmp_path / "node.rules.yaml").write_text(f"{SIGNALS}  - {{name: hot, condition: warm, action: log}}\n")
    record(tmp_path / "store", "n1", [None] * 133 + [80.0] + [None] * 5)
    assert tested("store", "0, 0").code == 0
