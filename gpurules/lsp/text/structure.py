"""The schema that applies at a position of a file, derived from the path of keys."""

from typing import Any

from gpurules.actions import Action, default_actions
from gpurules.lsp.text.cursor import Spot, Steps
from gpurules.lsp.text.documents import DocumentKind, TextDocument
from gpurules.registry import Registry
from gpurules.rules.schema import Schema, structure
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence
from gpurules.ruletest.reading.schema import structure as test_structure

NOTHING: Schema = {}


def schema_at(document: TextDocument, spot: Spot) -> Schema:
    """Return the schema at *spot*: that of its value or, for a key, of the mapping that contains it."""
    schema = test_structure() if document.kind is DocumentKind.TEST else structure()
    actions = default_actions()
    for number, step in enumerate(spot.steps):
        node = spot.above[number]
        below = spot.above[number + 1] if number + 1 < len(spot.above) else spot.scalar
        schema = fitting(_below(schema, node, step, actions), below)
    return schema


def fitting(schema: Schema, node: YamlNode) -> Schema:
    """Return the alternative of *schema* for the kind of *node*, or *schema* itself if it has none."""
    kind = {YamlScalar: "string", YamlSequence: "array", YamlMapping: "object"}[type(node)]
    alternatives = schema.get("oneOf") or schema.get("anyOf") or ()
    found: Schema = next((one for one in alternatives if one.get("type") == kind), schema)
    return found


def _below(schema: Schema, node: YamlNode, step: str | int, actions: Registry[Action]) -> Schema:
    if isinstance(step, int):
        items: Schema = schema.get("items", NOTHING)
        return items
    if step == "parameters" and (action := action_of(node, actions)) is not None:
        return action.schema
    properties = schema.get("properties", NOTHING)
    more: Any = properties[step] if step in properties else schema.get("additionalProperties")
    return more if isinstance(more, dict) else NOTHING


def action_of(node: YamlNode | None, actions: Registry[Action]) -> Action | None:
    """Return the action that a rule, or an entry of its ``actions``, names."""
    named = node.get("action") if isinstance(node, YamlMapping) else None
    return actions.get(named.text) if isinstance(named, YamlScalar) else None


def is_expression(document: TextDocument, spot: Spot) -> bool:
    """Return whether *spot* is a condition, or a definition."""
    if spot.is_key:
        return False
    match _shape(spot.steps):
        case ("rules", 0, "condition" | "until") | ("signals", _, "condition" | "until") | ("define", _):
            return document.kind is DocumentKind.RULESET
        case ("properties", 0, "never" | "always", "if"):
            return document.kind is DocumentKind.TEST
        case _:
            return False


def names_an_action(spot: Spot) -> bool:
    """Return whether *spot* is the value of an ``action``."""
    match _shape(spot.steps):
        case ("rules", 0, "action") | ("rules", 0, "actions", 0, "action"):
            return not spot.is_key
        case _:
            return False


def is_parameter(spot: Spot) -> bool:
    """Return whether *spot* is among the parameters of an action."""
    match _shape(spot.steps):
        case ("rules", 0, "parameters", *_) | ("rules", 0, "actions", 0, "parameters", *_):
            return True
        case _:
            return False


def names_a_rule(document: TextDocument, spot: Spot) -> bool:
    """Return whether *spot* is the name of a rule: in its definition, or in a test."""
    if spot.is_key:
        return False
    match _shape(spot.steps):
        case ("rules", 0, "name"):
            return document.kind is DocumentKind.RULESET
        case ("cases", 0, "expect", *_, "rule") | ("cases", 0, "rule") | ("replay", 0, "expect", "rule"):
            return document.kind is DocumentKind.TEST
        case ("cases", 0, "expect", *_, "matched", 0):
            return document.kind is DocumentKind.TEST
        case ("properties", 0, "never" | "always", "all_match" | "some_match" | "none_match", 0):
            return document.kind is DocumentKind.TEST
        case _:
            return False


def _shape(steps: Steps) -> Steps:
    """Return *steps* with every index replaced by 0, which keeps patterns short."""
    return tuple(0 if isinstance(step, int) else step for step in steps)
