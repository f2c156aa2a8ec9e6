"""The quick test and jsonschema agree: whatever the quick test lets pass is valid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from gpurules.actions import ACTIONS
from gpurules.rules.schema.compiler import compile_schema
from gpurules.rules.schema.schema import structure

WORDS = st.sampled_from(["version", "name", "rules", "condition", "action", "x-a", "a", "b-c", "", "model", "7"])
leaves = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | WORDS
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))

types = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])
limits = st.integers(-1, 2)


def schemas_over(inner: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
            "enum": st.lists(leaves, min_size=1, max_size=3),
            "const": leaves,
            "minimum": limits,
            "exclusiveMaximum": limits,
            "minLength": st.integers(0, 3),
            "maxItems": st.integers(0, 3),
            "uniqueItems": st.just(True),
            "pattern": st.sampled_from(["^[a-z]", "-", "^$"]),
            "items": inner,
            "properties": st.dictionaries(WORDS, inner, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["^x-", "a"]), inner, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "required": st.lists(WORDS, max_size=2, unique=True),
            "propertyNames": inner,
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "x-dimension": st.just("seconds"),
        },
    )


schemas = st.recursive(st.booleans() | st.just({}), schemas_over, max_leaves=6)


@given(schemas, values)
def test_what_passes_is_valid(schema, value):
    if compile_schema(schema)(value):
        Draft7Validator(schema).validate(value)


@given(values | st.fixed_dictionaries({"version": st.just(1), "name": st.just("a")}, optional={
    "rules": st.lists(st.fixed_dictionaries({"name": WORDS, "priority": leaves}) | values, max_size=3),
    "extends": st.lists(values | st.just({"from": "a"}), max_size=2),
    "define": st.dictionaries(WORDS, values | st.lists(WORDS), max_size=2),
}))  # fmt: skip
def test_on_files_both_say_the_same(value):
    assert compile_schema(structure())(value) == Draft7Validator(structure()).is_valid(value)


@pytest.mark.parametrize("action", list(ACTIONS), ids=lambda action: action.name)
@given(data=st.data())
def test_on_parameters_both_say_the_same(action, data):
    names = st.sampled_from([*action.schema["properties"], "other"])
    plausible = st.sampled_from([True, 0, 1, 0.5, 7, "direct", "info", "http://a", ["start"], ["start", "start"], []])
    value = data.draw(st.dictionaries(names, plausible | values, max_size=4) | values)
    assert compile_schema(action.schema)(value) == Draft7Validator(action.schema).is_valid(value)
