"""Decodes transfers and workloads from JSON bytes in one pass that also finds unknown members and wrong types.

A request that this pass rejects is read again by ``reading``, which accepts more (declared fields, an ``age``) and
reports every error; so valid requests, the usual case, stay fast.
"""

from collections.abc import Callable, Iterator, Mapping
from types import GenericAlias, MappingProxyType
from typing import Any, Literal, NamedTuple

from gpurules.facts.attributes import Attribute, AttributeShape, attributes
from gpurules.fields import Field
from gpurules.model import Kind, Transfer, Workload
from gpurules.model.units import MAX_INTEGER
from gpurules.service.wire.json_bytes import bounded_number, decode, decoder, structure
from gpurules.service.wire.problems import ProblemError, WrongMember, invalid
from gpurules.service.wire.reading import read_facts, read_object

LATEST = 253_402_300_799
"""The latest time of an object, the end of the year 9999 (seconds since 1970)."""
MEMBERS = {"transfer": "object", "workload": "object", "explain": "boolean"}


class DecideRequest(NamedTuple):
    """A request to ``/v1/decide``. Missing: None."""

    transfer: Transfer | None
    workload: Workload | None
    explain: bool = False


def _member(attribute: Attribute) -> Any:
    """Return the type of one member; what it does not cover is left to the second pass."""
    field = attribute.field
    match attribute.shape:
        case AttributeShape.TIME:
            return bounded_number(float, 0, LATEST)
        case AttributeShape.LABELS:
            return dict[str, str]
        case AttributeShape.TEXTS:
            return list[str]
        case AttributeShape.INDEXES:
            return list[bounded_number(int, 0, 10**9 - 1)]  # type: ignore[misc]
        case _:
            pass  # its field says which
    assert field is not None
    if field.datatype.kind is Kind.NUMBER:
        if attribute.name in _REALS:
            return bounded_number(float, field.minimum, None)
        least = -MAX_INTEGER if field.minimum is None else int(field.minimum)
        return bounded_number(int, least, MAX_INTEGER)
    if field.datatype.kind is Kind.BOOL:
        return bool
    return Literal[field.values] if field.values else str


_REALS = frozenset({"duration", "io_throughput", "epoch_time"})
_NO_FIELDS: Mapping[str, Field] = MappingProxyType({})


def _structure(kind: str, left_out: frozenset[str] = frozenset({"age"})) -> Any:
    known = [a for a in attributes(kind).values() if a.name not in left_out]
    return structure(kind.title(), [(a.name, _member(a) | None, None) for a in known])


_TRANSFER, _WORKLOAD = _structure("transfer"), _structure("workload")
_REQUEST = structure(
    "Request", [("transfer", _TRANSFER | None, None), ("workload", _WORKLOAD | None, None), ("explain", bool, False)]
)
_decode_request = decoder(_REQUEST).decode
_decode_batch = decoder(GenericAlias(list, (_REQUEST,))).decode
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _put(name: str) -> Callable[[object, object], None]:
    """Return the setter of a slot of a new transfer."""
    setter: Callable[[object, object], None] = getattr(Transfer, name).__set__
    return setter


_put_id, _put_path, _put_size = _put("id"), _put("path"), _put("size")
_put_priority, _put_operation, _put_created = _put("priority"), _put("operation"), _put("created")
_put_duration, _put_file_type, _put_framework = _put("duration"), _put("file_type"), _put("framework")
_put_workload_id, _put_labels, _put_missing = _put("workload_id"), _put("labels"), _put("missing")


def _transfer(read: Any) -> Transfer:
    """Create a transfer without its constructor, which would validate each value again."""
    made = object.__new__(Transfer)
    _put_id(made, read.id)
    _put_path(made, read.path)
    _put_size(made, read.size)
    _put_priority(made, read.priority)
    _put_operation(made, read.operation)
    _put_created(made, read.created)
    _put_duration(made, read.duration)
    _put_file_type(made, read.file_type)
    _put_framework(made, read.framework)
    _put_workload_id(made, read.workload_id)
    _put_labels(made, read.labels or _NOTHING)
    _put_missing(made, _NOTHING)
    return made


_LISTS = ("gpu_devices", "dataset_files", "model_files")


def _workload(read: Any) -> Workload:
    values: dict[str, Any] = {name: getattr(read, name) for name in read.__struct_fields__}
    values |= {name: tuple(values[name] or ()) for name in _LISTS}
    values["labels"] = values["labels"] or _NOTHING
    return Workload(**values)


def _request(read: Any) -> DecideRequest:
    transfer, workload = read.transfer, read.workload
    return DecideRequest(
        None if transfer is None else _transfer(transfer),
        None if workload is None else _workload(workload),
        read.explain,
    )


def read_batch(
    body: bytes, most: int, declared: Mapping[str, Field], now: float
) -> Iterator[DecideRequest | ProblemError]:
    """Yield the request of each item of a JSON array, or its problem.

    Raises:
        ProblemError: the body is not an array, or has more than *most* items.
    """
    try:
        items = None if declared else _decode_batch(body)
    except (ValueError, RecursionError):
        items = None
    if items is not None:
        yield from map(_request, _at_most(items, most))
        return
    data = parse(body)
    if not isinstance(data, list):
        raise invalid([WrongMember("expected an array of requests")])
    for place, item in enumerate(_at_most(data, most)):
        try:
            yield _careful(item, declared, now, (place,))
        except ProblemError as problem:
            yield problem


def read_lines(
    body: bytes, most: int, declared: Mapping[str, Field], now: float
) -> Iterator[DecideRequest | ProblemError]:
    """Yield the request of each line of NDJSON, or its problem; empty lines are skipped.

    Raises:
        ProblemError: there are more than *most* lines.
    """
    for place, line in enumerate(_at_most([line for line in body.split(b"\n") if line.strip()], most)):
        try:
            yield read_item(line, place, declared, now)
        except ProblemError as problem:
            yield problem


def _at_most(items: list[Any], most: int) -> list[Any]:
    if len(items) > most:
        raise invalid([WrongMember(f"{len(items)} items; a batch can have at most {most}")])
    return items


def read_decide(body: bytes, declared: Mapping[str, Field], now: float) -> DecideRequest:
    """Parse the body of ``/v1/decide``; *declared* are the fields that the ruleset declares.

    Units: *now*, from which an ``age`` counts, in seconds since 1970.

    Raises:
        ProblemError: the body is not a valid request.
    """
    if not declared:
        try:
            read = _decode_request(body)
        except (ValueError, RecursionError):
            return _careful(parse(body), declared, now, ())
        return _request(read)
    return _careful(parse(body), declared, now, ())


def parse(body: bytes) -> Any:
    """Parse the JSON of a request.

    Raises:
        ProblemError: it is not JSON.
    """
    if not body:
        raise ProblemError(400, "invalid-json", "the body is empty; expected JSON")
    try:
        return decode(body)
    except ValueError as error:
        reason = str(error)[:200]
        raise ProblemError(400, "invalid-json", f"the body is not JSON: {reason}", (WrongMember(reason),)) from None


def _careful(data: object, declared: Mapping[str, Field], now: float, at: tuple[str | int, ...]) -> DecideRequest:
    given = read_object(data, MEMBERS, at)
    facts = read_facts({key: given.get(key) for key in ("transfer", "workload")}, declared, now, at)
    return DecideRequest(facts.transfer, facts.workload, given.get("explain") is True)


def read_item(item: bytes, place: int, declared: Mapping[str, Field], now: float) -> DecideRequest:
    """Parse one item of a batch, which is at *place*.

    Raises:
        ProblemError: it is not a valid request.
    """
    try:
        return read_decide(item, declared, now)
    except ProblemError as problem:
        errors = tuple(WrongMember(e.detail, f"/{place}{e.pointer}", e.hint) for e in problem.errors)
        raise ProblemError(problem.status, problem.name, problem.detail, errors) from None
