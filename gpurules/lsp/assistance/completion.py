"""Completion at the cursor."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import available_timezones

from lsprotocol import types

from gpurules.actions import default_actions
from gpurules.actions.effects.notification.templates import EVENT_NAMES
from gpurules.fields import Field
from gpurules.language import FUNCTIONS
from gpurules.language.completion import Role, Suggestion, completion
from gpurules.lsp.names import descriptions
from gpurules.lsp.names.scope import DeclaringSection, NameScope, scope_of
from gpurules.lsp.text.cursor import Spot, typed_spot
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.lsp.text.structure import (
    fitting,
    is_expression,
    is_parameter,
    names_a_rule,
    names_an_action,
    schema_at,
)
from gpurules.model import UNITS, Dimension
from gpurules.rules import shipped_names
from gpurules.rules.files import SHIPPED, SUFFIXES
from gpurules.rules.schema import Schema
from gpurules.rules.yaml import YamlMapping

MOST_FILES = 200
_REST = re.compile(r"[A-Za-z0-9_]*")
_COLON = re.compile(r"[\w-]*[ \t]*:")
_KINDS = {
    Role.FIELD: types.CompletionItemKind.Field,
    Role.SIGNAL: types.CompletionItemKind.Event,
    Role.DEFINE: types.CompletionItemKind.Variable,
    Role.LIST: types.CompletionItemKind.Variable,
    Role.INPUT: types.CompletionItemKind.Constant,
    Role.FUNCTION: types.CompletionItemKind.Function,
    Role.KEYWORD: types.CompletionItemKind.Keyword,
    Role.VALUE: types.CompletionItemKind.EnumMember,
    Role.UNIT: types.CompletionItemKind.Unit,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A completion item; a lower ``rank`` comes first."""

    text: str
    kind: types.CompletionItemKind
    detail: str = ""
    about: str = ""
    rank: int = 1


@dataclass(frozen=True, slots=True)
class _Typing:
    """The text being typed, and its context."""

    document: TextDocument
    offset: int
    spot: Spot
    scope: NameScope


def completions(document: TextDocument, offset: int, documents: Documents) -> types.CompletionList:
    """Return the completions at *offset* of a document; none outside the keys of rulesets."""
    if document.kind not in (DocumentKind.RULESET, DocumentKind.TEST):
        return types.CompletionList(False, [])
    spot = typed_spot(document, offset)
    if spot is None:
        return types.CompletionList(False, [])
    typing = _Typing(document, offset, spot, scope_of(document, documents))
    length, offers = _offered(typing)
    line = document.positions.offset(types.Position(document.positions.position(offset).line, 0))
    rest = _REST.match(document.source, offset)
    place = document.positions.range(max(line, offset - length), rest.end() if rest else offset)
    return types.CompletionList(False, [_item(offer, n, place, typing) for n, offer in enumerate(offers)])


def _item(offer: Offer, number: int, place: types.Range, typing: _Typing) -> types.CompletionItem:
    text = offer.text
    if not typing.spot.is_key and typing.spot.scalar.style in ("'", '"'):
        text = typing.spot.scalar.spelling_of(text)
    return types.CompletionItem(
        offer.text,
        kind=offer.kind,
        detail=offer.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.about) if offer.about else None,
        sort_text=f"{offer.rank} {number:04}",
        text_edit=types.TextEdit(place, text),
    )


def _offered(typing: _Typing) -> tuple[int, Iterable[Offer]]:
    """Return the number of characters before the cursor that the offers replace, and the offers."""
    spot, document = typing.spot, typing.document
    if is_expression(document, spot):
        found = completion(spot.before, typing.scope.fields, typing.scope.roles)
        offers = (_offer(suggestion, typing.scope) for suggestion in found.suggestions)
        return len(spot.before) - found.start, [_not_twice(offer, spot.after) for offer in offers]
    schema = schema_at(document, spot)
    opened = _placeholder(spot, schema) if is_parameter(spot) else None
    if opened is not None:
        return len(opened), _placeholders(typing, spot.before.removesuffix(opened).endswith("${"))
    if spot.is_key:
        return len(spot.before), _keys(schema, spot.mapping, typing)
    if schema.get("type") == "object":
        return len(spot.before), _keys(schema, None, typing)
    return len(spot.before), _values(schema, typing)


def _not_twice(offer: Offer, after: str) -> Offer:
    """Return *offer* without its closing quote or bracket if that already follows the cursor."""
    last = offer.text[-1]
    follows = _REST.sub("", after, count=1)[:1]
    return replace(offer, text=offer.text[:-1]) if last in "'\"(" and last == follows else offer


def _offer(suggestion: Suggestion, scope: NameScope) -> Offer:
    detail, about = "", ""
    name = suggestion.text.rstrip("(")
    if suggestion.role is Role.FIELD and name in scope.fields:
        detail, about = str(scope.fields[name].datatype), descriptions.field_text(scope.fields[name])
    elif suggestion.role is Role.FUNCTION:
        detail, about = FUNCTIONS[name].signature, descriptions.function_text(FUNCTIONS[name])
    elif suggestion.role is Role.UNIT:
        detail = UNITS[name].dimension.value
    elif name in scope.names:
        detail, about = suggestion.role.value, descriptions.symbol_text(scope.names[name])
    return Offer(suggestion.text, _KINDS[suggestion.role], detail, about, suggestion.rank)


def _placeholder(spot: Spot, schema: Schema) -> str | None:
    """Return the typed part of a name inside ``${…}``, or in a template inside ``{…}``; None outside of both."""
    head, brace, name = spot.before.rpartition("{")
    is_open = bool(brace) and "}" not in name and name.replace("_", "a").isalnum() | (name == "")
    if is_open and (head.endswith("$") or (schema.get("x-template") and not head.endswith("{"))):
        return name
    return None


def _placeholders(typing: _Typing, only_inputs: bool) -> Iterator[Offer]:
    for name, symbol in typing.scope.names.items():
        if not only_inputs or symbol.section is DeclaringSection.INPUTS:
            yield Offer(name, _KINDS[symbol.role], symbol.role.value, descriptions.symbol_text(symbol))
    if not only_inputs:
        for name in EVENT_NAMES:
            yield Offer(name, types.CompletionItemKind.Property, "of the event")
        for name, field in typing.scope.fields.items():
            yield _field_offer(name, field)


def _field_offer(name: str, field: Field) -> Offer:
    return Offer(name, types.CompletionItemKind.Field, str(field.datatype), descriptions.field_text(field), 2)


def _keys(schema: Schema, mapping: YamlMapping | None, typing: _Typing) -> Iterator[Offer]:
    """Yield the keys that *mapping* may have and lacks."""
    present = set(mapping.values) if mapping is not None else set()
    colon = "" if _COLON.match(typing.document.source, typing.offset) else ": "
    if typing.spot.steps[-1:] == ("with",):
        for name, symbol in typing.scope.of(DeclaringSection.INPUTS).items():
            if name not in present and symbol.key.source.path != typing.document.path:
                about = descriptions.symbol_text(symbol)
                yield Offer(f"{name}{colon}", types.CompletionItemKind.Constant, "input", about)
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        if name not in present and not ({"action", "actions"} & present and name in ("action", "actions")):
            about = descriptions.schema_text(name, part, name in required)
            rank = 0 if name in required else 1
            yield Offer(f"{name}{colon}", types.CompletionItemKind.Property, descriptions.kind_of(part), about, rank)


def _values(schema: Schema, typing: _Typing) -> Iterator[Offer]:
    spot = typing.spot
    if names_an_action(spot):
        for action in default_actions():
            yield Offer(
                action.name, types.CompletionItemKind.Method, action.kind.value, descriptions.action_text(action)
            )
        return
    if names_a_rule(typing.document, spot):
        rules = typing.scope.rules.values()
        inherited = [rule for rule in rules if rule.key.source.path != typing.document.path]
        for rule in inherited:
            yield Offer(rule.name, types.CompletionItemKind.Reference, "rule", descriptions.symbol_text(rule))
        return
    if spot.steps[:1] in (("extends",), ("rulesets",)):
        yield from _files(typing)
        return
    if spot.steps == ("settings", "timezone"):
        yield from (Offer(zone, types.CompletionItemKind.Value) for zone in sorted(available_timezones()))
        return
    yield from _by_schema(schema, spot)


def _by_schema(schema: Schema, spot: Spot) -> Iterator[Offer]:
    member = types.CompletionItemKind.EnumMember
    for value in schema.get("enum", ()):
        yield Offer(str(value), member, "default" if value == schema.get("default") else "")
    if "const" in schema:
        yield Offer(str(schema["const"]), member)
    kinds = schema.get("type", ())
    if "boolean" in ((kinds,) if isinstance(kinds, str) else kinds):
        for flag in ("true", "false"):
            yield Offer(flag, member, "default" if str(schema.get("default")).lower() == flag else "")
    typed = spot.before.strip()
    if "x-dimension" in schema and typed and typed[-1].isdigit():
        dimension = Dimension(schema["x-dimension"])
        for unit in UNITS.values():
            if unit.dimension is dimension:
                yield Offer(f"{typed}{unit.name}", types.CompletionItemKind.Unit, dimension.value)
    elif not typed and "enum" not in schema:
        for example in schema.get("examples", ()):
            if isinstance(example, str | int | float) and not isinstance(example, bool):
                yield Offer(str(example), types.CompletionItemKind.Value, "for example", rank=2)
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict) and not spot.is_key:
        yield from _first_item(items, spot)


def _first_item(items: Schema, spot: Spot) -> Iterator[Offer]:
    """Yield the start of a list whose first dash is missing."""
    if not spot.before:
        keys = fitting(items, YamlMapping(spot.scalar.source, 0)).get("properties", {})
        first = next(iter(keys), None)
        yield Offer(f"- {first}: " if first else "- ", types.CompletionItemKind.Snippet, "an item of the list")


def _files(typing: _Typing) -> Iterator[Offer]:
    for name in shipped_names():
        yield Offer(f"{SHIPPED}{name}", types.CompletionItemKind.Module, "ships with gpurules")
    path = typing.document.path
    if path is None:
        return
    try:
        entries = sorted(Path(path).parent.iterdir())[:MOST_FILES]
    except OSError:
        return
    for entry in entries:
        is_ours = entry.suffix in SUFFIXES and not entry.stem.endswith(".test")
        if is_ours and entry != Path(path):
            yield Offer(f"./{entry.name}", types.CompletionItemKind.File)
