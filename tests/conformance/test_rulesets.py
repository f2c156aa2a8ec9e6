"""Every ruleset case: stateless, and step by step through the engine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpurules.engine import Engine
from gpurules.linter import lint
from gpurules.model import Transfer
from gpurules.rules import RulesetError, load
from gpurules.rules.program import Program
from tests.conformance.vectors import Vector, joined, vectors

STATELESS = vectors("ruleset")
LOADING = [v for v in STATELESS if "errors" not in v.case["expect"]]
FAILING = [v for v in STATELESS if "errors" in v.case["expect"]]
SEQUENCES = vectors("sequence")


def has_signals(vector: Vector) -> bool:
    """Return whether a case has timers, or signals, which an engine, unlike a single snapshot, never finds unknown."""
    texts = [joined(vector.case["ruleset"]), *vector.case.get("files", {}).values()]
    return any(word in text for text in texts for word in ("signals:", "for:"))


WITHOUT_SIGNALS = [v for v in LOADING if not has_signals(v)]


def written(vector: Vector, folder: Path) -> Path:
    for name, text in vector.case.get("files", {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    text = joined(vector.case["ruleset"])
    if vector.case.get("crlf"):
        text = text.replace("\n", "\r\n")
    path = folder / "case.yaml"
    bom = b"\xef\xbb\xbf" if vector.case.get("bom") else b""
    path.write_bytes(bom + text.encode(vector.case.get("encoding", "utf-8")))
    return path


def compare(decision: Any, expect: dict[str, Any]) -> None:
    if "matched" in expect:
        names = [next(iter(m)) if isinstance(m, dict) else m for m in expect["matched"]]
        assert [m.rule for m in decision.matched] == names
        for match, wanted in zip(decision.matched, expect["matched"], strict=True):
            if isinstance(wanted, dict):
                assert sorted(map(str, match.devices)) == sorted(map(str, wanted[match.rule]))
    for key, value in expect.get("decision", {}).items():
        found = getattr(decision, key)
        assert (found.area if key == "stage" and found is not None else found) == value, key


PATHS = pytest.mark.parametrize("min_indexed", [1, 10**9], ids=["indexed", "specialised"])


@PATHS
@pytest.mark.parametrize("vector", LOADING, ids=lambda v: v.id)
def test_the_ruleset_decides_as_expected(
    vector: Vector, tmp_path: Path, min_indexed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "min_indexed", min_indexed)
    monkeypatch.setattr(Program, "min_looked_up", min_indexed)
    ruleset = load(written(vector, tmp_path))
    snapshot = vector.snapshot()
    others = [replace(snapshot) for _ in ("by a function for any GPUs", "by one for these")]
    for asked in (*others, snapshot, snapshot, snapshot):
        decision = ruleset.evaluate(asked, **vector.about())
        compare(decision, vector.case["expect"])


@PATHS
@pytest.mark.parametrize("vector", WITHOUT_SIGNALS, ids=lambda v: v.id)
def test_an_engine_decides_on_the_first_snapshot_as_expected(
    vector: Vector, tmp_path: Path, min_indexed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "min_indexed", min_indexed)
    snapshot, about = vector.snapshot(), vector.about()
    engine = Engine(load(written(vector, tmp_path)), clock=lambda: snapshot.timestamp)
    engine.observe(snapshot, node=about.get("node"))
    transfer, workload = about.get("transfer") or Transfer(), about.get("workload")
    for decision in (engine.decide(transfer, workload), *engine.decide_many([transfer, transfer], workload)):
        compare(decision, vector.case["expect"])


@PATHS
@pytest.mark.parametrize("vector", SEQUENCES, ids=lambda v: v.id)
def test_the_engine_decides_as_expected_at_every_step(
    vector: Vector, tmp_path: Path, min_indexed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "min_indexed", min_indexed)
    monkeypatch.setattr(Program, "min_looked_up", min_indexed)
    now = 0.0
    engine = Engine(load(written(vector, tmp_path)), clock=lambda: now)
    for step in vector.case["sequence"]:
        now = step["at"]
        snapshot = vector.snapshot({"timestamp": now, "gpus": step.get("gpus", []), "host": step.get("host")})
        engine.observe(snapshot, node=step.get("node"))
        transfer = Transfer.from_dict(step.get("transfer", {"id": "probe"}))
        for decision in (engine.decide(transfer), *engine.decide_many([transfer, transfer])):
            compare(decision, step)


@pytest.mark.parametrize("vector", FAILING, ids=lambda v: v.id)
def test_every_problem_of_the_file_is_reported(vector: Vector, tmp_path: Path) -> None:
    path = written(vector, tmp_path)
    found = [(d.kind, d.line) for d in lint(path) if d.severity == "error"]
    for wanted in vector.case["expect"]["errors"]:
        kinds = [wanted["kind"]] if isinstance(wanted["kind"], str) else wanted["kind"]
        lines = [wanted["line"]] if "line" in wanted else [line for _, line in found]
        assert any((kind, line) in found for kind in kinds for line in lines), (wanted, found)
    with pytest.raises(RulesetError):
        load(path)
