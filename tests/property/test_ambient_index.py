"""How rules stand on a snapshot is what a walk over their trees gives, for every reading, window and signal."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends import ExplainBackEnd, Facts, RuleTerm, SlotLayout, slot_key
from gpurules.backends import bitmap_columns as columns
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD
from gpurules.backends.specialization import Specializer
from gpurules.fields import FIELDS
from gpurules.language import Environment, parse
from gpurules.language.terms import ir
from gpurules.model import GPU, Snapshot, Transfer
from tests.cases import examples

EXPLAIN = ExplainBackEnd()
NAMES = ("A", "", "B", "A*", "*C", "a")
PERCENTS = (0, 50, 79.5, 80, 100)
LIMITS = tuple(f"{value}%" for value in PERCENTS)
SIGNALS = {"hot": "gpu_temperature > 80", "full": "gpu_memory > 80", "quiet": "gpu_count == 0"}
ENVIRONMENT = Environment(FIELDS, {}, {name: parse(text) for name, text in SIGNALS.items()})
WINDOWS = ("avg_over_time(gpu_power[1m])", "max_over_time(active_workloads[5m])")
SLOTS = [
    slot_key(t)
    for text in WINDOWS
    for t in ir.walk(ENVIRONMENT.expression(parse(text)).term)
    if isinstance(t, ir.Window)
]
LAYOUT = SlotLayout(
    {SLOTS[0]: 0, ("signal", "hot"): 1, ("signal", "full"): 2},
    {SLOTS[1]: 0, ("signal", "hot"): 1, ("signal", "full"): 2, ("signal", "quiet"): 3},
)


@st.composite
def parts(draw: st.DrawFn) -> str:
    """Draw a condition on one thing that a snapshot decides, or now and then on a transfer."""
    field = draw(st.sampled_from(["gpu_memory", "gpu_utilization", "max(gpu_memory)", "avg(gpu_utilization)"]))
    comparator = draw(st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]))
    low, high = draw(st.sampled_from(LIMITS)), draw(st.sampled_from(LIMITS))
    test = draw(st.sampled_from(["STARTSWITH", "ENDSWITH", "CONTAINS", "GLOB"]))
    atoms = [
        f"{field} {comparator} {low}",
        f"{low} {comparator} {field}",
        f"{low} <= {field} < {high}",
        f"{field} NOT BETWEEN {low} AND {high}",
        f"{field} IN ({low}, {high})",
        f"({field} < {low} OR {field} IS MISSING)",
        f"{field} IS NOT MISSING",
        f"{WINDOWS[0]} {comparator} {draw(st.sampled_from(['50W', '80W']))}",
        f"{WINDOWS[1]} {comparator} {draw(st.sampled_from(['0', '2']))}",
        f"gpu_name {draw(st.sampled_from(['==', '!=']))} {draw(st.sampled_from(['A', 'B']))!r}",
        f"gpu_name {test} {draw(st.sampled_from(NAMES))!r}",
        f"NOT gpu_name GLOB {draw(st.sampled_from(NAMES))!r}",
        f"(host CONTAINS {draw(st.sampled_from(NAMES))!r} OR host IS MISSING)",
        "gpu_throttled",
        "NOT gpu_throttled",
        f"any(gpu_memory > {low})",
        f"count(gpu_memory > {low}) {comparator} 1",
        f"gpu_count {comparator} 1",
        "active_training",
        *SIGNALS,
        "NOT hot",
        "gpu_memory > gpu_utilization",
        "transfer_size > 5",
        "transfer_size IS MISSING",
    ]
    return draw(st.sampled_from(atoms))


GPUS = st.lists(
    st.fixed_dictionaries(
        {
            "memory": st.none() | st.sampled_from(PERCENTS) | st.floats(0, 100),
            "utilization": st.none() | st.sampled_from(PERCENTS),
            "name": st.sampled_from([None, "A", "C", "ABC", ""]),
            "throttled": st.sampled_from([None, True, False]),
        }
    ),
    max_size=3,
)


@st.composite
def facts_of_node(draw: st.DrawFn) -> Facts:
    """Draw a snapshot with rows of windows and signals; the node's row says of which some GPU is on."""
    gpus = tuple(GPU(index=index, uuid=f"GPU-{index}", **drawn) for index, drawn in enumerate(draw(GPUS)))
    values, flags = st.sampled_from([None, 0, 50, 80, 85.5]), st.booleans()
    rows = tuple((draw(values), draw(flags), draw(flags)) for _ in gpus)
    somewhere = [any(row[place] for row in rows) for place in (1, 2)]
    node_row = (draw(st.sampled_from([None, 0, 1, 2, 3])), *somewhere, draw(flags))
    node = draw(st.sampled_from([{}, {"active_training": True}]))
    snapshot = Snapshot(timestamp=1000.0, gpus=gpus, host=draw(st.sampled_from([None, "A", "BAC"])))
    return Facts(snapshot, gpus, node=node, layout=LAYOUT, rows=rows, node_row=node_row)


@settings(max_examples=examples(120))
@given(
    st.lists(st.lists(parts(), min_size=1, max_size=3), min_size=1, max_size=30),
    st.lists(facts_of_node(), min_size=1, max_size=4),
    st.sampled_from([1, columns.MAX_TABLE_BYTES]),
)
def test_what_is_looked_up_is_what_the_tree_walk_gives(
    conditions: list[list[str]], asked: list[Facts], table_bytes: int
) -> None:
    rules = []
    for condition in conditions:
        found = ENVIRONMENT.condition(parse(" AND ".join(condition)))
        assert found.term.datatype.kind.value == "bool", found.findings
        rules.append(RuleTerm(found.term, found.per_gpu))
    with patch.object(columns, "MAX_TABLE_BYTES", table_bytes):
        specializer = Specializer(rules, LAYOUT, min_indexed=1)
    for facts in asked:
        base, residual = specializer.specialize(facts)
        for transfer in (NO_TRANSFER, Transfer(size=9), Transfer(size=1)):
            mask = base if residual is None else residual(transfer, NO_WORKLOAD)
            about = Facts(
                facts.snapshot, facts.gpus, transfer, node=facts.node, layout=LAYOUT, rows=facts.rows,
                node_row=facts.node_row,
            )  # fmt: skip
            for position, rule in enumerate(rules):
                wanted = EXPLAIN.evaluate(rule.term, rule.per_gpu, about).value is True
                assert bool(mask >> position & 1) is wanted, conditions[position]
