"""A YAML file as a tree of nodes that know where they stand."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from gpurules.diagnostics import Diagnostic, LineIndex, LocatedEdit, Location, Span, diagnostic_at
from gpurules.registry import unambiguous_match
from gpurules.rules.yaml.positions import Decoded, decode, decode_block
from gpurules.strict_json import dumps


class YamlSource:
    """The text of one file (without a byte order mark), and its name in diagnostics."""

    __slots__ = ("_lines", "path", "text")

    def __init__(self, text: str, path: str | None) -> None:
        self.text = text
        self.path = path
        self._lines: LineIndex | None = None

    def location(self, start: int, end: int) -> Location:
        """Return where the text from offset *start* to *end* stands."""
        if self._lines is None:
            self._lines = LineIndex(self.text)
        return self._lines.location(Span(start, end))


class YamlScalar:
    """A text, as decoded; ``style`` is empty for a plain scalar, else one of ``' " | >``.

    Units: ``start`` and ``end`` are offsets in the source, in code points.
    """

    __slots__ = ("_decoded", "end", "source", "start", "style", "text")

    def __init__(self, source: YamlSource, start: int, end: int, text: str, style: str) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.text = text
        self.style = style
        self._decoded: Decoded | None = None

    def location(self, start: int | None = None, end: int | None = None) -> Location:
        """Return where the scalar stands, or its decoded characters from *start* to *end*."""
        if start is None:
            return self.source.location(self.start, self._written_end())
        return self.source.location(*self.offsets(start, len(self.text) if end is None else end))

    def offsets(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the source in which the decoded characters from *start* to *end* stand."""
        decoded = self._characters()
        count = len(decoded.starts)
        if start < count:
            first = decoded.starts[start]
        else:
            first = decoded.ends[-1] if count else self.start + (1 if self.style in ("'", '"') else 0)
        return first, decoded.ends[min(end, count) - 1] if end > start and start < count else first

    def index_at(self, offset: int) -> int:
        """Return how many of the decoded characters stand before *offset* of the source."""
        return bisect_left(self._characters().starts, offset)

    def spelling_of(self, text: str) -> str:
        """Return *text* as it has to be written inside a scalar of this style."""
        if self.style == "'":
            return text.replace("'", "''")
        if self.style == '"':
            return dumps(text)[1:-1]
        return text

    def _characters(self) -> Decoded:
        if self._decoded is None:
            if self.style in ("|", ">"):
                found = decode_block(self.source.text, self.start, self.end, self.text)
            else:
                found = decode(self.source.text, self.start, self.end, self.style)
            if (
                found is None or found.text != self.text
            ):  # never yet seen; the start of the scalar is better than nothing
                found = Decoded(list(self.text), [self.start] * len(self.text), [self.end] * len(self.text))
            self._decoded = found
        return self._decoded

    def _written_end(self) -> int:
        """Return the end, less the blank lines that a block scalar may end with."""
        if self.style not in ("|", ">"):
            return self.end
        return self.start + len(self.source.text[self.start : self.end].rstrip())


class YamlSequence:
    """A list."""

    __slots__ = ("end", "items", "source", "start")

    def __init__(self, source: YamlSource, start: int) -> None:
        self.source = source
        self.start = start
        self.end = start
        self.items: list[YamlNode] = []

    def location(self) -> Location:
        """Return where the first line of the list stands."""
        return _collection_location(self)


class YamlMapping:
    """Keys and values in the order of the file, merge keys resolved.

    ``hidden`` has the keys of merged mappings that the mapping has itself: own key and merged key.
    """

    __slots__ = ("end", "hidden", "keys", "source", "start", "values")

    def __init__(self, source: YamlSource, start: int) -> None:
        self.source = source
        self.start = start
        self.end = start
        self.keys: dict[str, YamlScalar] = {}
        self.values: dict[str, YamlNode] = {}
        self.hidden: tuple[tuple[YamlScalar, YamlScalar], ...] = ()

    def location(self) -> Location:
        """Return where the first line of the mapping stands."""
        return _collection_location(self)

    def get(self, key: str) -> "YamlNode | None":
        """Return the value of *key*, None where there is none."""
        return self.values.get(key)


YamlNode: TypeAlias = YamlScalar | YamlSequence | YamlMapping


def _collection_location(node: YamlSequence | YamlMapping) -> Location:
    first_line = node.source.text[node.start : node.end].partition("\n")[0].rstrip()
    return node.source.location(node.start, node.start + len(first_line))


def problem_at(node: YamlNode, code: str, message: str, hint: str | None = None) -> Diagnostic:
    """Return a diagnostic at *node*."""
    return diagnostic_at(code, message, node.source.path, node.location(), hint)


def with_correction(problem: Diagnostic, node: YamlScalar, known: Iterable[str]) -> Diagnostic:
    """Return *problem*, of a name at *node*, with an edit to the one of *known* that it is a slip of, if any."""
    meant = unambiguous_match(node.text, known)
    return problem if meant is None else with_rewrite(problem, node, meant)


def with_part_correction(problem: Diagnostic, name: str, known: Iterable[str]) -> Diagnostic:
    """Return *problem*, which is at a *name* inside a text, with an edit to the *known* name that it misspells.

    A problem whose place is not known gets no edit.
    """
    meant = unambiguous_match(name, known)
    is_placed = problem.location != Location(problem.line, problem.column, problem.line, problem.column)
    return (
        problem if meant is None or not is_placed else replace(problem, edits=(LocatedEdit(problem.location, meant),))
    )


def with_rewrite(problem: Diagnostic, node: YamlScalar, text: str) -> Diagnostic:
    """Return *problem* with an edit that puts *text* in the place of what *node* says, in the quotes that it has.

    Unquoted text in a block gets no edit; nor does what an input supplied, which is fixed where the
    input is set.
    """
    if node.style in ("|", ">") or "${" in node.source.text[node.start : node.end]:
        return problem
    quote = node.style if node.style in ("'", '"') else ""
    return replace(problem, edits=(LocatedEdit(node.location(), f"{quote}{node.spelling_of(text)}{quote}"),))


_BOOLS = {
    spelling: value
    for value, words in ((True, ("yes", "true", "on")), (False, ("no", "false", "off")))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*(?::[0-5]?[0-9])*)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9][0-9_]*[eE][-+]?[0-9]+|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)|([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def plain_value(text: str) -> bool | int | float | str | None:
    """Return what YAML 1.1 makes of a plain scalar (numbers with an exponent and no dot are numbers, as in JSON).

    >>> [plain_value(t) for t in ("on", "0x10", "1:30", "1e3", "~", "GPU")]
    [True, 16, 90, 1000.0, None, 'GPU']
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] in "-+.0123456789":
        if _INTEGER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return _float(text)
    return text


def disguised_number(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return how YAML 1.1 reads a plain number that looks like another, and the spellings that cannot be mistaken.

    >>> disguised_number("010"), disguised_number("1:30"), disguised_number("10")
    (('octal', ('8', '10')), ('sexagesimal', ('90',)), None)
    """
    if text.isdecimal() and text[0] != "0":  # as nearly all are
        return None
    value = plain_value(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    digits = text.replace("_", "").lstrip("+-").lower()
    if ":" in digits:
        return "sexagesimal", (f"{value:g}" if isinstance(value, float) else str(value),)
    for prefix, name in (("0x", "hexadecimal"), ("0b", "binary")):
        if digits.startswith(prefix):
            return name, (str(value),)
    if isinstance(value, int) and digits.startswith("0") and abs(value) != int(digits):
        return "octal", (str(value), f"{'-' if value < 0 else ''}{int(digits)}")
    return None


def _integer(text: str) -> int | str:
    if len(text) < 16 and text.isdecimal() and text[0] != "0":  # the pattern has seen that these are 0 to 9
        return int(text)
    digits = text.replace("_", "").lower()
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if len(digits) > 400 or not digits.strip(":"):
        return text
    if ":" in digits:
        return sign * _sexagesimal(digits)
    base = {"0b": 2, "0x": 16}.get(digits[:2], 8 if digits.startswith("0") and digits != "0" else 10)
    try:
        return sign * int(digits, base)
    except ValueError:
        return text


def _sexagesimal(digits: str) -> int:
    value = 0
    for part in digits.split(":"):
        value = value * 60 + int(part)
    return value


def _float(text: str) -> float | str:
    digits = text.replace("_", "").lower()
    if digits.endswith(".inf"):
        return float(digits.replace(".inf", "inf"))
    if digits == ".nan":
        return float("nan")
    if ":" in digits:
        whole, _, fraction = digits.rpartition(":")
        sign = -1 if whole[0] == "-" else 1
        return sign * (_sexagesimal(whole.lstrip("+-")) * 60 + float(fraction))
    return float(digits)
