"""Every condition case that PromQL can say, in promtool and in a server: where it is TRUE, FALSE, or neither."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql import PromqlBackEnd, node_series
from tests.conformance.test_conditions import VALUED, checked
from tests.conformance.vectors import Vector
from tests.prometheus_server import ask, backfill, needs_prometheus, prometheus_server, sample_line
from tests.promtool import NODE, Query, needs_promtool, query_test, run_promtool

REASONS = (
    r"there are no series per (transfer|workload), which \w+ needs",
    r"gpurules has no metric for \w+",
    r"-?\d+ is not exact in PromQL, which has doubles only",
    r"PromQL extrapolates (rate|delta) to the edges of its window, the language does not",
    r"PromQL can match a label, but not compute a string",
)
"""All that may be said of a condition that is left out."""

ROUNDED = "sums are added in the order of the GPUs, and rounded at each step"
"""The group of cases about the last bit of a sum: Prometheus adds series in any order."""


def truths(vector: Vector) -> dict[str, list[Any]]:
    """Return on which GPUs (or None: the node) the engine finds a case TRUE and FALSE."""
    condition, snapshot = checked(vector), vector.snapshot()
    facts = Facts(snapshot, snapshot.gpus, **vector.about())
    found: dict[str, list[Any]] = {"true": [], "false": []}
    places: list[int | None] = list(range(len(snapshot.gpus))) if condition.per_gpu else [None]
    for place in places:
        value = value_of(condition.term, facts, place)
        if value is not None:
            found["true" if value else "false"].append(None if place is None else snapshot.gpus[place].index)
    return found


@dataclass(frozen=True)
class PromqlCase:
    """A condition as PromQL: where it is TRUE and where it is FALSE, and where each has to have a sample."""

    vector: Vector
    expressions: dict[str, str]
    expected: dict[str, list[Any]]

    @property
    def at(self) -> float:
        return self.vector.snapshot().timestamp

    def series(self, node: str) -> dict[str, float]:
        return dict(node_series(self.vector.snapshot(), node, self.vector.about().get("node")))


def promql_cases(reasons: Counter[str]) -> Iterator[PromqlCase]:
    """Yield each case that PromQL can say; count why others are left out."""
    for vector in [vector for vector in VALUED if ROUNDED not in vector.id]:
        condition = checked(vector)
        try:
            pair = PromqlBackEnd().emit_truth(condition.term, condition.per_gpu)
        except UnsupportedError as error:
            fitting = [pattern for pattern in REASONS if re.fullmatch(pattern, str(error))]
            assert len(fitting) == 1, (vector.id, str(error))
            reasons[fitting[0]] += 1
            continue
        by = "instance, gpu" if condition.per_gpu else "instance"
        said = {"true": pair.true.text, "false": pair.false.text}
        yield PromqlCase(vector, {word: f"group by ({by}) ({text})" for word, text in said.items()}, truths(vector))


@needs_promtool
def test_every_case_that_it_can_say_has_the_truth_of_the_engine(tmp_path: Path) -> None:
    queries_at: dict[tuple[float, str], list[Query]] = {}
    reasons = Counter[str]()
    for case in promql_cases(reasons):
        series = json.dumps({name: f"_ {value!r}" for name, value in case.series(NODE).items()})
        for word, expression in case.expressions.items():
            labels = [{"instance": NODE} | ({} if g is None else {"gpu": str(g)}) for g in case.expected[word]]
            query = Query(f"{case.vector.id} {word}", expression, tuple((one, 1.0) for one in labels), case.at)
            queries_at.setdefault((case.at, series), []).append(query)
    tests = [query_test(json.loads(series), at, queries) for (at, series), queries in queries_at.items()]
    failed = run_promtool(tests, tmp_path)
    assert not failed, (len(failed), failed[:12])
    assert sum(map(len, queries_at.values())) > 2 * 200
    assert set(reasons) == set(REASONS)


@needs_prometheus
@pytest.mark.slow
def test_every_case_that_it_can_say_has_the_truth_of_the_engine_in_a_server(tmp_path: Path) -> None:
    cases, families = list(promql_cases(Counter())), dict[str, list[str]]()
    for number, case in enumerate(cases):  # each is a node of its own, as several are about one time
        for name, value in case.series(f"n{number}").items():
            families.setdefault(name.partition("{")[0], []).append(sample_line(name, value, case.at))
    backfill(tmp_path, families)
    wrong = []
    with prometheus_server(tmp_path, "global: {}\n", "--query.lookback-delta=1s") as server:
        for number, case in enumerate(cases):
            for word, expression in case.expressions.items():
                found = ask(server, "query", query=expression, time=case.at)
                own = [one["metric"].get("gpu") for one in found if one["metric"]["instance"] == f"n{number}"]
                expected = [None if gpu is None else str(gpu) for gpu in case.expected[word]]
                if sorted(own, key=str) != sorted(expected, key=str):
                    wrong.append((case.vector.id, word, own, expected))
    assert not wrong, (len(wrong), wrong[:12])
    assert len(cases) > 200
