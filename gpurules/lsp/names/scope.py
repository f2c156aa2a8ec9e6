"""The names that a file can use: its own declarations, and those of its bases."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpurules.fields import FIELDS, Field
from gpurules.language.completion import Role
from gpurules.lsp.findings.published_findings import references
from gpurules.lsp.text.documents import DocumentKind, Documents, TextDocument
from gpurules.rules.building import declared_fields
from gpurules.rules.files import Merged, Merger
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence


class DeclaringSection(StrEnum):
    """A section that declares names. A name that is declared in several refers to the first of these."""

    DEFINE = "define"
    SIGNALS = "signals"
    INPUTS = "inputs"
    FIELDS = "fields"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A declared name of a ruleset. Units: ``key`` has its offsets and its file."""

    section: DeclaringSection
    key: YamlScalar
    value: YamlNode

    @property
    def name(self) -> str:
        """The name."""
        return self.key.text

    @property
    def role(self) -> Role:
        """Its role in a condition."""
        match self.section:
            case DeclaringSection.DEFINE:
                is_list = isinstance(self.value, YamlSequence) or self._text.lstrip().startswith("[")
                return Role.LIST if is_list else Role.DEFINE
            case DeclaringSection.SIGNALS:
                return Role.SIGNAL
            case DeclaringSection.INPUTS:
                return Role.INPUT
            case _:
                return Role.FIELD

    @property
    def _text(self) -> str:
        return self.value.text if isinstance(self.value, YamlScalar) else ""


@dataclass(frozen=True, slots=True)
class NameScope:
    """The symbols of names in one file: in conditions (``names``), and of rules."""

    names: Mapping[str, Symbol] = field(default_factory=dict)
    rules: Mapping[str, Symbol] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=lambda: FIELDS)

    @property
    def roles(self) -> dict[str, Role]:
        """The role of each name of the ruleset, except declared fields."""
        return {
            name: symbol.role for name, symbol in self.names.items() if symbol.section is not DeclaringSection.FIELDS
        }

    def of(self, section: DeclaringSection) -> dict[str, Symbol]:
        """Return the names of one section."""
        return {name: symbol for name, symbol in self.names.items() if symbol.section is section}


def scope_of(document: TextDocument, documents: Documents) -> NameScope:
    """Return the names that *document* can use; for a test, those of its rulesets."""
    merger = Merger(read=documents.read)
    if document.kind is DocumentKind.TEST:
        for _, path in references(document):
            other = documents.at(path)
            if other is not None:
                merger.add(other.tree.source.text, path)
    else:
        merger.add(document.tree.source.text, document.path)
    return _scope(merger.merged)


def _scope(merged: Merged) -> NameScope:
    names = {symbol.name: symbol for symbol in reversed(list(_symbols(merged)))}
    rules = {name: Symbol(DeclaringSection.RULES, rule.name, rule.node) for name, rule in merged.rules.items()}
    return NameScope(names, rules, {**FIELDS, **declared_fields(merged.sections["fields"])})


def _symbols(merged: Merged) -> Iterator[Symbol]:
    for section in (
        DeclaringSection.DEFINE,
        DeclaringSection.SIGNALS,
        DeclaringSection.INPUTS,
        DeclaringSection.FIELDS,
    ):
        for name, value in merged.sections[section].items():
            yield Symbol(section, merged.keys[section, name], value)


def values_of(symbol: Symbol) -> list[tuple[str, str]]:
    """Return the declaration of a symbol, key by key."""
    if isinstance(symbol.value, YamlScalar):
        return [("", symbol.value.text)]
    if isinstance(symbol.value, YamlSequence):
        return [("", ", ".join(item.text for item in symbol.value.items if isinstance(item, YamlScalar)))]
    assert isinstance(symbol.value, YamlMapping)
    return [(key, node.text) for key, node in symbol.value.values.items() if isinstance(node, YamlScalar)]
