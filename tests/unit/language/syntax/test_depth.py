"""Deep and long conditions: what the language allows works on every walk, and what it does not is a finding."""

import pytest

from gpurules import GPU, Condition, ConditionError, Snapshot
from gpurules.language import parse
from gpurules.language.syntax import nodes
from gpurules.language.terms.printer import show

SNAPSHOT = Snapshot(gpus=(GPU(index=0, memory_used=90, memory_total=100, power=5.0),))
ALLOWED = {
    "a sum in each bracket": "1 + (" * 199 + "1" + ")" * 199 + " > 1",
    "a sum and a product in each bracket": "1 + 1 * (" * 150 + "1" + ")" * 150 + " > 1",
    "connectives in turn": "gpu_memory > 1 OR (gpu_memory > 2 AND (" * 99 + "TRUE" + "))" * 99,
    "functions": "abs(" * 199 + "gpu_power" + ")" * 199 + " > 1W",
    "minus signs": "-" * 200 + "5 > 3",
    "truths compared with truths": "(" * 150 + "gpu_memory > 1" + ") == TRUE" * 1 + ")" * 149,
    "a long flat sum": "gpu_power" + " + gpu_power" * 5000 + " > 1W",
    "a long flat AND": " AND ".join(["gpu_memory > 80"] * 3000),
}


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_the_language_allows_is_checked_evaluated_explained_and_printed(text: str) -> None:
    condition = Condition(text)
    assert condition.evaluate(SNAPSHOT).value is True
    assert condition.explain(SNAPSHOT).values == (True,)
    tree = parse(text).tree
    assert tree is not None and not isinstance(tree, nodes.ListLiteral)
    assert parse(show(tree)).tree is not None


@pytest.mark.parametrize("text", ["(" * 201 + "TRUE" + ")" * 201, "NOT " * 201 + "TRUE", "-" * 201 + "5 < 3"])
def test_one_level_more_is_a_finding(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition(text)
    assert [d.code for d in caught.value.diagnostics] == ["GPR009"]
