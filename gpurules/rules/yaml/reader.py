"""The door to PyYAML: reads a file into located nodes, within limits, and says what is wrong with it.

The parser's events are used, not its composer: composing recurses in C and overflows the stack on deep nesting,
forgets duplicate keys, and resolves types that are ours to decide.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from gpurules.diagnostics import Diagnostic, Related, diagnostic_at
from gpurules.records import Record, record
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, YamlSource, problem_at

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 1_000_000
MAX_ALIASED_NODES = 100_000
_TOO_DEEP = f"lists and mappings are nested more than {MAX_DEPTH} deep"

_PROPERTY = re.compile(r"[&!]\S*\s*(?:#[^\r\n\x85\u2028\u2029]*\s*)*")
_STYLES = {style: style for style in ("'", '"', "|", ">")}
_TAGS = frozenset({"!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


@record
class YamlDocument(Record):
    """A file that was read.

    Missing: ``root`` is None where the file is empty, or so wrong that there is no tree.
    """

    source: YamlSource
    root: YamlNode | None
    problems: tuple[Diagnostic, ...] = ()


class _StopReading(Exception):
    """What is read has no tree: the problem is given, and reading ends."""

    def __init__(self, problem: Diagnostic) -> None:
        self.problem = problem


def read_yaml(data: bytes | str, path: str | None = None) -> YamlDocument:
    """Return the one document of a file, from its bytes or text; whatever is wrong is among its problems."""
    source = YamlSource("", path)
    try:
        source = YamlSource(_decoded(data, path), path)
        builder = _Builder(source)
        root = builder.build()
    except _StopReading as stop:
        return YamlDocument(source, None, (stop.problem,))
    except yaml.YAMLError as error:
        return YamlDocument(source, None, (_problem(error, source),))
    if isinstance(root, YamlScalar) and not root.text and not root.style:
        root = None  # markers, directives and comments, and nothing that they are about
    return YamlDocument(source, root, tuple(builder.problems))


def _decoded(data: bytes | str, path: str | None) -> str:
    """Return the text of *data*, without a byte order mark."""
    try:
        encoded = data.encode() if isinstance(data, str) else data
        if len(encoded) > MAX_BYTES:
            raise _StopReading(too_large(path))
        text = data if isinstance(data, str) else data.decode()
    except UnicodeEncodeError as error:
        before, wrong = str(error.object)[: error.start], f"character {ord(str(error.object)[error.start]):#x}"
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(errors="replace")
        wrong = f"byte {error.object[error.start]:#04x} at offset {error.start}"
    else:
        return text.removeprefix("\ufeff")
    before = before.removeprefix("\ufeff")
    place = YamlSource(before + "?", path).location(len(before), len(before) + 1)
    raise _StopReading(diagnostic_at("GPR010", f"{wrong} is not UTF-8", path, place, "save the file as UTF-8"))


def too_large(path: str | None) -> Diagnostic:
    """Return what is said of a file that is over the limit."""
    place = YamlSource("", path).location(0, 0)
    return diagnostic_at("GPR009", "the file is larger than 10 MiB", path, place, "split it, and use extends")


def _problem(error: yaml.YAMLError, source: YamlSource) -> Diagnostic:
    """Return the parser's complaint as a diagnostic."""
    if isinstance(error, yaml.reader.ReaderError):
        # libyaml counts bytes, the pure Python reader characters
        by_bytes = error.encoding != "unicode"
        before = source.text.encode()[: error.position].decode(errors="ignore") if by_bytes else ""
        offset = len(before) if by_bytes else error.position
        place = source.location(offset, offset + 1)
        character = error.character if isinstance(error.character, int) else ord(error.character)
        return diagnostic_at("GPR001", f"the character {character:#04x} is not allowed in YAML", source.path, place)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    context = getattr(error, "context_mark", None)
    if context is not None and (mark is None or mark.index >= len(source.text.rstrip())):
        mark = context  # what is open says more than where the file ends
    offset = mark.index if mark is not None else 0
    if problem == "exceeded maximum nesting depth":  # libyaml from 0.2.6: its scanner stops before our count does
        return diagnostic_at("GPR009", _TOO_DEEP, source.path, source.location(offset, offset + 1))
    words = [str(part) for part in (getattr(error, "context", None), problem) if part]
    return diagnostic_at(
        "GPR001",
        ": ".join(words),
        source.path,
        source.location(offset, offset + 1),
        _advice(source.text, offset, problem),
    )


def _advice(text: str, offset: int, problem: str) -> str | None:
    if text[offset : offset + 1] == "\t":
        return "indent with spaces; YAML allows no tabs there"
    if text[offset : offset + 1] in ("%", "@", "`"):
        return "quote the text"
    if "mapping values are not allowed" in problem:
        return "quote a text that contains a colon, or fix the indentation"
    if "end of stream" in problem and text[offset : offset + 1] in ("'", '"'):
        return "close the quote"
    if "undefined alias" in problem:
        return "an anchor (&name) must precede its aliases (*name); quote a text that starts with *"
    return None


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read.

    ``weight`` counts its nodes with aliases written out, ``height`` how deep they nest.
    """

    node: YamlSequence | YamlMapping
    anchor: str | None
    key: YamlScalar | None = None
    merges: list[YamlNode] = field(default_factory=list)
    expects_value: bool = False
    weight: int = 1
    height: int = 1


@record
class _Anchored(Record):
    node: YamlNode
    weight: int
    height: int


class _Builder:
    """Turns the parser's events into nodes, with a stack of its own."""

    def __init__(self, source: YamlSource) -> None:
        self.problems: list[Diagnostic] = []
        self._source = source
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._open: set[str] = set()
        self._root: YamlNode | None = None
        self._documents = 0
        self._nodes = 0
        self._aliased = 0
        self._steps: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def build(self) -> YamlNode | None:
        """Return the root of the one document."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(self._source.text)
        try:
            get_event, steps = loader.get_event, self._steps
            while (event := get_event()) is not None:
                step = steps.get(type(event))
                if step is not None:
                    step(event)
        finally:
            loader.dispose()
        return self._root

    def _stop(self, event: Any, code: str, message: str, hint: str | None = None) -> _StopReading:
        place = self._source.location(event.start_mark.index, event.end_mark.index)
        return _StopReading(diagnostic_at(code, message, self._source.path, place, hint))

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(event, "GPR001", "the file has several documents", "keep one ruleset in one file")

    def _scalar(self, event: Any) -> None:
        style = _STYLES.get(event.style, "")
        node = YamlScalar(self._source, event.start_mark.index, event.end_mark.index, event.value, style)
        if event.tag is not None:
            self._check_tag(event, node)
        if event.anchor is not None:
            node.start = self._past_properties(event)
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        self._attach(event, node, 1, 0)

    def _past_properties(self, event: Any) -> int:
        """Return where the value of a node starts, after its anchor and tag and any comments."""
        text = self._source.text
        offset: int = event.start_mark.index
        while match := _PROPERTY.match(text, offset, event.end_mark.index):
            offset = match.end()
        return offset

    def _check_tag(self, event: Any, node: YamlNode) -> None:
        node.start = self._past_properties(event)
        if event.tag not in _TAGS:
            written = self._source.text[event.start_mark.index : event.end_mark.index].split()[0]
            start = event.start_mark.index
            place = self._source.location(start, start + len(written))
            message = f"the tag {written[:60]!r} is not allowed"
            self.problems.append(
                diagnostic_at("GPR001", message, self._source.path, place, "remove it: values need no tags")
            )

    def _start(self, event: Any) -> None:
        kind = YamlMapping if type(event) is yaml.MappingStartEvent else YamlSequence
        node = kind(self._source, event.start_mark.index)
        node.end = event.end_mark.index
        if event.tag is not None:
            self._check_tag(event, node)
        if len(self._stack) >= MAX_DEPTH:
            raise self._stop(event, "GPR009", _TOO_DEEP)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
            self._open.add(event.anchor)
        self._stack.append(_Frame(node, event.anchor))

    def _end(self, event: Any) -> None:
        frame = self._stack.pop()
        frame.node.end = max(event.end_mark.index, frame.node.end)
        if frame.merges and isinstance(frame.node, YamlMapping):
            self._merge(frame.node, frame.merges)
        if frame.anchor is not None:
            self._open.discard(frame.anchor)
            self._anchors[frame.anchor] = _Anchored(frame.node, frame.weight, frame.height)
        self._attach(event, frame.node, frame.weight, frame.height)

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if event.anchor in self._open:
            raise self._stop(event, "GPR009", f"the anchor {event.anchor!r} contains itself")
        if found is None:
            raise self._stop(event, "GPR001", f"no anchor is named {event.anchor!r}", _advice("", 0, "undefined alias"))
        self._aliased += found.weight
        if self._aliased > MAX_ALIASED_NODES:
            raise self._stop(event, "GPR009", f"aliases stand for more than {MAX_ALIASED_NODES:,} values")
        if len(self._stack) + found.height > MAX_DEPTH:
            raise self._stop(event, "GPR009", _TOO_DEEP)
        self._attach(event, found.node, found.weight, found.height)

    def _attach(self, event: Any, node: YamlNode, weight: int, height: int) -> None:
        """Put a finished *node* where it belongs."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._stop(event, "GPR009", f"the file has more than {MAX_NODES:,} values")
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.weight += weight
        if height >= frame.height:
            frame.height = height + 1
        holder = frame.node
        if isinstance(holder, YamlSequence):
            holder.items.append(node)
        elif frame.expects_value:
            frame.expects_value = False
            self._put(frame, holder, node)
        else:
            frame.expects_value = True
            frame.key = node if isinstance(node, YamlScalar) else None
            if frame.key is None:
                self.problems.append(problem_at(node, "GPR001", "a key must be a string"))

    def _put(self, frame: _Frame, mapping: YamlMapping, value: YamlNode) -> None:
        key = frame.key
        if key is None:
            return
        text = key.text
        if text == "<<" and not key.style:
            frame.merges.append(value)
        elif text in mapping.keys:
            self.problems.append(_duplicate(mapping.keys[text], key))
        else:
            mapping.keys[text] = key
            mapping.values[text] = value

    def _merge(self, mapping: YamlMapping, merges: list[YamlNode]) -> None:
        """Give *mapping* the keys of the merged mappings that it has not itself; earlier ones win."""
        own = dict(mapping.keys)
        hidden: list[tuple[YamlScalar, YamlScalar]] = []
        for value in merges:
            for merged in value.items if isinstance(value, YamlSequence) else [value]:
                if not isinstance(merged, YamlMapping):
                    self.problems.append(
                        problem_at(merged, "GPR001", "a merge key (<<) needs a mapping, or a list of them")
                    )
                    continue
                hidden += [(own[text], key) for text, key in merged.keys.items() if text in own]
                for text, key in merged.keys.items():
                    if text not in mapping.keys:
                        mapping.keys[text] = key
                        mapping.values[text] = merged.values[text]
        mapping.hidden = tuple(hidden)


def _duplicate(first: YamlScalar, second: YamlScalar) -> Diagnostic:
    place = second.location()
    return Diagnostic(
        "GPR002",
        f"the key {second.text[:100]!r} occurs twice",
        second.source.path,
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        "keep one of them",
        related=(Related("first here", first.source.path, first.location()),),
    )
