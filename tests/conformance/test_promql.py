"""Every condition case that PromQL can say, through the real promtool: where it is TRUE, where FALSE, where neither."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from gpurules.backends import Facts, value_of
from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql import PromqlBackEnd
from tests.conformance.test_conditions import VALUED, checked
from tests.conformance.vectors import Vector
from tests.promtool import NODE, Query, needs_promtool, node_samples, query_test, run_promtool

REASONS = (
    r"there are no series of each (transfer|workload), as \w+ needs",
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


@needs_promtool
def test_every_case_that_it_can_say_has_the_truth_of_the_engine(tmp_path: Path) -> None:
    moments: dict[tuple[float, str], list[Query]] = {}
    reasons = Counter[str]()
    for vector in [vector for vector in VALUED if ROUNDED not in vector.id]:
        condition = checked(vector)
        try:
            pair = PromqlBackEnd().emit_truth(condition.term, condition.per_gpu)
        except UnsupportedError as error:
            fitting = [pattern for pattern in REASONS if re.fullmatch(pattern, str(error))]
            assert len(fitting) == 1, (vector.id, str(error))
            reasons[fitting[0]] += 1
            continue
        snapshot = vector.snapshot()
        at = snapshot.timestamp
        series = {name: f"_ {value!r}" for name, value in node_samples(snapshot, vector.about().get("node"))}
        expected = truths(vector)
        by = "instance, gpu" if condition.per_gpu else "instance"
        queries = [
            Query(
                f"{vector.id} {word}",
                f"group by ({by}) ({expression.text})",
                tuple(
                    ({"instance": NODE} if place is None else {"instance": NODE, "gpu": str(place)}, 1.0)
                    for place in expected[word]
                ),
                at,
            )
            for word, expression in (("true", pair.true), ("false", pair.false))
        ]
        moments.setdefault((at, json.dumps(series)), []).extend(queries)
    tests = [query_test(json.loads(series), at, queries) for (at, series), queries in moments.items()]
    failed = run_promtool(tests, tmp_path)
    assert not failed, (len(failed), failed[:12])
    assert sum(map(len, moments.values())) > 2 * 200
    assert set(reasons) == set(REASONS)
