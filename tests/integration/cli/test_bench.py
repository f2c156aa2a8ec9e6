"""``gpurules bench``: what decisions of a ruleset cost on this machine."""

import json
from typing import Any

from gpurules.cli.bench.measuring import HAND, _snapshot, _transfer, rules_by_hand
from gpurules.rules import load

WAYS = {
    HAND, "evaluate, a new snapshot each", "observe, a snapshot", "decide, a new transfer",
    "decide, a transfer seen before", "decide_many, per transfer",
}  # fmt: skip


def test_every_way_is_measured_beside_rules_by_hand(gpurules: Any) -> None:
    done = gpurules("bench", "--seconds", 0.01, "--gpus", 2, "--output-format", "json")
    data = json.loads(done.out)
    assert (done.code, data["ruleset"], data["rules"], data["gpus"]) == (0, "default", 4, 2)
    assert {timing["name"] for timing in data["timings"]} == WAYS
    for timing in data["timings"]:
        found = timing["nanoseconds"]
        assert 0 < found["least"] <= found["median"] <= found["largest"]
        assert timing["ratio_to_hand_written"] > 0
    assert data["timings"][0]["ratio_to_hand_written"] == 1
    assert data["engine_memory_bytes"] > 1000


def test_the_picture_has_a_bar_for_each_way(gpurules: Any) -> None:
    done = gpurules("bench", "gpurules:thermal", "--seconds", 0.01)
    assert done.code == 0
    assert done.out.startswith("thermal: ")
    assert sum("█" in line for line in done.out.splitlines()) == len(WAYS)


def test_a_ruleset_that_is_not_there_is_refused(gpurules: Any) -> None:
    assert gpurules("bench", "none.yaml").code == 2
    assert gpurules("bench", "--gpus", "-1").code == 2


def test_the_rules_by_hand_are_those_of_the_default_ruleset() -> None:
    default = load("gpurules:default")
    for number in range(200):
        snapshot, transfer = _snapshot(number, 1 + number % 3), _transfer(number)
        assert sorted(rules_by_hand(snapshot, transfer)) == sorted(default.evaluate(snapshot, transfer).rules)
