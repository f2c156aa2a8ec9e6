"""Runs the real promtool over many tests in one process."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpurules.backends.promql import node_series, series_name
from gpurules.model import Snapshot

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt install prometheus)")
NODE = "n"


@dataclass(frozen=True)
class Query:
    """An expression and the samples that it has to have at a time, by their labels."""

    name: str
    expression: str
    expected: tuple[tuple[Mapping[str, str], float], ...]
    at: float = 0.0


def node_samples(snapshot: Snapshot, node: Mapping[str, Any] | None = None) -> Iterable[tuple[str, float]]:
    """Yield the series that an agent serves of a snapshot, each with its value."""
    return node_series(snapshot, NODE, node)


def seconds(value: float) -> str:
    """Return a time as promtool reads it."""
    return f"{round(value * 1000)}ms"


def query_test(series: Mapping[str, str], interval: float, queries: Sequence[Query]) -> dict[str, Any]:
    """Return one test: series in promtool's notation, and queries over them."""
    return {
        "interval": seconds(interval),
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": query.expression,
                "eval_time": seconds(query.at),
                "exp_samples": [
                    {"labels": series_name("", labels), "value": value} for labels, value in query.expected
                ],
            }
            for query in queries
        ],
    }


def run_promtool(
    tests: Sequence[Mapping[str, Any]], folder: Path, rules: str | None = None, interval: float | None = None
) -> list[str]:
    """Return what failed; all tests go into one process.

    Units: *interval* in seconds, at which rules are evaluated.
    Missing: *interval* None: at that of each test, of which one file is made for each.
    """
    files: dict[str, list[Mapping[str, Any]]] = {}
    for test in tests:
        files.setdefault(str(test["interval"]) if interval is None else seconds(interval), []).append(test)
    extra: dict[str, Any] = {}
    if rules is not None:
        (folder / "rules.yml").write_text(rules, encoding="utf-8")
        extra["rule_files"] = ["rules.yml"]
    paths = []
    for every, own in files.items():
        paths.append(folder / f"tests-{every}.yml")
        paths[-1].write_text(json.dumps({"evaluation_interval": every, "tests": own, **extra}), encoding="utf-8")
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "test", "rules", *map(str, paths)], capture_output=True, text=True, timeout=120)
    if done.returncode == 0:
        return []
    return [
        part.strip() for part in re.split(r"\n\s*(?=expr: |alertname: )", done.stdout + done.stderr) if part.strip()
    ]
