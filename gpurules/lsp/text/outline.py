"""The outline of a file (sections, names and rules) and its folding ranges."""

from collections import deque
from collections.abc import Iterator

from lsprotocol import types

from gpurules.lsp.text.cursor import Collection
from gpurules.lsp.text.documents import TextDocument
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence

_KINDS = {
    "inputs": types.SymbolKind.Constant,
    "fields": types.SymbolKind.Field,
    "define": types.SymbolKind.Variable,
    "signals": types.SymbolKind.Event,
    "rules": types.SymbolKind.Function,
    "cases": types.SymbolKind.Method,
    "properties": types.SymbolKind.Method,
    "replay": types.SymbolKind.Method,
}
_LISTS = ("rules", "cases", "properties", "replay")


def symbols(document: TextDocument) -> list[types.DocumentSymbol]:
    """Return the sections of a file with the names, rules or tests in them."""
    root = document.root
    if root is None:
        return []
    found = []
    for name, key in root.keys.items():
        kind = types.SymbolKind.Namespace if name in _KINDS else types.SymbolKind.Property
        value = root.values[name]
        children = list(_children(document, name, value))
        found.append(_symbol(document, key, value, kind, children))
    return found


def _children(document: TextDocument, section: str, value: YamlNode) -> Iterator[types.DocumentSymbol]:
    kind = _KINDS.get(section)
    if kind is None:
        return
    if section in _LISTS and isinstance(value, YamlSequence):
        for item in value.items:
            named = item.get("name") if isinstance(item, YamlMapping) else None
            if isinstance(named, YamlScalar) and named.text:
                yield _symbol(document, named, item, kind, [])
    elif isinstance(value, YamlMapping):
        for name, key in value.keys.items():
            yield _symbol(document, key, value.values[name], kind, [])


def _symbol(
    document: TextDocument,
    key: YamlScalar,
    value: YamlNode,
    kind: types.SymbolKind,
    children: list[types.DocumentSymbol],
) -> types.DocumentSymbol:
    start, end = min(key.start, value.start), max(key.end, _end(document, value))
    if value.start < key.start and isinstance(value, YamlScalar):
        start, end = key.start, key.end  # an alias: the value is elsewhere
    return types.DocumentSymbol(
        key.text or "?",
        kind,
        document.positions.range(start, end),
        document.positions.range(key.start, key.end),
        detail=_detail(value),
        children=children,
    )


def _detail(value: YamlNode) -> str | None:
    condition = value.get("condition") if isinstance(value, YamlMapping) else value
    return " ".join(condition.text.split())[:100] if isinstance(condition, YamlScalar) else None


def _end(document: TextDocument, node: YamlNode) -> int:
    """Return the end of a node, without trailing blank lines."""
    return node.start + len(document.source[node.start : node.end].rstrip())


def folds(document: TextDocument) -> list[types.FoldingRange]:
    """Return the keys and list items that span several lines."""
    found: dict[int, types.FoldingRange] = {}
    for start, node in _foldable(document.tree.root):
        first, last = (document.positions.position(at).line for at in (start, _end(document, node)))
        if last > first and start <= node.start:
            found.setdefault(first, types.FoldingRange(first, last))
    return list(found.values())


def _foldable(root: YamlNode | None) -> Iterator[tuple[int, YamlNode]]:
    """Yield every value with the start of its key or list item; outer ones first."""
    todo: deque[Collection] = deque([root] if isinstance(root, YamlMapping | YamlSequence) else [])
    seen: set[int] = set()
    while todo:
        node = todo.popleft()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, YamlMapping):
            inner = [(node.keys[name].start, value) for name, value in node.values.items()]
        else:
            inner = [(item.start, item) for item in node.items]
        for start, value in inner:
            yield start, value
            if not isinstance(value, YamlScalar):
                todo.append(value)
