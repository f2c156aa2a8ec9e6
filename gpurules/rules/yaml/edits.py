"""Edits of a file's content: entries removed and added, each in the style of its neighbors."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from gpurules.diagnostics import LocatedEdit
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence
from gpurules.rules.yaml.reader import read_yaml
from gpurules.strict_json import dumps

_PLAIN = re.compile(r"[A-Za-z0-9_(](?:(?!: | #)[ -~])*[A-Za-z0-9_)%']")
_OF_FLOW = frozenset(",[]{}")


def is_flow(node: YamlMapping | YamlSequence) -> bool:
    """Return whether *node* is written in brackets."""
    return node.source.text[node.start : node.start + 1] in ("{", "[")


def without_key(mapping: YamlMapping, name: str) -> tuple[LocatedEdit, ...]:
    """Return the edit that takes the entry *name* out of *mapping*; none where it cannot go or stands elsewhere."""
    return without_keys(mapping, [name])[name]


def without_keys(mapping: YamlMapping, names: Iterable[str]) -> dict[str, tuple[LocatedEdit, ...]]:
    """Return for each of *names* the edit that takes that entry alone out of *mapping*, as ``without_key`` does."""
    own = _own_keys(mapping)
    places = {name: place for place, name in enumerate(own)} if len(own) > 1 else {}
    return {name: _without(mapping, own, places[name]) if name in places else () for name in names}


def _without(mapping: YamlMapping, own: Sequence[str], index: int) -> tuple[LocatedEdit, ...]:
    name = own[index]
    key, value = mapping.keys[name], mapping.values[name]
    following = mapping.keys[own[index + 1]].start if index + 1 < len(own) else None
    if is_flow(mapping):
        before = mapping.values[own[index - 1]].end
        span = (key.start, following) if following is not None else (before, value.end)
    elif index == 0:  # what it stands behind, such as the dash of a list, goes on to the next one
        span = (key.start, following or key.start)
    else:
        span = (_line_start(mapping, key.start), _next_line(mapping, _entry_end(mapping, name)))
    return (LocatedEdit(mapping.source.location(*span), ""),)


def without_item(sequence: YamlSequence, index: int) -> tuple[LocatedEdit, ...]:
    """Return the edit that takes an item out of a list; none where it is the only one."""
    items = sequence.items
    if len(items) < 2:
        return ()
    item = items[index]
    if is_flow(sequence):
        span = (item.start, items[index + 1].start) if index + 1 < len(items) else (items[index - 1].end, item.end)
    else:
        start = _line_start(sequence, item.start)
        if sequence.source.text[start : item.start].strip() != "-":
            return ()
        span = (start, _next_line(sequence, last_offset(item)))
    return (LocatedEdit(sequence.source.location(*span), ""),)


def with_entry(root: YamlMapping, section: str, name: str, value: str, before: tuple[str, ...]) -> LocatedEdit | None:
    """Return the edit that adds an entry, ``name: value``, to a *section* of a file.

    A section that is not there yet is put above the first of the keys *before*.
    Missing: None where the file is written in a style that this cannot go on with.
    """
    found = root.get(section)
    if isinstance(found, YamlMapping) and found.keys:
        first = next(iter(found.keys.values()))
        if is_flow(found):
            entry = entry_like(first, name, value)
            return LocatedEdit(root.source.location(found.start + 1, found.start + 1), f"{entry}, ")
        margin = " " * (first.location().column - 1)
        return LocatedEdit(root.source.location(first.start, first.start), f"{name}: {_block(value)}\n{margin}")
    place = next((root.keys[key] for key in root.keys if key in before), None)
    if found is not None or place is None:
        return None
    if is_flow(root):
        new = f"{_key_like(place, section)}: {{{entry_like(place, name, value)}}}, "
        return LocatedEdit(root.source.location(place.start, place.start), new)
    start = _above_comments(root, _line_start(root, place.start))
    return LocatedEdit(root.source.location(start, start), f"{section}:\n  {name}: {_block(value)}\n")


def entry_like(key: YamlScalar, name: str, value: str) -> str:
    """Return an entry as it is written in brackets beside *key*: in quotes where that has some, as in JSON."""
    written = dumps(value) if key.style == '"' else _flow(value)
    return f"{_key_like(key, name)}: {written}"


def _key_like(key: YamlScalar, name: str) -> str:
    return dumps(name) if key.style == '"' else name


def last_offset(node: YamlNode) -> int:
    """Return where what *node* says ends, without the blank lines and comments that may follow."""
    match node:
        case YamlScalar():
            return node.start + len(node.source.text[node.start : node.end].rstrip())
        case YamlMapping() if not is_flow(node):
            return max((_entry_end(node, name) for name in _own_keys(node)), default=node.start)
        case YamlSequence() if not is_flow(node):
            return max(map(last_offset, node.items), default=node.start)
        case _:
            return node.end


def _entry_end(mapping: YamlMapping, name: str) -> int:
    return max(mapping.keys[name].end, last_offset(mapping.values[name]))


def _own_keys(mapping: YamlMapping) -> list[str]:
    """Return the keys that are written in *mapping* itself, not merged into it."""
    return [name for name, key in mapping.keys.items() if mapping.start <= key.start < mapping.end]


def _line_start(node: YamlNode, offset: int) -> int:
    text = node.source.text
    line = text.rfind("\n", 0, offset) + 1
    return max(line, text.rfind("\r", line, offset) + 1)


def _next_line(node: YamlNode, offset: int) -> int:
    match = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)").match(node.source.text, offset)
    return match.end() if match else offset


def _above_comments(node: YamlNode, start: int) -> int:
    """Return where the comments begin that stand right above the line at *start*."""
    text = node.source.text
    while start > 0 and text[(above := _line_start(node, start - 1)) : start].lstrip().startswith("#"):
        start = above
    return start


def _block(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _flow(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and _OF_FLOW.isdisjoint(text) else _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return dumps(text)


def reorder_keys(mapping: YamlMapping, order: Sequence[str]) -> tuple[LocatedEdit, ...]:
    """Return the edit that puts the keys of *mapping* in *order*, those that it does not have last, as they stand.

    What is written at a key goes with it, the comments above it too. None where the file would say something else.
    """
    text, own = mapping.source.text, _own_keys(mapping)
    ranks = {name: order.index(name) if name in order else len(order) for name in own}
    wanted = sorted(own, key=lambda name: ranks[name])
    spans = {name: _written_at(mapping, name, is_first=name == own[0]) for name in own}
    start, end = spans[own[0]][0], spans[own[-1]][1]
    gaps = [text[spans[one][1] : spans[other][0]] for one, other in pairwise(own)]
    if any("#" in gap for gap in gaps):
        return ()
    margin = "" if is_flow(mapping) else " " * (mapping.keys[own[0]].location().column - 1)
    pieces = [text[slice(*spans[name])].removeprefix(margin if name != own[0] else "") for name in wanted]
    after = pieces[0] + "".join(f"{gap}{margin}{piece}" for gap, piece in zip(gaps, pieces[1:], strict=True))
    there = read_yaml(f"{text[:start]}{after}{text[end:]}", mapping.source.path)
    before = read_yaml(text, mapping.source.path)
    if there.problems or there.root is None or before.root is None or _said(there.root) != _said(before.root):
        return ()
    return (LocatedEdit(mapping.source.location(start, end), after),)


def _written_at(mapping: YamlMapping, name: str, is_first: bool) -> tuple[int, int]:
    """Return the range in which an entry is written: in block style whole lines, with the comments above it."""
    key, text = mapping.keys[name], mapping.source.text
    end = _entry_end(mapping, name)
    if is_flow(mapping):
        return key.start, end
    start = key.start if is_first else _above_comments(mapping, _line_start(mapping, key.start))
    return start, end + len(re.compile(r"[^\r\n]*").match(text, end)[0])  # type: ignore[index]


def _said(node: YamlNode) -> object:
    """Return what *node* says, so that two that say the same are equal, in whatever order their keys stand."""
    match node:
        case YamlScalar():
            return node.text, bool(node.style)
        case YamlSequence():
            return [_said(item) for item in node.items]
        case YamlMapping():
            return {key: _said(value) for key, value in node.values.items()}
