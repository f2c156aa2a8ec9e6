"""Occurrences of names in a file: declarations and uses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gpurules.actions.effects.notification.templates import placeholders
from gpurules.language.completion import KEYWORDS
from gpurules.lsp.names.scope import DeclaringSection, NameScope, Symbol
from gpurules.lsp.text.cursor import Spot, spots
from gpurules.lsp.text.documents import TextDocument
from gpurules.lsp.text.structure import is_expression, is_parameter, names_a_rule, schema_at

_TOKEN = re.compile(
    r"'(?:[^'\\\n\r]|\\.)*'?|\"(?:[^\"\\\n\r]|\\.)*\"?|#[^\n\r]*|\d[\w.%°:]*|(?P<name>[A-Za-z_]\w*)(?!\s*\()", re.ASCII
)
_INPUT = re.compile(r"\$\{([^{}]*)\}")
_DECLARED = {section.value: section for section in DeclaringSection if section is not DeclaringSection.RULES}


class Space(StrEnum):
    """The namespace of a name: anything that conditions know, only inputs, or only rules."""

    NAME = "name"
    INPUT = "input"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence of a name. Units: ``start`` and ``end`` are offsets in the source of its document."""

    name: str
    space: Space
    start: int
    end: int
    is_declaration: bool = False

    def symbol(self, scope: NameScope) -> Symbol | None:
        """Return the symbol of the name; None if it is not declared."""
        if self.space is Space.RULE:
            return scope.rules.get(self.name)
        found = scope.names.get(self.name)
        if self.space is Space.INPUT and found is not None and found.section is not DeclaringSection.INPUTS:
            return None
        return found


def occurrences(document: TextDocument) -> Iterator[Occurrence]:
    """Yield every name of a ruleset that is in *document*."""
    for spot in spots(document.tree.root):
        yield from _in_spot(document, spot)


def _in_spot(document: TextDocument, spot: Spot) -> Iterator[Occurrence]:
    scalar = spot.scalar
    if spot.is_key:
        if len(spot.steps) == 1 and spot.steps[0] in _DECLARED:
            yield _whole(spot, Space.NAME, True)
        elif spot.steps[:1] == ("extends",) and spot.steps[-1] == "with":
            yield _whole(spot, Space.INPUT)
    elif is_expression(document, spot):
        for match in _TOKEN.finditer(scalar.text):
            if match["name"] and match["name"].upper() not in KEYWORDS:
                yield _part(spot, match["name"], match.start("name"), Space.NAME)
    elif names_a_rule(document, spot):
        patches = spot.mapping is not None and {"override", "remove"} & set(spot.mapping.values)
        yield _whole(spot, Space.RULE, spot.steps[0] == "rules" and not patches)
    elif is_parameter(spot) and "{" in scalar.text:
        for match in _INPUT.finditer(scalar.text):
            yield _part(spot, match[1], match.start(1), Space.INPUT)
        if schema_at(document, spot).get("x-template"):
            for start, name in placeholders(scalar.text):
                if scalar.text[:start].endswith("${"):
                    continue
                yield _part(spot, name, start, Space.NAME)


def _whole(spot: Spot, space: Space, is_declaration: bool = False) -> Occurrence:
    start, end = spot.scalar.offsets(0, len(spot.scalar.text))
    return Occurrence(spot.scalar.text, space, start, end, is_declaration)


def _part(spot: Spot, name: str, index: int, space: Space) -> Occurrence:
    return Occurrence(name, space, *spot.scalar.offsets(index, index + len(name)))


def occurrence_at(document: TextDocument, offset: int) -> Occurrence | None:
    """Return the occurrence at *offset* of a document; None if there is none."""
    return next((found for found in occurrences(document) if found.start <= offset <= found.end), None)
