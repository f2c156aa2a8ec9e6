"""What to write instead of a value that does not fit the schema."""

import re
from math import ceil, floor, isfinite

from gpurules.model import UNITS, QuantityError, parse_amount
from gpurules.registry import did_you_mean
from gpurules.rules.schema.schema import Schema, Violation
from gpurules.rules.yaml.spelling import flow

_TYPE_WORDS = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


_AMOUNT = re.compile(r"([+-]?\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)(\D+)", re.ASCII)


def split_amount(text: str) -> tuple[str, str] | None:
    """Return the number and the unit that *text* consists of; None where it is not a number with one known unit.

    >>> split_amount("-85.5C"), split_amount("85"), split_amount("1h30m")
    (('-85.5', 'C'), None, None)
    """
    parts = _AMOUNT.fullmatch(text)
    return (parts[1], parts[2]) if parts is not None and parts[2] in UNITS else None


def explain_violation(violation: Violation) -> tuple[str, str | None]:
    """Return message and hint for a value that does not fit; a message that states the bound needs no hint."""
    schema, wanted = violation.schema, violation.wanted
    match violation.keyword:
        case "type":
            return _explain_type(violation)
        case "oneOf" | "anyOf":
            assert isinstance(wanted, list)
            choices = " or ".join(_TYPE_WORDS.get(one.get("type"), "something else") for one in wanted)
            return f"expected {choices}", next((hint for one in (schema, *wanted) if (hint := _for_example(one))), None)
        case "pattern":
            return f"{str(violation.found)[:60]!r} has an invalid format", _for_example(schema)
        case "uniqueItems":
            return "an item of the list occurs twice", "keep one of them"
        case "enum":
            assert isinstance(wanted, list)
            hint = did_you_mean(str(violation.found), map(str, wanted))
            shown = str(violation.found)[:60]
            if len(wanted) > 12:
                return f"{shown!r} is not a known value", hint
            return f"{shown!r} is not one of {', '.join(map(str, wanted))}", hint
        case "minimum":
            return f"the value must be {wanted} or more", None
        case "maximum":
            return f"the value must be {wanted} or less", None
        case "exclusiveMinimum":
            return f"the value must be more than {wanted}", None
        case "minLength":
            return "the string must not be empty", None
        case "maxLength":
            return f"the string is longer than {wanted} characters", None
        case "minItems":
            return "the list must not be empty", None
        case _:
            return "the value is not valid here", None


def _explain_type(violation: Violation) -> tuple[str, str | None]:
    wanted, found, schema = str(violation.wanted), violation.found, violation.schema
    message = f"expected {_TYPE_WORDS.get(wanted, wanted)}"
    if found is None:
        return f"the value is empty; {message}", "write one, or remove the key"
    match wanted:
        case "object":
            short = _full_form(found, schema) if isinstance(found, str | int | float) else None
            return message, short or _for_example(schema) or _keys_of(schema)
        case "array":
            return message, _for_example(schema) or "write [first, second], or one item per line after '- '"
        case "integer" | "number":
            return message, _bare_number(found, wanted) or _for_example(schema) or "write 5, without quotes or a unit"
        case "boolean":
            return message, "write true or false, without quotes"
        case _:
            return message, _for_example(schema) or "write one value, in quotes if it contains ': ' or ' #'"


def _bare_number(found: object, wanted: str) -> str | None:
    """Return what to write where a bare number is expected: without the unit, or one of the integers around it."""
    if isinstance(found, float) and isfinite(found):
        return f"write {floor(found)} or {ceil(found)}"
    parts = split_amount(found.strip()) if isinstance(found, str) else None
    if parts is None or (wanted == "integer" and not parts[0].lstrip("+-").isdecimal()):
        return None
    return f"write {parts[0]}: the value has no unit"


def _full_form(found: str | int | float, schema: Schema) -> str | None:
    """Return the mapping that a single value stands for, where it can stand for only one."""
    required, known = schema.get("required", ()), schema.get("properties", {})
    if set(required) == {"type", "default"}:
        return f"write {_input_of(found)}"
    if "action" in known and "condition" not in known:
        return f"write {{action: {str(found)[:60]}}}"
    if len(required) == 1 and "action" not in known and isinstance(found, str):
        return f"write {flow({required[0]: found[:60]})}"
    return None


def _input_of(found: str | int | float) -> str:
    """Return the declaration of an input whose default is *found*."""
    if isinstance(found, bool):
        return flow({"type": "bool", "default": found})
    text = str(found).strip()[:60]
    try:
        parse_amount(text.removeprefix("-"))
    except QuantityError:
        return flow({"type": "string", "default": text})
    parts = split_amount(text)
    unit = {"unit": parts[1]} if parts else {"unit": "s"} if not isinstance(found, int | float) else {}
    return flow({"type": "number", **unit, "default": text})


def _keys_of(schema: Schema) -> str:
    names = schema.get("properties", {})
    return f"its keys are {', '.join(names)}" if names else "write {}"


def _for_example(schema: Schema) -> str | None:
    examples = schema.get("examples")
    return (
        f"for example {flow(examples[0]) if isinstance(examples[0], dict | list) else examples[0]}"
        if examples
        else None
    )
