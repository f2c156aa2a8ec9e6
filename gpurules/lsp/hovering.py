"""What is said of a name when the cursor rests on it."""

import re

from lsprotocol import types

from gpurules.actions import default_actions
from gpurules.actions.action import placeholders
from gpurules.diagnostics import CATALOGUE, Diagnostic, Location
from gpurules.language import FUNCTIONS
from gpurules.lsp import describing
from gpurules.lsp.cursor import Spot, spot_at
from gpurules.lsp.documents import Document, Documents
from gpurules.lsp.scope import Scope, scope_of
from gpurules.lsp.structure import is_expression, is_parameter, names_a_rule, names_an_action, schema_at

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INPUT = re.compile(r"\$\{([^{}]*)\}")


def hover(
    document: Document, position: types.Position, documents: Documents, findings: tuple[Diagnostic, ...]
) -> types.Hover | None:
    """Return what there is to say at a place of a document: of what is named there, and why it is wrong."""
    offset = document.positions.offset(position)
    spot = spot_at(document, offset)
    found = about(document, spot, documents) if spot is not None else None
    whys = [describing.code_text(code) for code in dict.fromkeys(_codes(document, position, findings))]
    text = "\n\n---\n\n".join([*([found[0]] if found else []), *whys])
    if not text:
        return None
    place = document.positions.range(*found[1]) if found else None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), place)


def about(document: Document, spot: Spot, documents: Documents) -> tuple[str, tuple[int, int]] | None:
    """Return what there is to say of the name at *spot*, and where that name stands."""
    scope = scope_of(document, documents)
    if is_expression(document, spot) or (is_parameter(spot) and not spot.is_key):
        name = name_at(spot) if is_expression(document, spot) else placeholder_at(spot)
        text = _name_text(name[0], scope) if name is not None else None
        if name is not None and text is not None:
            return text, spot.scalar.offsets(name[1], name[1] + len(name[0]))
    text = _scalar_text(document, spot, scope)
    return (text, (spot.scalar.start, spot.scalar.end)) if text else None


def name_at(spot: Spot) -> tuple[str, int] | None:
    """Return the name in a condition that the cursor is on, and where in the text it starts."""
    index = len(spot.before)
    found = (match for match in _NAME.finditer(spot.scalar.text) if match.start() <= index <= match.end())
    match = next(found, None)
    return (match[0], match.start()) if match is not None else None


def placeholder_at(spot: Spot) -> tuple[str, int] | None:
    """Return the name inside the ``${…}`` or ``{…}`` that the cursor is on, and where in the text it starts."""
    index, text = len(spot.before), spot.scalar.text
    inputs = [(match.start(1), match[1]) for match in _INPUT.finditer(text)]
    for start, name in (*inputs, *placeholders(text)):
        if start <= index <= start + len(name):
            return name, start
    return None


def _name_text(name: str, scope: Scope) -> str | None:
    if name in scope.names:
        return describing.symbol_text(scope.names[name])
    if name in scope.fields:
        return describing.field_text(scope.fields[name])
    return describing.function_text(FUNCTIONS[name]) if name in FUNCTIONS else None


def _scalar_text(document: Document, spot: Spot, scope: Scope) -> str | None:
    text = spot.scalar.text
    if names_an_action(spot):
        action = default_actions().get(text)
        return describing.action_text(action) if action is not None else None
    if names_a_rule(document, spot):
        return describing.symbol_text(scope.rules[text]) if text in scope.rules else None
    schema = schema_at(document, spot)
    if not spot.is_key:
        return None
    if text in schema.get("properties", {}):
        return describing.schema_text(text, schema["properties"][text], text in schema.get("required", ()))
    return describing.symbol_text(scope.names[text]) if _declares(spot) and text in scope.names else None


def _declares(spot: Spot) -> bool:
    return spot.steps in (("define",), ("signals",), ("inputs",), ("fields",)) or spot.steps[-1:] == ("with",)


def _codes(document: Document, position: types.Position, findings: tuple[Diagnostic, ...]) -> list[str]:
    """Return the codes of the findings at a place: there, and in the codes that a suppression names."""
    line = document.positions.line(position.line)
    named = re.finditer(r"GPR\d{3}", line)
    codes = [match[0] for match in named if match.start() <= position.character <= match.end() and "#" in line]
    for found in findings:
        place = document.positions.located(Location(found.line, found.column, found.end_line, found.end_column))
        if place.start <= position <= place.end and found.path in (None, document.path):
            codes.append(found.code)
    return [code for code in codes if code in CATALOGUE]
