"""Hypothesis: conditions as text, facts, and rulesets, all from the catalogue of fields.

A condition is built by type: whatever is drawn is well typed, and every operator, function, aggregate and window of the
language comes up. Facts are drawn for the fields that a condition reads, so that they matter to it; every fact may be
missing, and numbers are often extreme, or equal to a literal.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hypothesis import strategies as st

from gpurules.backends import Facts, SlotLayout, slot_key
from gpurules.diagnostics import CATALOGUE, Severity
from gpurules.fields import AMBIENT, FIELDS, Field, Scope
from gpurules.language import Checked
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS, Family
from gpurules.language.terms.printer import quote
from gpurules.model import GPU, UNITS, Dimension, Kind, Snapshot, Transfer, Workload
from tests.factories import checked

NUMBERS = (0, 1, 2, 50, 79.5, 80, 85, 100, 0.1, 1e9, 2**53, 2**53 + 1, 2**63 - 1, 1e15, 1e308, 5e-324)
TEXTS = (
    "",
    "a",
    "model",
    "Model",
    "/m/model.safetensors",
    "/data/a b.tar",
    "nvidia",
    "mon",
    "it's",
    'say "x"',
    "Ünïcode",
)
GLOBS = ("*", "", "*.safetensors", "/data/*", "[ab]*", "[!a]*", "?", "[", "mod[e]l")
PATTERNS = ("", "^/m/", "model$", "[0-9]+", "(?i)MODEL", "a|b", r"\\.tar")
WINDOWS = ("30s", "1m", "1h30m")
SCALES = {
    dimension: [unit.name for unit in UNITS.values() if unit.dimension is dimension] or [""] for dimension in Dimension
}
SHARED = tuple(d for d in Dimension if d not in (Dimension.NONE, Dimension.CELSIUS))
POSITION = {Scope.GPU: "gpus", Scope.NODE: "node", Scope.TRANSFER: "transfer", Scope.WORKLOAD: "workload"}


@dataclass(frozen=True)
class Grammar:
    """What may be drawn: how deep, of which scopes, whether aggregates may stand here, and which signals there are."""

    depth: int = 3
    scopes: frozenset[Scope] = frozenset(Scope)
    aggregates: bool = True
    per_gpu: bool = False
    signals: tuple[str, ...] = ()

    @property
    def deeper(self) -> "Grammar":
        return Grammar(self.depth - 1, self.scopes, self.aggregates, self.per_gpu, self.signals)

    @property
    def inside_aggregate(self) -> "Grammar":
        return Grammar(min(self.depth - 1, 1), frozenset(Scope) & self.scopes, False, True, self.signals)

    def fields(self, kind: Kind, dimension: Dimension = Dimension.NONE) -> list[str]:
        return [
            name
            for name, field in FIELDS.items()
            if field.scope in self.scopes
            and field.datatype.kind is kind
            and field.datatype.dimension is (dimension if kind is Kind.NUMBER else Dimension.NONE)
        ]


def _spell_number(value: float) -> str:
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def literals(dimension: Dimension) -> st.SearchStrategy[str]:
    """Return numbers of *dimension*, or bare ones, which take it."""
    numbers = st.sampled_from(NUMBERS[:12]).map(_spell_number)
    units = st.sampled_from([*SCALES[dimension], ""]) if dimension is not Dimension.NONE else st.just("")
    plain = st.builds(lambda n, u: n if "e" in n and u else n + u, numbers, units)
    if dimension is Dimension.SECONDS:
        return plain | st.sampled_from(["22:00", "06:30", "1h30m", "1d2h"])
    return plain


def _over_time(draw: st.DrawFn, dimension: Dimension, grammar: Grammar) -> str | None:
    names = [
        n
        for n in grammar.fields(Kind.NUMBER, dimension)
        if FIELDS[n].scope in AMBIENT and (not grammar.per_gpu or FIELDS[n].is_per_gpu)
    ]
    if not names:
        return None
    window = f"{draw(st.sampled_from(names))}[{draw(st.sampled_from(WINDOWS))}]"
    functions = [
        n
        for n, f in FUNCTIONS.items()
        if f.family is Family.WINDOW and n not in ("rate", "deriv", "count_over_time", "changes")
    ]
    match draw(st.sampled_from(functions)):
        case "quantile_over_time":
            return f"quantile_over_time({draw(st.sampled_from(['0', '0.5', '1']))}, {window})"
        case "predict_linear":
            return f"predict_linear({window}, {draw(st.sampled_from(['60s', '-30s', '1']))})"
        case name:
            return f"{name}({window})"


@st.composite
def numbers(draw: st.DrawFn, dimension: Dimension, grammar: Grammar) -> str:
    """Draw an expression that is a number of *dimension*, in brackets where it is not an atom."""
    names = grammar.fields(Kind.NUMBER, dimension)
    if grammar.per_gpu:
        names = [n for n in names if FIELDS[n].is_per_gpu]
    if grammar.depth <= 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(names)) if names and draw(st.integers(0, 4)) else draw(literals(dimension))
    inner, atom = grammar.deeper, lambda d=dimension: draw(numbers(d, grammar.deeper))
    choices: list[Callable[[], str | None]] = [
        lambda: f"({atom()} {draw(st.sampled_from('+-'))} {_named(draw, dimension, inner) or atom()})",
        lambda: f"(-{atom()})",
        lambda: f"({atom()} {draw(st.sampled_from('*/'))} {draw(literals(Dimension.NONE))})",
        lambda: f"{draw(st.sampled_from(['abs', 'round', 'floor', 'ceil']))}({atom()})",
        lambda: f"{draw(st.sampled_from(['least', 'greatest', 'coalesce']))}({atom()}, {atom()})",
        lambda: _over_time(draw, dimension, grammar),
    ]
    if dimension in SHARED:
        shares = st.sampled_from(["80%", "(-5%)", "200%"])
        choices.append(lambda: f"({draw(shares)} * {own})" if (own := _named(draw, dimension, inner)) else None)
    if dimension is Dimension.NONE:
        other = draw(st.sampled_from([Dimension.BYTES, Dimension.PERCENT, Dimension.SECONDS]))
        choices.append(lambda: f"({_named(draw, other, inner) or '1s'} / {_named(draw, other, inner) or '1s'})")
        choices.append(lambda: f"length({draw(strings(inner))})")
        if grammar.aggregates and Scope.GPU in grammar.scopes:
            choices.append(lambda: f"count({draw(conditions(grammar.inside_aggregate))})")
    if dimension is Dimension.SECONDS and not grammar.per_gpu and Scope.TRANSFER in grammar.scopes:
        choices.append(lambda: f"(transfer_size / {draw(st.sampled_from(['1MB/s', '200Mbps', 'gpu_pcie_rx']))})")
    if grammar.aggregates and Scope.GPU in grammar.scopes and _per_gpu_names(grammar, dimension):
        choices.append(
            lambda: (
                f"{draw(st.sampled_from(['max', 'min', 'avg', 'sum']))}"
                f"({draw(st.sampled_from(_per_gpu_names(grammar, dimension)))}"
                f"{draw(st.sampled_from(['', ' * 2', ' / 3']))})"
            )
        )
    return draw(st.sampled_from(choices))() or atom()


def _per_gpu_names(grammar: Grammar, dimension: Dimension) -> list[str]:
    return [n for n in grammar.fields(Kind.NUMBER, dimension) if FIELDS[n].is_per_gpu]


def _named(draw: st.DrawFn, dimension: Dimension, grammar: Grammar) -> str | None:
    """Draw a field: what has a dimension of its own, so that nothing else must have it."""
    names = grammar.fields(Kind.NUMBER, dimension)
    if grammar.per_gpu:
        names = [n for n in names if FIELDS[n].is_per_gpu] or names
    return draw(st.sampled_from(names)) if names else None


@st.composite
def strings(draw: st.DrawFn, grammar: Grammar) -> str:
    """Draw an expression that is a text."""
    names = grammar.fields(Kind.STRING)
    if grammar.depth <= 0 or draw(st.integers(0, 2)) == 0:
        if names and draw(st.booleans()):
            return draw(st.sampled_from(names))
        return quote(draw(st.sampled_from(TEXTS)))
    inner = strings(grammar.deeper)
    match draw(st.sampled_from(["lower", "upper", "coalesce"])):
        case "coalesce":
            return f"coalesce({draw(inner)}, {draw(inner)})"
        case name:
            return f"{name}({draw(inner)})"


def _chain(draw: st.DrawFn, grammar: Grammar) -> str:
    dimension = draw(st.sampled_from(Dimension))
    inner = numbers(dimension, grammar.deeper)
    comparators = draw(st.sampled_from([("<", "<="), (">", ">="), ("==",), ("!=",)]))
    links = 1 if comparators == ("!=",) else draw(st.integers(1, 2))
    return draw(inner) + "".join([f" {draw(st.sampled_from(comparators))} {draw(inner)}" for _ in range(links)])


def _membership(draw: st.DrawFn, grammar: Grammar) -> str:
    inner = draw(st.sampled_from([strings(grammar.deeper), numbers(draw(st.sampled_from(Dimension)), grammar.deeper)]))
    members = draw(st.lists(inner, min_size=1, max_size=3))
    return f"{draw(inner)} {draw(st.sampled_from(['', 'NOT ']))}IN ({', '.join(members)})"


def _text_test(draw: st.DrawFn, grammar: Grammar) -> str:
    operator = draw(st.sampled_from(["CONTAINS", "STARTSWITH", "ENDSWITH", "GLOB", "MATCHES"]))
    patterns = {"GLOB": GLOBS, "MATCHES": PATTERNS}.get(operator, TEXTS)
    pattern = quote(draw(st.sampled_from(patterns)))
    if operator != "MATCHES" and draw(st.integers(0, 3)) == 0:
        pattern = draw(strings(grammar.deeper))
    return f"{draw(strings(grammar.deeper))} {draw(st.sampled_from(['', 'NOT ']))}{operator} {pattern}"


def _bool_atom(draw: st.DrawFn, grammar: Grammar) -> str:
    names = [*grammar.fields(Kind.BOOL), *grammar.signals, "TRUE", "FALSE"]
    return draw(st.sampled_from(names))


def _missing_test(draw: st.DrawFn, grammar: Grammar) -> str:
    operand = draw(
        st.sampled_from(
            [
                lambda: draw(numbers(draw(st.sampled_from(Dimension)), grammar.deeper)),
                lambda: draw(strings(grammar.deeper)),
                lambda: f"({draw(conditions(grammar.deeper))})",
                lambda: _bool_atom(draw, grammar),
            ]
        )
    )()
    return f"{operand} IS {draw(st.sampled_from(['', 'NOT ']))}MISSING"


@st.composite
def conditions(draw: st.DrawFn, grammar: Grammar = Grammar()) -> str:
    """Draw the text of a condition that has no error (warnings it may have)."""
    if grammar.per_gpu:  # the argument of an aggregate: it must read something of a GPU
        own = draw(st.sampled_from(["gpu_memory > 80", "gpu_throttled", "gpu_temperature <= 85C", "gpu_name == 'a'"]))
        word = draw(st.sampled_from(["AND", "OR"]))
        free = Grammar(grammar.depth, grammar.scopes, False, False, grammar.signals)
        return own if grammar.depth <= 0 else f"{own} {word} ({draw(conditions(free))})"
    if grammar.depth <= 0:
        return _bool_atom(draw, grammar)
    inner = conditions(grammar.deeper)
    choices: list[Callable[[], str]] = [
        lambda: _chain(draw, grammar),
        lambda: _chain(draw, grammar),
        lambda: _membership(draw, grammar),
        lambda: _text_test(draw, grammar),
        lambda: _missing_test(draw, grammar),
        lambda: _bool_atom(draw, grammar),
        lambda: f"NOT ({draw(inner)})",
        lambda: f"({draw(inner)}) AND ({draw(inner)})",
        lambda: f"({draw(inner)}) OR ({draw(inner)})",
        lambda: f"({draw(inner)}) AND ({draw(inner)}) AND NOT ({draw(inner)})",
        lambda: f"coalesce({_bool_atom(draw, grammar)}, {draw(inner)})",
        lambda: f"({_bool_atom(draw, grammar)}) {draw(st.sampled_from(['==', '!=']))} ({draw(inner)})",
        lambda: _between(draw, grammar),
    ]
    if grammar.aggregates and Scope.GPU in grammar.scopes:
        choices.append(lambda: f"{draw(st.sampled_from(['any', 'all']))}({draw(conditions(grammar.inside_aggregate))})")
    return draw(st.sampled_from(choices))()


def _between(draw: st.DrawFn, grammar: Grammar) -> str:
    inner = numbers(draw(st.sampled_from(Dimension)), grammar.deeper)
    return f"{draw(inner)} {draw(st.sampled_from(['', 'NOT ']))}BETWEEN {draw(inner)} AND {draw(inner)}"


AMBIENT_CONDITIONS = Grammar(depth=2, scopes=AMBIENT)
"""Conditions that a signal can have."""


def values_of(field: Field) -> st.SearchStrategy[object]:
    """Return the values of a field, missing included."""
    match field.datatype.kind:
        case Kind.BOOL:
            return st.sampled_from([True, False, None])
        case Kind.STRING:
            return st.none() | st.sampled_from([*field.values, *TEXTS])
        case _:
            extreme = st.sampled_from([*NUMBERS, -40, -0.0, None, None])
            usual = st.integers(0, 100) | st.floats(0, 1e12)
            return extreme | usual


@dataclass(frozen=True)
class Situation:
    """All that a condition may be asked about."""

    snapshot: Snapshot
    transfer: Transfer
    workload: Workload
    node: dict[str, object]

    @property
    def about(self) -> dict[str, object]:
        return {"transfer": self.transfer, "workload": self.workload, "node": self.node}


def _attributes(draw: st.DrawFn, fields: Iterable[Field]) -> dict[str, object]:
    drawn = {}
    for field in fields:
        if field.name == "gpu_index":
            continue
        if field.attribute == "age":
            key = "created" if field.scope is Scope.TRANSFER else "started"
            drawn[key] = draw(st.none() | st.sampled_from([0, 900.5, 1000, 5000]))
        elif field.attribute in ("file_name", "file_extension"):
            drawn["path"] = draw(st.none() | st.sampled_from(TEXTS))
        else:
            drawn[field.attribute] = draw(values_of(field))
    if "file_type" in drawn or "framework" in drawn:
        drawn.setdefault("path", draw(st.none() | st.sampled_from(TEXTS)))
    if "memory" in drawn and draw(st.booleans()):
        drawn |= {
            "memory_used": draw(st.sampled_from([None, 0, 40, 80])),
            "memory_total": draw(st.sampled_from([None, 0, 80])),
        }
    return drawn


@st.composite
def situations(draw: st.DrawFn, fields: Iterable[Field]) -> Situation:
    """Draw facts for *fields*, in a fixed order."""
    ordered = sorted(fields, key=lambda f: f.name)
    by_scope = {scope: [f for f in ordered if f.scope is scope] for scope in Scope}
    count = draw(st.integers(0, 3))
    gpus = []
    for index in range(count):
        attributes = _attributes(draw, by_scope[Scope.GPU])
        if attributes.get("healthy") is None:
            attributes.pop("healthy", None)
        attributes.pop("uuid", None)
        gpus.append(GPU(index=index, uuid=f"GPU-{index}", **attributes))  # type: ignore[arg-type]
    transfer = Transfer(**_attributes(draw, by_scope[Scope.TRANSFER]))  # type: ignore[arg-type]
    devices = draw(st.lists(st.integers(0, 3), max_size=2, unique=True))
    workload = Workload(gpu_devices=tuple(devices), **_attributes(draw, by_scope[Scope.WORKLOAD]))  # type: ignore[arg-type]
    node = {f.name: v for f in by_scope[Scope.NODE] if (v := draw(values_of(f))) is not None}
    if draw(st.booleans()):
        node = {}
    return Situation(Snapshot(timestamp=1000.0, gpus=tuple(gpus)), transfer, workload, node)


SIGNALS = ("s_one", "s_two")


@st.composite
def ruleset_texts(draw: st.DrawFn, with_signals: bool = True) -> str:
    """Draw a ruleset, as JSON (which is YAML)."""
    signals: dict[str, dict[str, object]] = {}
    for name in SIGNALS if with_signals else ():
        signals[name] = {"condition": draw(conditions(AMBIENT_CONDITIONS))}
        for key, values in (("for", ["0s", "10s"]), ("keep_for", ["0s", "10s"])):
            if draw(st.booleans()):
                signals[name][key] = draw(st.sampled_from(values))
        if draw(st.booleans()):
            signals[name]["until"] = draw(conditions(AMBIENT_CONDITIONS))
    grammar = Grammar(depth=2, signals=tuple(signals))
    actions: list[dict[str, object]] = [
        {"action": "reduce_prefetch", "parameters": {"reduction_factor": 0.5}},
        {"action": "delay_transfer", "parameters": {"delay": "30s", "jitter": 0.5}},
        {"action": "increase_priority", "parameters": {"priority_boost": 7}},
        {"action": "stage_transfer", "parameters": {"staging_threshold": 50}},
        {"action": "pause_transfer"},
    ]
    rules = [
        {
            "name": f"r{number}",
            "condition": draw(conditions(grammar)),
            "priority": draw(st.integers(-2, 2)),
            "gpus": draw(st.sampled_from(["node", "node", "workload"])),
            "stop": draw(st.integers(0, 3)) == 0,
            "mode": draw(st.sampled_from(["enforce", "enforce", "enforce", "shadow"])),
            "enabled": draw(st.integers(0, 5)) > 0,
            **draw(st.sampled_from(actions)),
        }
        for number in range(draw(st.integers(1, 5)))
    ]
    document = {"version": 1, "name": "drawn", "signals": signals, "rules": rules}
    return json.dumps({key: value for key, value in document.items() if value})


@st.composite
def conditions_with_facts(draw: st.DrawFn, values: st.SearchStrategy[float | None]) -> tuple[str, Checked, Facts]:
    """Draw a condition with facts, half of the time with a history that holds any of *values*."""
    text = draw(conditions())
    found = checked(text)
    assert not [f for f in found.findings if CATALOGUE[f.code].severity is Severity.ERROR], (text, found.findings)
    drawn = draw(situations(ir.fields(found.term)))
    facts = Facts(drawn.snapshot, drawn.snapshot.gpus, drawn.transfer, drawn.workload, drawn.node)
    windows = [term for term in ir.walk(found.term) if isinstance(term, ir.Window)]
    if not windows or not draw(st.booleans()):
        return text, found, facts
    per_gpu = list(dict.fromkeys(slot_key(w) for w in windows if w.field.is_per_gpu))
    of_node = list(dict.fromkeys(slot_key(w) for w in windows if not w.field.is_per_gpu))
    layout = SlotLayout({k: i for i, k in enumerate(per_gpu)}, {k: i for i, k in enumerate(of_node)})
    rows = tuple(tuple(draw(values) for _ in per_gpu) for _ in facts.gpus)
    node_row = tuple(draw(values) for _ in of_node)
    facts = Facts(
        drawn.snapshot, drawn.snapshot.gpus, drawn.transfer, drawn.workload, drawn.node,
        layout=layout, rows=rows, node_row=node_row,
    )  # fmt: skip
    return text, found, facts
