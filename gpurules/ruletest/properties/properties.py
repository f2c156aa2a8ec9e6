"""Properties over all facts: proved, or else searched at every threshold, between them, and with each fact missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, pairwise, product

from gpurules.diagnostics import DiagnosedError
from gpurules.fields import FIELDS, Field, Scope
from gpurules.language.terms import ir
from gpurules.model import GPU, Dimension, Kind, Snapshot, Transfer, Workload
from gpurules.proofs import format_exactly
from gpurules.rules import Condition, Ruleset
from gpurules.ruletest.case import Property
from gpurules.ruletest.properties.proving import prove

MOST_ASSIGNMENTS = 50_000
_AGES = {"transfer_age": "created", "workload_age": "started"}
_NOW = 1_000_000.0


@dataclass(frozen=True, slots=True)
class PropertyResult:
    """The result of a proof or a search.

    Missing: ``counterexample`` is None where there is none; ``problem`` is None where everything was searched;
    ``unproved`` is None where it is proved or refuted, else it says why it could only be searched.
    """

    assignments: int = 0
    counterexample: str | None = None
    problem: str | None = None
    unproved: str | None = None


def decide(asked: Property, ruleset: Ruleset) -> PropertyResult:
    """Return whether *asked* holds for all facts: exactly if analyzed, else over the assignments of a search."""
    try:
        condition = Condition(asked.condition, ruleset.fields).term if asked.condition is not None else None
    except DiagnosedError as error:
        return PropertyResult(problem=f"the condition of the property has an error: {error}")
    proof = prove(asked, ruleset, condition)
    if proof.unsure is None and proof.counterexample is None:
        return PropertyResult()
    witness = proof.counterexample
    if witness is not None:
        matched = ruleset.evaluate(witness.snapshot, witness.transfer, witness.workload, witness.node).rules
        if _is_met(asked, frozenset(matched)) is asked.never:
            context = witness.transfer, witness.workload
            return PropertyResult(counterexample=_describe(witness.snapshot, context, witness.node, matched))
    why = proof.unsure or "a counterexample requires a history, which properties do not cover"
    found = search(asked, ruleset)
    if found.problem is not None:
        return replace(found, problem=f"{why}; {found.problem}")
    return replace(found, unproved=why)


def search(asked: Property, ruleset: Ruleset) -> PropertyResult:
    """Return whether *asked* holds for every assignment that the comparisons of its rules can distinguish."""
    try:
        condition = Condition(asked.condition, ruleset.fields) if asked.condition is not None else None
    except DiagnosedError as error:
        return PropertyResult(problem=f"the condition of the property has an error: {error}")
    names = {*asked.all_match, *asked.some_match, *asked.none_match}
    program = ruleset.program
    terms = [program.terms[i].term for i, rule in enumerate(program.rules) if rule.name in names]
    terms += [condition.term] if condition else []
    values = candidates(terms)
    gpus = min(2, len(names) + (condition is not None))
    count = _count(values, gpus)
    if count > MOST_ASSIGNMENTS:
        return PropertyResult(problem=f"there are {count:,} assignments to try, and the limit is {MOST_ASSIGNMENTS:,}")
    for number, (snapshot, transfer, workload, node) in enumerate(_assignments(values, gpus), 1):
        if condition and condition.evaluate(snapshot, transfer, workload, node).value is not True:
            continue
        matched = ruleset.evaluate(snapshot, transfer, workload, node).rules
        if _is_met(asked, frozenset(matched)) is asked.never:
            return PropertyResult(number, _describe(snapshot, (transfer, workload), node, matched))
    return PropertyResult(count)


def _is_met(asked: Property, matched: frozenset[str]) -> bool:
    return (
        matched.issuperset(asked.all_match)
        and (not asked.some_match or not matched.isdisjoint(asked.some_match))
        and matched.isdisjoint(asked.none_match)
    )


def candidates(terms: list[ir.Term]) -> dict[Field, list[object]]:
    """Return, for each field that *terms* read, every value that their comparisons distinguish; None is missing."""
    constants: dict[Field, set[object]] = {}
    for term in terms:
        for part in ir.walk(term):
            inner = [child for child in ir.children(part) if isinstance(child, ir.Constant)]
            for read in ir.walk(part) if isinstance(part, ir.Compare | ir.Member | ir.TextTest) else (part,):
                if isinstance(read, ir.Read | ir.Window):
                    constants.setdefault(read.field, set()).update(c.value for c in inner if c.value is not None)
    return {
        field: [*_values(field, found), None] for field, found in sorted(constants.items(), key=lambda e: e[0].name)
    }


def _values(field: Field, constants: set[object]) -> Sequence[object]:
    if field.datatype.kind is Kind.BOOL:
        return [True, False]
    if field.datatype.kind is Kind.STRING:
        texts = sorted({*map(str, constants)})
        others = [value for value in field.values if value not in texts] or ["another"]
        return [*texts, others[0]]
    known = sorted(float(c) for c in constants if isinstance(c, int | float) and not isinstance(c, bool)) or [0.0]
    between = [(low + high) / 2 for low, high in pairwise(known)]
    least = known[0] - 1 if field.minimum is None else max(field.minimum, known[0] - 1)
    most = known[-1] + 1 if field.maximum is None else min(field.maximum, known[-1] + 1)
    return sorted({least, *known, *between, most})


TimeStep = tuple[Snapshot, Transfer, Workload, Mapping[str, object]]


def _of(values: Mapping[Field, list[object]], scope: Scope) -> list[Field]:
    return [field for field in values if field.scope is scope]


def _rows(values: Mapping[Field, list[object]], scope: Scope) -> list[dict[str, object]]:
    """Return every combination of the values of the fields of one scope."""
    fields = _of(values, scope)
    return [
        {field.name: value for field, value in zip(fields, row, strict=True)}
        for row in product(*(values[field] for field in fields))
    ]


def _count(values: Mapping[Field, list[object]], gpus: int) -> int:
    count = 1
    for scope in Scope:
        rows = 1
        for field in _of(values, scope):
            rows *= len(values[field])
        if scope is Scope.GPU and _of(values, scope):
            rows = 1 + rows + (rows * (rows + 1) // 2 if gpus > 1 else 0)
        count *= rows
    return count


def _assignments(values: Mapping[Field, list[object]], gpus: int) -> Iterator[TimeStep]:
    rows = _rows(values, Scope.GPU)
    boards: list[tuple[dict[str, object], ...]] = [()]
    if _of(values, Scope.GPU):
        boards += [(row,) for row in rows]
        boards += list(combinations_with_replacement(rows, 2)) if gpus > 1 else []
    others = product(_rows(values, Scope.NODE), _rows(values, Scope.TRANSFER), _rows(values, Scope.WORKLOAD))
    by_name = {field.name: field for field in values}
    for (node, transfer, workload), board in product(list(others), boards):
        snapshot = Snapshot(
            timestamp=_NOW,
            gpus=tuple(GPU(**{"index": n, **_attributes(row, by_name)}) for n, row in enumerate(board)),  # type: ignore[arg-type]
        )
        given = Transfer(**_attributes(transfer, by_name)), Workload(**_attributes(workload, by_name))  # type: ignore[arg-type]
        yield snapshot, *given, node


def _attributes(row: Mapping[str, object], fields: Mapping[str, Field]) -> dict[str, object]:
    found: dict[str, object] = {}
    labels: dict[str, object] = {}
    for name, value in row.items():
        field = fields[name]
        if field.declared:
            labels[name] = value
        elif name in _AGES:
            found[_AGES[name]] = None if value is None else _NOW - float(str(value))
        elif name == "file_name":
            found["path"] = value
        elif field.attribute not in ("file_extension", "index_number") and not (
            name == "gpu_healthy" and value is None
        ):
            found[field.attribute] = value
    return {**found, "labels": labels} if labels else found


def _describe(
    snapshot: Snapshot, context: tuple[Transfer, Workload], node: Mapping[str, object] | None, matched: tuple[str, ...]
) -> str:
    """Return an assignment in words, with the rules that match in it."""
    parts = [f"GPU {gpu.index}: {_listed(gpu.to_dict(), Scope.GPU, ('index',))}" for gpu in snapshot.gpus] or ["no GPU"]
    about = (("transfer", Scope.TRANSFER, context[0]), ("workload", Scope.WORKLOAD, context[1]))
    for what, scope, one in about:
        given = _with_age(one.to_dict(), snapshot.timestamp)
        parts += [f"{what}: {_listed(given, scope)}"] if given else []
    parts += [f"node: {_listed(node, Scope.NODE)}"] if node else []
    return f"{'; '.join(parts)}: {', '.join(matched) or 'no rule'} matched"


def _with_age(data: Mapping[str, object], now: float) -> dict[str, object]:
    """Return *data* with an age in the place of the time that it counts from."""
    ages = {
        name: now - value for name, value in data.items() if name in _AGES.values() and isinstance(value, float | int)
    }
    rest = {name: value for name, value in data.items() if name not in ages}
    return {**rest, **({"age": next(iter(ages.values()))} if ages else {})}


def _listed(data: Mapping[str, object], scope: Scope, left_out: tuple[str, ...] = ()) -> str:
    labels = data.get("labels")
    flat = {**data, **(labels if isinstance(labels, Mapping) else {})}
    dimensions = {field.attribute: field.datatype.dimension for field in FIELDS.values() if field.scope is scope}
    shown = [
        f"{name} {_value(value, dimensions.get(name, Dimension.NONE))}"
        for name, value in flat.items()
        if name not in (*left_out, "labels")
    ]
    return ", ".join(shown) or "all missing"


def _value(value: object, dimension: Dimension) -> str:
    return format_exactly(value, dimension) if isinstance(value, str | int | float | None) else str(value)


def pattern_of(asked: Property) -> str:
    """Return what a property says, in a sentence.

    >>> from gpurules.diagnostics import Location
    >>> pattern_of(Property("p", Location(1, 1, 1, 1), False, "gpu_power > 3W", some_match=("a", "b")))
    'always where gpu_power > 3W: some of a, b match'
    """
    where = f" where {' '.join(asked.condition.split())}" if asked.condition is not None else ""
    named = (("all", asked.all_match), ("some", asked.some_match), ("none", asked.none_match))
    parts = [f"{word} of {', '.join(names)} match" for word, names in named if names]
    return f"{'never' if asked.never else 'always'}{where}: {' and '.join(parts) or 'whatever matches'}"


__all__ = ["MOST_ASSIGNMENTS", "PropertyResult", "candidates", "decide", "pattern_of", "search"]
