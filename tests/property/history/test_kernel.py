"""The kernel and the engine agree on random histories: the same rows, truths, matches, masks and transitions."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.columnar import ColumnarBackEnd
from gpurules.backends.facts import Facts
from gpurules.backends.python import PythonBackEnd
from gpurules.language.terms import ir
from gpurules.model import Snapshot
from gpurules.rules import loads
from tests.factories import checked
from tests.history_cases import differences, history_of, outcomes, ruleset_of
from tests.history_differential import main
from tests.strategies import conditions, situations


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5, 13, 100]))
def test_the_kernel_does_what_the_engine_does(seed: int, batch: int) -> None:
    rng = random.Random(seed)
    assert differences(ruleset_of(rng), history_of(rng), batch) == []


@given(st.data())
def test_the_columnar_back_end_agrees_or_says_that_it_cannot(data: st.DataObject) -> None:
    found = checked(data.draw(conditions()))
    drawn = data.draw(situations(ir.fields(found.term)))
    facts = Facts(drawn.snapshot, drawn.snapshot.gpus, drawn.transfer, drawn.workload, drawn.node)
    try:
        ours = ColumnarBackEnd().evaluate(found.term, found.per_gpu, facts)
    except UnsupportedError:
        return
    assert ours == PythonBackEnd().evaluate(found.term, found.per_gpu, facts)


def test_the_last_xid_error_of_a_lost_gpu_gets_older_in_the_kernel_too() -> None:
    rule = {"name": "new", "condition": "gpu_xid == 79 AND gpu_xid_age < 30s", "action": "log"}
    document = {
        "version": 1,
        "name": "xids",
        "settings": {"forget_gpu_after": "5m"},
        "rules": [{**rule, "parameters": {"message": "xid"}}],
    }
    failing = [{"index": 0, "uuid": "GPU-a", "xid": 79, "xid_age": 1.0}]
    observed = [
        (Snapshot.from_dict({"timestamp": 1000.0 + 5 * n, "gpus": failing if n < 3 else []}), {}) for n in range(20)
    ]
    ruleset = loads(json.dumps(document))
    assert differences(ruleset, observed, 100) == []
    _, engine = outcomes(ruleset, observed, 100)
    assert engine[0].rules["new"].true.any()


def test_the_kernel_refuses_little_of_random_rulesets() -> None:
    refused = total = 0
    for seed in range(150):
        rng = random.Random(seed)
        ruleset = ruleset_of(rng)
        ours, _ = outcomes(ruleset, history_of(rng), 100)
        total += len(ruleset.rules) + len(ruleset.signals)
        refused += len(ours[-1].refused)
    assert refused < total / 10


def test_a_sample_of_the_long_comparison_agrees() -> None:
    assert main(1_000_000, 40) == 0
