"""A quick test whether data fits a JSON Schema; where it is not sure, it says no and leaves the verdict to jsonschema.

Most files are right, and finding that out takes jsonschema longer than reading them. Here a schema is compiled to
closures, once. ``True`` is never wrong; ``False`` only means that jsonschema has to look.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Predicate: TypeAlias = Callable[[Any], bool]

_NOTES = frozenset({"$schema", "$id", "title", "description", "default", "examples", "$comment", "format"})

_TYPES: dict[str, Predicate] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "number": lambda value: type(value) is int or type(value) is float,
    "boolean": lambda value: type(value) is bool,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "null": lambda value: value is None,
}


def compile_schema(schema: object) -> Predicate:
    """Return the quick test for *schema*.

    >>> properties = {"a": {"type": "number", "minimum": 0}}
    >>> fits = compile_schema({"type": "object", "required": ["a"], "properties": properties})
    >>> fits({"a": 1}), fits({"a": -1}), fits({})
    (True, False, False)
    """
    if schema is True:
        return _anything
    if not isinstance(schema, Mapping):
        return _unsure
    tests: list[Predicate] = []
    for keyword, wanted in schema.items():
        if keyword in _NOTES or keyword.startswith("x-") or keyword in _WITH_OTHERS:
            continue
        make = _KEYWORDS.get(keyword)
        if make is None:
            return _unsure
        tests.append(make(wanted))
    if not _WITH_OTHERS.isdisjoint(schema):
        tests.append(_keys(schema))
    return _all(tests)


def _anything(value: Any) -> bool:
    return True


def _unsure(value: Any) -> bool:
    return False


def _all(tests: list[Predicate]) -> Predicate:
    match tests:
        case []:
            return _anything
        case [one]:
            return one
        case [one, two]:
            return lambda value: one(value) and two(value)
        case _:
            return lambda value: all(test(value) for test in tests)


def _type(wanted: Any) -> Predicate:
    if isinstance(wanted, list):
        return _any([_type(one) for one in wanted])
    return _TYPES.get(wanted, _unsure) if isinstance(wanted, str) else _unsure


def _any(tests: list[Predicate]) -> Predicate:
    return lambda value: any(test(value) for test in tests)


def _enum(wanted: Any) -> Predicate:
    texts = frozenset(value for value in wanted if type(value) is str)
    return lambda value: type(value) is str and value in texts


def _const(wanted: Any) -> Predicate:
    kind = type(wanted)
    return lambda value: type(value) is kind and bool(value == wanted)


def _limit(is_within: Callable[[Any, Any], bool]) -> Callable[[Any], Predicate]:
    def make(wanted: Any) -> Predicate:
        return lambda value: type(value) in (int, float) and is_within(value, wanted)

    return make


def _size(kind: type[str] | type[list[Any]], is_within: Callable[[int, Any], bool]) -> Callable[[Any], Predicate]:
    def make(wanted: Any) -> Predicate:
        return lambda value: isinstance(value, kind) and is_within(len(value), wanted)

    return make


def _pattern(wanted: Any) -> Predicate:
    search = re.compile(wanted).search
    return lambda value: type(value) is str and search(value) is not None


def _items(wanted: Any) -> Predicate:
    test = compile_schema(wanted)
    return lambda value: type(value) is list and all(map(test, value))


def _unique(wanted: Any) -> Predicate:
    return lambda value: (
        type(value) is list and all(type(item) is str for item in value) and len(set(value)) == len(value)
    )


def _one_of(wanted: Any) -> Predicate:
    tests = [compile_schema(one) for one in wanted]
    types = [one.get("type") for one in wanted if isinstance(one, Mapping)]
    apart = [one for one in ("string", "array", "object", "boolean", "null") if types.count(one) == 1]
    if len(apart) != len(wanted):
        return _unsure  # alternatives that are not distinguished by their type might hold together
    return _any(tests)


def _property_names(wanted: Any) -> Predicate:
    test = compile_schema(wanted)
    return lambda value: type(value) is dict and all(map(test, value))


def _required(wanted: Any) -> Predicate:
    names = frozenset(wanted)
    return lambda value: type(value) is dict and names <= value.keys()


_WITH_OTHERS = frozenset({"properties", "patternProperties", "additionalProperties"})


def _keys(schema: Mapping[str, Any]) -> Predicate:
    """Return the test of the three keywords that share out an object's keys."""
    known = {name: compile_schema(part) for name, part in schema.get("properties", {}).items()}
    patterns = [
        (re.compile(text).search, compile_schema(part)) for text, part in schema.get("patternProperties", {}).items()
    ]
    more = schema.get("additionalProperties", True)
    other = _unsure if more is False else compile_schema(more)

    def test(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, item in value.items():
            own = known.get(key)
            if own is not None:
                if not own(item):
                    return False
                if not patterns:
                    continue
            matching = [part for search, part in patterns if search(key)] if own is None or patterns else []
            if not all(part(item) for part in matching):
                return False
            if own is None and not matching and not other(item):
                return False
        return True

    return test


_KEYWORDS: Mapping[str, Callable[[Any], Predicate]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _limit(lambda value, limit: value >= limit),
    "maximum": _limit(lambda value, limit: value <= limit),
    "exclusiveMinimum": _limit(lambda value, limit: value > limit),
    "exclusiveMaximum": _limit(lambda value, limit: value < limit),
    "minLength": _size(str, lambda size, limit: size >= limit),
    "maxLength": _size(str, lambda size, limit: size <= limit),
    "minItems": _size(list, lambda size, limit: size >= limit),
    "maxItems": _size(list, lambda size, limit: size <= limit),
    "pattern": _pattern,
    "items": _items,
    "uniqueItems": _unique,
    "oneOf": _one_of,
    "anyOf": lambda wanted: _any([compile_schema(one) for one in wanted]),
    "allOf": lambda wanted: _all([compile_schema(one) for one in wanted]),
    "propertyNames": _property_names,
    "required": _required,
}
