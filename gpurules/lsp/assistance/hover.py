"""Hover texts."""

import re

from lsprotocol import types

from gpurules.actions import default_actions
from gpurules.actions.effects.notification.templates import placeholders
from gpurules.diagnostics import CATALOGUE, Diagnostic, Location
from gpurules.language import FUNCTIONS
from gpurules.lsp.assistance.inline_values import Values
from gpurules.lsp.names import descriptions
from gpurules.lsp.names.scope import NameScope, scope_of
from gpurules.lsp.text.cursor import Spot, spot_at
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.lsp.text.structure import is_expression, is_parameter, names_a_rule, names_an_action, schema_at
from gpurules.rules.yaml import YamlScalar

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INPUT = re.compile(r"\$\{([^{}]*)\}")


def hover(
    document: TextDocument,
    position: types.Position,
    documents: Documents,
    findings: tuple[Diagnostic, ...],
    values: Values,
) -> types.Hover | None:
    """Return the hover text at a position of a document: a description of the name there, and its findings."""
    offset = document.positions.offset(position)
    spot = spot_at(document, offset)
    found = about(document, spot, documents, values) if spot is not None else None
    parts = [found[0]] if found else []
    parts += [descriptions.finding_text(one) for one in _findings(document, position, findings)]
    parts += [descriptions.code_text(code) for code in dict.fromkeys(_codes(document, position))]
    if not parts:
        return None
    place = document.positions.range(*found[1]) if found else None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(parts)), place)


def about(
    document: TextDocument, spot: Spot, documents: Documents, values: Values
) -> tuple[str, tuple[int, int]] | None:
    """Return the description of the name at *spot*, and the range of that name."""
    scope = scope_of(document, documents)
    if is_expression(document, spot) or (is_parameter(spot) and not spot.is_key):
        name = name_at(spot) if is_expression(document, spot) else placeholder_at(spot)
        text = _name_text(name[0], scope) if name is not None else None
        if name is not None and text is not None:
            value = values.of_name(name[0], document, scope)
            return _with(text, value), spot.scalar.offsets(name[1], name[1] + len(name[0]))
    text = _scalar_text(document, spot, scope)
    if text is None:
        return None
    return _with(text, _value_at(document, spot, scope, values)), (spot.scalar.start, spot.scalar.end)


def _with(text: str, value: str | None) -> str:
    return f"{text}\n\n{value}" if value else text


def _value_at(document: TextDocument, spot: Spot, scope: NameScope, values: Values) -> str | None:
    """Return the value of the name declared at *spot*, or of the rule whose name or condition is there."""
    text = spot.scalar.text
    if document.kind is DocumentKind.RULESET and names_a_rule(document, spot):
        return values.of_rule(text, document)
    if spot.is_key and text == "condition" and spot.steps[:1] == ("rules",) and spot.mapping is not None:
        name = spot.mapping.get("name")
        return values.of_rule(name.text, document) if isinstance(name, YamlScalar) else None
    return values.of_name(text, document, scope) if _declares(spot) else None


def name_at(spot: Spot) -> tuple[str, int] | None:
    """Return the name in a condition at the cursor, and its offset in the text."""
    index = len(spot.before)
    found = (match for match in _NAME.finditer(spot.scalar.text) if match.start() <= index <= match.end())
    match = next(found, None)
    return (match[0], match.start()) if match is not None else None


def placeholder_at(spot: Spot) -> tuple[str, int] | None:
    """Return the name inside the ``${…}`` or ``{…}`` at the cursor, and its offset in the text."""
    index, text = len(spot.before), spot.scalar.text
    inputs = [(match.start(1), match[1]) for match in _INPUT.finditer(text)]
    for start, name in (*inputs, *placeholders(text)):
        if start <= index <= start + len(name):
            return name, start
    return None


def _name_text(name: str, scope: NameScope) -> str | None:
    if name in scope.names:
        return descriptions.symbol_text(scope.names[name])
    if name in scope.fields:
        return descriptions.field_text(scope.fields[name])
    return descriptions.function_text(FUNCTIONS[name]) if name in FUNCTIONS else None


def _scalar_text(document: TextDocument, spot: Spot, scope: NameScope) -> str | None:
    text = spot.scalar.text
    if names_an_action(spot):
        action = default_actions().get(text)
        return descriptions.action_text(action) if action is not None else None
    if names_a_rule(document, spot):
        return descriptions.symbol_text(scope.rules[text]) if text in scope.rules else None
    schema = schema_at(document, spot)
    if not spot.is_key:
        return None
    if text in schema.get("properties", {}):
        return descriptions.schema_text(text, schema["properties"][text], text in schema.get("required", ()))
    return descriptions.symbol_text(scope.names[text]) if _declares(spot) and text in scope.names else None


def _declares(spot: Spot) -> bool:
    return spot.steps in (("define",), ("signals",), ("inputs",), ("fields",)) or spot.steps[-1:] == ("with",)


def _codes(document: TextDocument, position: types.Position) -> list[str]:
    """Return the codes that a suppression names at a position."""
    line = document.positions.line(position.line)
    start = document.positions.offset(types.Position(position.line, 0))
    column = document.positions.offset(position) - start
    return [
        match[0]
        for match in re.finditer(r"GPR\d{3}", line)
        if match.start() <= column <= match.end() and "#" in line and match[0] in CATALOGUE
    ]


def _findings(document: TextDocument, position: types.Position, findings: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """Return the findings at a position."""
    found = []
    for one in findings:
        place = document.positions.range_of(Location(one.line, one.column, one.end_line, one.end_column))
        if place.start <= position <= place.end and one.path in (None, document.path) and one.code in CATALOGUE:
            found.append(one)
    return found
