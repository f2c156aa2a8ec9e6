"""Reads one value as a person typed it: its unit, its range, its members, and why it is invalid."""

from collections.abc import Iterable, Mapping
from numbers import Real

from gpurules.fields import Field, field_range
from gpurules.model import Dimension, Kind, QuantityError, Value, parse_amount
from gpurules.model.reading import finite
from gpurules.registry import did_you_mean

_TRUTHS: Mapping[str, bool] = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EXAMPLES = {
    Dimension.NONE: "3",
    Dimension.PERCENT: "80%",
    Dimension.BYTES: "4GiB",
    Dimension.BYTES_PER_SECOND: "100MiB/s",
    Dimension.SECONDS: "30s",
    Dimension.CELSIUS: "85C",
    Dimension.WATTS: "300W",
    Dimension.JOULES: "10kJ",
    Dimension.HERTZ: "1200MHz",
}


class ValueProblem(Exception):
    """A value is not what its field takes; ``hint`` says what would do. Raised and caught within the checker."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def check_value(value: object, field: Field) -> str | None:
    """Return what is wrong with *value* as *field* is typed, with what would do; None where it is right."""
    try:
        read_value(value, field)
    except ValueProblem as problem:
        return f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return None


def read_value(value: object, field: Field, in_range: bool = True) -> Value:
    """Return *value* in the canonical unit of *field*.

    Missing: null.

    Raises:
        ValueProblem: it is of another type or dimension, no member, or (unless *in_range* is off) outside the range.
    """
    if value is None:
        return None
    match field.datatype.kind:
        case Kind.BOOL:
            return _flag(value, field)
        case Kind.NUMBER:
            number = _number(value, field)
            if in_range:
                _hold_in_range(number, value, field)
            return number
        case _:
            return _text(value, field)


def _flag(value: object, field: Field) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise ValueProblem(f"{field.name} is true or false, but this is {format_value(value)}")


def _text(value: object, field: Field) -> str:
    if not isinstance(value, str):
        raise ValueProblem(f"{field.name} is a string, but this is {format_value(value)}", "put it in quotes")
    if field.values and value not in field.values:
        hint = meant_member(value, field.values) or f"it is one of {', '.join(field.values)}"
        article = "an" if field.name[0] in "aeiou" else "a"
        raise ValueProblem(f"{format_value(value)} is not {article} {field.name}", hint)
    return value


def meant_member(value: str, members: Iterable[str]) -> str | None:
    """Return the hint for the one of *members* that *value* was meant to be: ``Sunday`` for ``sun``.

    >>> meant_member("Saturday", ("sat", "sun"))
    "did you mean 'sat'?"
    """
    known = tuple(members)
    begun = [member for member in known if len(member) > 2 and value.lower().startswith(member.lower())]
    return f"did you mean {begun[0]!r}?" if len(begun) == 1 else did_you_mean(value, known)


def _number(value: object, field: Field) -> int | float:
    dimension = field.datatype.dimension
    example = f"write {_EXAMPLES[dimension]}"
    if isinstance(value, str):
        return _amount(value.strip(), field, example)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueProblem(f"{field.name} is {_measure(dimension)}, and this is {format_value(value)}", example)
    read = finite(value if isinstance(value, int | float) else float(value))
    if read is None:
        raise ValueProblem(f"{format_value(value)} is not a finite number", "omit it, or write null, if it is missing")
    return read


def _amount(text: str, field: Field, example: str) -> int | float:
    dimension = field.datatype.dimension
    if len(text) > 100:
        raise ValueProblem(f"{format_value(text)} is not a quantity", example)
    try:
        amount = parse_amount(text.removeprefix("-"))
    except QuantityError as error:
        raise ValueProblem(f"{format_value(text)} is not a quantity: {error}", error.hint or example) from None
    if amount.dimension not in (Dimension.NONE, dimension):
        message = f"{field.name} is {_measure(dimension)}, and {format_value(text)} is {_measure(amount.dimension)}"
        raise ValueProblem(message, example)
    return -amount.value if text.startswith("-") else amount.value


def _hold_in_range(number: float, value: object, field: Field) -> None:
    is_low = field.minimum is not None and number < field.minimum
    if is_low or (field.maximum is not None and number > field.maximum):
        raise ValueProblem(f"{field.name} is {field_range(field)}, and this is {format_value(value)}")


def _measure(dimension: Dimension) -> str:
    return "a bare number" if dimension is Dimension.NONE else f"in {dimension}"


def format_value(value: object) -> str:
    """Return *value* as it was typed, for a message, never long: a quantity without quotes, any other text in them."""
    match value:
        case str():
            text = value if value.lstrip("-")[:1].isdigit() else repr(value)
        case None:
            text = "null"
        case bool():
            text = str(value).lower()
        case int() if abs(value) >= 10**30:
            text = "a huge integer"
        case Mapping():
            text = "a mapping"
        case list() | tuple():
            text = "a list"
        case _:
            text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


__all__ = ["ValueProblem", "check_value", "format_value", "meant_member", "read_value"]
