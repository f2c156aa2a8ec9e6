"""Reads facts from decoded JSON; all errors are reported, with their position and the nearest name.

Stricter than files that people write: a quantity is a number in its canonical unit, never a string.
"""

from collections.abc import Iterator, Mapping

from gpurules.facts import KINDS, CheckedFacts, FactProblem, check
from gpurules.facts.attributes import Attribute, AttributeShape, attributes
from gpurules.fields import Field
from gpurules.model import Dimension, FactError, Kind
from gpurules.registry import did_you_mean
from gpurules.service.wire.problems import WrongMember, invalid, pointer, wrong_fact

MAX_GPUS = 4096
"""The most GPUs that one snapshot of a request may have."""
_PARTS = {AttributeShape.GPUS: "gpu", AttributeShape.PROCESSES: "process"}


def read_object(data: object, members: Mapping[str, str], at: tuple[str | int, ...] = ()) -> Mapping[str, object]:
    """Check the object *data*; *members* maps names to JSON types, including ``object`` and ``any``.

    Raises:
        ProblemError: it is not an object, or has an unknown member or one of a wrong type.
    """
    if not isinstance(data, Mapping):
        raise invalid([WrongMember(f"expected an object, got {_json_type(data)}", pointer(at))])
    wrong = []
    for name, value in data.items():
        if name not in members:
            hint = did_you_mean(str(name)[:60], members) or f"known members: {', '.join(members)}"
            wrong.append(WrongMember(f"unknown member {str(name)[:60]!r}", pointer((*at, str(name)[:60])), hint))
        elif value is not None and members[name] not in ("any", _json_type(value)):
            article = "an" if members[name] == "object" else "a"
            detail = f"expected {article} {members[name]}, got {_json_type(value)}"
            wrong.append(WrongMember(detail, pointer((*at, name))))
    if wrong:
        raise invalid(wrong)
    return data


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def read_facts(
    data: Mapping[str, object], declared: Mapping[str, Field], now: float, at: tuple[str | int, ...] = ()
) -> CheckedFacts:
    """Return the facts among the members of *data* (``snapshot transfer workload node``).

    Units: *now*, from which an ``age`` counts, in seconds since 1970.

    Raises:
        ProblemError: a member is unknown, or a value outside its domain; it lists every error.
    """
    given = {kind: data[kind] for kind in KINDS if data.get(kind) is not None}
    problems = [problem for kind, one in given.items() for problem in _loose(one, kind, (kind,), declared)]
    if not problems:
        try:
            facts = check(given, declared, now)
        except FactError as error:  # rejected by the model but not by the checker
            raise invalid([WrongMember(str(error), pointer(at))]) from None
        problems = list(facts.problems)
        if not problems:
            return facts
    raise invalid(wrong_fact(problem, at) for problem in problems)


def _loose(
    data: object, kind: str, path: tuple[str | int, ...], declared: Mapping[str, Field]
) -> Iterator[FactProblem]:
    """Yield the strings where a number or boolean is expected; fact files accept them as quantities."""
    if not isinstance(data, Mapping):
        yield FactProblem(path, f"expected an object, got {_json_type(data)}")
        return
    known = attributes(kind)
    for name, value in data.items():
        attribute = known.get(name)
        of = declared.get(name) if attribute is None else attribute.field
        at = (*path, str(name))
        if attribute is not None and attribute.shape in _PARTS and isinstance(value, list):
            if len(value) > MAX_GPUS:
                yield FactProblem(at, f"more than {MAX_GPUS} entries")
                return
            for number, one in enumerate(value):
                yield from _loose(one, _PARTS[attribute.shape], (*at, number), declared)
        elif isinstance(value, str) and (wanted := _wanted(of, attribute)):
            yield FactProblem(at, f"expected {wanted}, got the string {value[:60]!r}")


def _wanted(field: Field | None, attribute: Attribute | None) -> str | None:
    if attribute is not None and attribute.shape is AttributeShape.TIME:
        return "a number of seconds since 1970"
    if field is None:
        return None
    if field.datatype.kind is Kind.NUMBER:
        unit = field.datatype.dimension
        return "a number" if unit is Dimension.NONE else f"a number in {unit}"
    return "true or false" if field.datatype.kind is Kind.BOOL else None
