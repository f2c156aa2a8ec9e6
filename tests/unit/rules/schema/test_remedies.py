"""A value of the wrong kind is answered with what to write instead."""

from collections.abc import Iterator
from typing import Any

import pytest

from gpurules.actions import ACTIONS
from gpurules.rules import examine
from gpurules.rules.schema.remedies import explain_violation
from gpurules.rules.schema.schema import Violation, structure

HEAD = "version: 1\nname: x\n"
WRONG = {
    "string": ([1], {"a": 1}),
    "number": ("85C", "30s", "80%", "4GiB", "many", [1], {"a": 1}, True),
    "integer": ("5s", "2.5C", 2.5, "many", [1], {"a": 1}, True),
    "boolean": ("maybe", 3, [1], {"a": 1}),
    "array": ("a", 3, {"a": 1}),
    "object": ("85C", "gpu_memory > 85", 3, 2.5, True, [1]),
}


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of a value in *schema*."""
    if isinstance(schema, dict):
        if "type" in schema or "oneOf" in schema:
            yield schema
        for part in schema.values():
            yield from schemas(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from schemas(part)


KNOWN = [*schemas(structure()), *(one for action in ACTIONS for one in schemas(action.schema))]


def test_every_value_of_the_wrong_kind_is_answered_with_what_to_write() -> None:
    tried = 0
    for schema in KNOWN:
        wanted = schema.get("type") if isinstance(schema.get("type"), str) else None
        keyword, expected = ("type", wanted) if wanted else ("oneOf", schema.get("oneOf"))
        for wrong in WRONG.get(wanted or "", ([[1]],) if expected else ()):
            tried += 1
            message, hint = explain_violation(Violation((), keyword, expected, wrong, schema))
            assert message.startswith("expected ") and hint, (schema, wrong)
    assert tried > 500


def hint_of(text: str) -> str | None:
    (found,) = (d for d in examine(f"{HEAD}{text}\n", None).diagnostics if d.code in ("GPR403", "GPR409"))
    return found.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("inputs: {limit: 85C}", "write {type: number, unit: C, default: 85C}"),
        ("inputs: {limit: 85}", "write {type: number, default: 85}"),
        ("inputs: {limit: -2.5}", "write {type: number, default: '-2.5'}"),
        ("inputs: {wait: 1h30m}", "write {type: number, unit: s, default: 1h30m}"),
        ("inputs: {zone: eu-1}", "write {type: string, default: eu-1}"),
        ("inputs: {is_on: true}", "write {type: bool, default: true}"),
        ("inputs: {limit: {type: number, default: 85C}}", "add unit: C, or write 85"),
        ("inputs: {limit: {type: number, default: 1h30m}}", "add unit: s"),
        ("inputs: {limit: {type: number, unit: C, default: 85%}}", "write 85C, or declare unit: %"),
        ("inputs: {limit: {type: number, unit: C, default: 1h30m}}", "write a number such as 5C"),
        ("inputs: {limit: {type: number, unit: C, default: warm}}", "write a number such as 5C"),
        ("inputs: {limit: {type: number, default: warm}}", "write a number such as 5"),
        ("inputs: {limit: {type: number, unit: B, default: 5mb}}", "write MB for megabytes or Mbit for megabits"),
        ("inputs: {is_on: {type: bool, default: maybe}}", "write true or false"),
        ("signals: {hot: gpu_temperature > 85}", "write {condition: 'gpu_temperature > 85'}"),
        ("fields: {tenant: string}", "for example {type: string, scope: transfer}"),
        ("settings: {max_priority: 10%}", "write 10: the value has no unit"),
        ("settings: {max_priority: .inf}", "write a number such as 100"),
        ("extends: [[a]]", "for example ./site.yaml"),
    ],
)
def test_a_shorthand_is_answered_with_the_full_form(text: str, hint: str) -> None:
    assert hint_of(text) == hint


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ("priority: 5s", "write 5: the value has no unit"),
        ("priority: 2.5", "write 2 or 3"),
        ("priority: 2.5s", "for example 10"),
        ("enabled: 3", "write true or false, without quotes"),
    ],
)
def test_a_number_with_a_unit_is_answered_without_it(keys: str, hint: str) -> None:
    assert hint_of(f"rules:\n- {{name: a, condition: gpu_memory > 80, action: pause_transfer, {keys}}}") == hint


@pytest.mark.parametrize(
    ("action", "hint"),
    [
        ("limit_concurrency, parameters: {max_concurrency: 4GiB}", "write 4: the value has no unit"),
        ("increase_priority, parameters: {priority_boost: 50%}", "write 50: the value has no unit"),
        ("reduce_prefetch, parameters: {reduction_factor: 50%}", "write 0.5"),
        ("reduce_prefetch, parameters: {reduction_factor: half}", "for example 0.5"),
    ],
)
def test_a_parameter_with_a_unit_too_many_is_answered_without_it(action: str, hint: str) -> None:
    assert hint_of(f"rules:\n- {{name: a, condition: gpu_memory > 80, action: {action}}}") == hint
