"""The node at the cursor: a key or value of the YAML tree, and the offset within it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from gpurules.lsp.text.documents import TextDocument
from gpurules.lsp.text.tolerant_yaml import readable
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml

MARK = "\ue000"
"""Represents the cursor while a text is read; a private-use character that no one types."""

Steps: TypeAlias = tuple[str | int, ...]
Collection: TypeAlias = YamlMapping | YamlSequence


@dataclass(frozen=True, slots=True)
class Spot:
    """A scalar, and the path to it.

    ``steps`` is the path to the scalar, or for a key to its mapping; ``above`` are the collections on the path, the
    root first. ``before`` is the text of the scalar before the cursor, ``after`` the rest.
    """

    steps: Steps
    above: tuple[Collection, ...]
    scalar: YamlScalar
    is_key: bool
    before: str = ""
    after: str = ""

    @property
    def mapping(self) -> YamlMapping | None:
        """The nearest enclosing mapping."""
        return next((node for node in reversed(self.above) if isinstance(node, YamlMapping)), None)


def spots(root: YamlNode | None) -> Iterator[Spot]:
    """Yield every scalar of a tree once, even if aliases and merge keys repeat it."""
    seen: set[int] = set()
    stack: list[tuple[Steps, tuple[Collection, ...], YamlNode, bool]] = [((), (), root, False)] if root else []
    while stack:
        steps, above, node, is_key = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, YamlScalar):
            yield Spot(steps, above, node, is_key)
        elif isinstance(node, YamlSequence):
            inner = [((*steps, n), (*above, node), item, False) for n, item in enumerate(node.items)]
            stack += reversed(inner)
        else:
            for name in reversed(node.values):
                stack.append(((*steps, name), (*above, node), node.values[name], False))
                stack.append((steps, (*above, node), node.keys[name], True))


def spot_at(document: TextDocument, offset: int) -> Spot | None:
    """Return the scalar at *offset* of a document; None if there is none."""
    found: Spot | None = None
    for spot in spots(document.tree.root):
        scalar = spot.scalar
        if scalar.start <= offset <= scalar.end and (found is None or scalar.start >= found.scalar.start):
            found = spot
    if found is None:
        return None
    index = found.scalar.index_at(offset)
    return replace(found, before=found.scalar.text[:index], after=found.scalar.text[index:])


def typed_spot(document: TextDocument, offset: int) -> Spot | None:
    """Return the scalar being typed at *offset*: the text is parsed with a marker there, and repaired if necessary.

    Missing: None if no repair results in valid YAML.
    """
    for read in (read_yaml, readable):
        for text in _repairs(document.source, offset):
            found = next((spot for spot in spots(read(text, document.path).root) if MARK in spot.scalar.text), None)
            if found is not None:
                before, _, after = found.scalar.text.partition(MARK)
                return replace(found, before=before, after=after)
    return None


def _repairs(text: str, offset: int) -> Iterator[str]:
    """Yield the text with the marker, unchanged and with possible repairs."""
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    end = min((at for at in (text.find("\n", offset), text.find("\r", offset)) if at >= 0), default=len(text))
    head, before, after, tail = text[:offset], text[start:offset], text[offset:end], text[end:]
    closers = _closers(before)
    yield head + MARK + after + tail
    if not after.strip():
        yield head + MARK + ":" + tail
    yield head + MARK + closers + tail
    if closers:
        yield head + MARK + ":" + closers + tail
    if not before.strip():
        yield head + "- " + MARK + tail
        yield head + MARK + ":" + tail


def _closers(before: str) -> str:
    """Return the text that closes the quotes and brackets that are open at the end of a line."""
    quote, opened, is_start = "", list[str](), True
    for character in before:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and is_start:
            quote = character
        elif character in "[{" and (is_start or opened):
            opened.append("]" if character == "[" else "}")
        elif character in "]}" and opened:
            opened.pop()
        is_start = character in ":,[{-" or (is_start and character.isspace())
    return quote + "".join(reversed(opened))
