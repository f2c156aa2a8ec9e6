"""Generates the test driver's reader of snapshots, which derives columns of the state from JSON as gpurules does."""

from pathlib import Path

from gpurules.backends.go.spelling import literal
from gpurules.backends.native.identifiers import camel
from gpurules.backends.native.program import NativePlan
from gpurules.backends.native.schema import Column
from gpurules.language.terms import ir
from gpurules.model import Kind
from gpurules.model.gpu import NUMBERS
from gpurules.model.ranges import range_of

RUNTIME = Path(__file__).resolve().parent / "runtime" / "driver"
_READS = {Kind.NUMBER: "number", Kind.STRING: "text", Kind.BOOL: "truth"}


def _window(column: Column, value: str) -> str:
    """Return the value of a window over one sample; one over a definition is missing unless the agent provides it."""
    if isinstance(column.term, ir.Window) and column.term.operand is not None:
        return "rules.Number{}"
    match column.function:
        case "count_over_time":
            return f"ifKnown({value}, rules.Int(1))"
        case "stddev_over_time" | "changes":
            return f"ifKnown({value}, rules.Float(0))"
        case "delta" | "rate" | "increase" | "deriv" | "predict_linear":
            return "rules.Number{}"
        case _:
            return value


def _gpu(column: Column) -> str:
    field = column.field
    if field is None:
        return f"signalOf(signals, {literal(_signal(column))}, index)"
    read = _READS[field.datatype.kind]
    if field.declared:
        value = f"{read}(labels[{literal(field.name)}])"
    elif field.attribute == "index_number":
        value = "indexNumber(index)"
    else:
        value = f"{read}(gpu[{literal(field.attribute)}])"
    return _given(column, _window(column, value) if column.is_window else value, "index")


def _given(column: Column, value: str, place: str) -> str:
    return f"windowOf(windows, {literal(column.name)}, {place}, {value})" if column.is_window else value


def _signal(column: Column) -> str:
    assert isinstance(column.term, ir.Signal)
    return column.term.name


def _node(column: Column) -> str:
    field = column.field
    if field is None:
        return f"signalOf(signals, {literal(_signal(column))}, rules.Index{{}})"
    read = _READS[field.datatype.kind]
    value = f"{read}(nodeValue({literal(field.name)}))"
    return _given(column, _window(column, value) if column.is_window else value, "rules.Index{}")


def snapshot_source(planned: NativePlan) -> str:
    """Return the source that converts a snapshot to a state."""
    schema = planned.schema
    width = max(len(literal(name)) for name in NUMBERS) + 1
    rows = [f"\t{(literal(name) + ':').ljust(width)} {{{_limits(name)}}}," for name in NUMBERS]
    lines = [
        "// timezone is that of the ruleset.",
        f"const timezone = {literal(planned.program.timezone)}",
        "",
        "// ranges are the values that each number of a GPU can have; what is outside is missing.",
        "var ranges = map[string][2]float64{",
        *rows,
        "}",
        "",
        "func fillGPU(g *rules.GPU, gpu, labels, signals, windows object, index rules.Index) {",
        *[f"\tg.{camel(column.identifier)} = {_gpu(column)}" for column in schema.gpu],
        "}",
        "",
        "func fillNode(s *rules.State, nodeValue func(name string) any, signals, windows object) {",
        *[f"\ts.{camel(column.identifier)} = {_node(column)}" for column in schema.node],
        "}",
    ]
    return (RUNTIME / "snapshot.go").read_text(encoding="utf-8").rstrip() + "\n\n" + "\n".join(lines) + "\n"


def _limits(name: str) -> str:
    limits = range_of(name)
    most = "math.MaxFloat64" if limits.maximum is None else repr(float(limits.maximum))
    return f"{float(limits.minimum)!r}, {most}"
