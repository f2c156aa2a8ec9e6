"""The index gives the rules that a walk over their trees gives, for every value of every field."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends import ExplainBackEnd, Facts, RuleTerm, contextual_index, specialization
from gpurules.backends import bitmap_columns as columns
from gpurules.backends.contextual_index import indexed_rule
from gpurules.backends.specialization import Specializer
from gpurules.fields import FIELDS, Scope, declared_field
from gpurules.language import Environment, parse
from gpurules.language.terms import patterns
from gpurules.model import Snapshot, Transfer, Workload
from tests.cases import examples

EXPLAIN = ExplainBackEnd()
DECLARED = {"urgent": declared_field("urgent", "bool", scope=Scope.TRANSFER)}
ENVIRONMENT = Environment({**FIELDS, **DECLARED})
SIZES = (0, 1, 2**53, 2**53 + 1, 2**62, 0.5, 1e300, 104857600)
PRIORITIES = (-5, -0.0, 0, 3, 3.5)
TEXTS = ("model", "dataset", "log", "")
PIECES = ("", "a", "ab", "ba", "aba", "/", "a/b", ".b", "B", "é", "\n", "[", "]", "日")
GLOBS = (
    "*",
    "a*",
    "*b",
    "a*b",
    "*b*",
    "ab*ba",
    "a*b*a",
    "?a*",
    "[ab]*b",
    "a?",
    "aba",
    "**",
    "a*[!b]",
    "[",
    "*]*",
    "é*",
)
PATHS = st.text(alphabet="ab/.Bé\n[]日\ud800", max_size=6)


def text_tests(draw: st.DrawFn, text: str) -> list[str]:
    """Return conditions on one text, alone and combined."""
    words = draw(st.lists(st.sampled_from(["STARTSWITH", "ENDSWITH", "CONTAINS"]), min_size=3, max_size=3))
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=3, max_size=3))
    one, two, three = [f"{text} {word} {piece!r}" for word, piece in zip(words, pieces, strict=True)]
    glob = f"{text} GLOB {draw(st.sampled_from(GLOBS))!r}"
    return [
        *(one, glob, f"NOT {glob}", f"NOT {one}", f"({one} OR {glob})", f"({one} AND NOT {two})"),
        f"NOT ({one} OR {two})",
        f"({one} OR {text} IS MISSING)",
        f"({one} AND {two} OR NOT {three})",
        f"({glob} OR {text} IN ('a', 'aba') OR {text} != 'ab')",
        f"NOT ({one} AND {text} == {pieces[0]!r})",
        f"({one} OR {text} == {text})",
    ]


@st.composite
def parts(draw: st.DrawFn) -> str:
    """Draw a condition on one field of a transfer or workload."""
    field, values = draw(st.sampled_from([("transfer_size", SIZES), ("transfer_priority", PRIORITIES)]))
    number = st.sampled_from([repr(value) if value >= 0 else f"-{-value!r}" for value in values])
    text = st.sampled_from([f"'{value}'" for value in TEXTS])
    name = draw(st.sampled_from(["operation", "workload_type", "workload_id"]))
    comparator = draw(st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]))
    atoms = [
        f"{field} {comparator} {draw(number)}",
        f"{draw(number)} {comparator} {field}",
        f"{draw(number)} <= {field} < {draw(number)}",
        f"{field} NOT BETWEEN {draw(number)} AND {draw(number)}",
        f"{field} IN ({draw(number)}, {draw(number)})",
        f"({field} < {draw(number)} OR {field} IS MISSING)",
        f"{field} IS MISSING",
        f"{field} IS NOT MISSING",
        f"NOT ({field} > {draw(number)} AND {field} != {draw(number)})",
        f"{name} == {draw(text)}",
        f"{name} != {draw(text)}",
        f"{name} NOT IN ({draw(text)}, {draw(text)})",
        f"{name} IS NOT MISSING",
        f"({name} == {draw(text)} OR {field} > {draw(number)})",
        "operation != workload_id",
        "NOT (operation == workload_id AND urgent)",
        f"workload_id GLOB {draw(st.sampled_from(['m*', '*', '[dl]*']))!r}",
        f"coalesce(transfer_priority, 3) {comparator} 3",
        *text_tests(draw, draw(st.sampled_from(["path", "file_name", "lower(path)", "workload_id"]))),
        "urgent",
        "NOT urgent",
        "urgent != FALSE",
    ]
    return draw(st.sampled_from(atoms))


TRANSFERS = st.builds(
    Transfer,
    size=st.none() | st.sampled_from(SIZES) | st.floats(0, 1e301) | st.integers(0, 2**63 - 1),
    priority=st.none() | st.sampled_from(PRIORITIES) | st.floats(-10, 10),
    operation=st.none() | st.sampled_from([*TEXTS, "other"]),
    workload_id=st.none() | st.sampled_from([*TEXTS, "other"]) | PATHS,
    path=st.none() | PATHS,
    labels=st.sampled_from([{}, {"urgent": True}, {"urgent": False}, {"urgent": 1}]),
)
WORKLOADS = st.builds(Workload, type=st.none() | st.sampled_from([*TEXTS, "other"]))


@settings(max_examples=examples(60))
@given(
    st.lists(st.lists(parts(), min_size=1, max_size=3), min_size=1, max_size=30),
    st.lists(st.tuples(TRANSFERS, WORKLOADS), min_size=1, max_size=20),
    st.sampled_from([1, columns.MAX_TABLE_BYTES]),
    st.sampled_from([1, 8]),
)
def test_the_index_and_the_tree_walk_agree(
    conditions: list[list[str]], asked: list[tuple[Transfer, Workload]], table_bytes: int, in_one_pass: int
) -> None:
    rules = []
    for condition in conditions:
        found = ENVIRONMENT.condition(parse(" AND ".join(condition)))
        assert found.term.datatype.kind.value == "bool", found.findings
        rules.append(RuleTerm(found.term, found.per_gpu))
    assert all(indexed_rule(rule) for rule in rules)
    with (
        patch.object(columns, "MAX_TABLE_BYTES", table_bytes),
        patch.object(specialization, "MIN_SHARING", 1),
        patch.object(contextual_index, "MIN_TEXTUAL", 1),
        patch.object(patterns, "MIN_IN_ONE_PASS", in_one_pass),
    ):
        specializer = Specializer(rules, None, min_indexed=1)
    snapshot = Snapshot(timestamp=1000.0)
    base, residual = specializer.specialize(Facts(snapshot, snapshot.gpus))
    assert base == 0
    assert residual is not None
    for transfer, workload in asked:
        facts = Facts(snapshot, snapshot.gpus, transfer, workload)
        wanted = sum(
            1 << position
            for position, rule in enumerate(rules)
            if EXPLAIN.evaluate(rule.term, rule.per_gpu, facts).value is True
        )
        assert residual(transfer, workload) == wanted
