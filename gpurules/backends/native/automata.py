"""Patterns as finite automata over UTF-8 bytes, for matching in one pass without backtracking."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.native.regex import (
    TOP,
    Assertion,
    Chars,
    Choice,
    Ranges,
    Regex,
    Repeat,
    Sequence_,
    parse_regex,
)

MAX_STATES = 1000
MAX_NODES = 20_000
_START, _NEWLINE, _WORD, _OTHER, _END = range(5)


@dataclass(frozen=True, slots=True)
class Automaton:
    """A deterministic automaton: ``classes`` has the class of each byte, ``next`` the next state by state and class.

    State 0 is dead. A state that accepts every continuation leads to itself.
    """

    classes: tuple[int, ...]
    next: tuple[tuple[int, ...], ...]
    accepts: tuple[bool, ...]
    start: int

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return max(self.classes) + 1

    def search(self, data: bytes) -> bool:
        """Return whether the pattern occurs in *data*, which is valid UTF-8."""
        state = self.start
        for byte in data:
            state = self.next[state][self.classes[byte]]
        return self.accepts[state]


@dataclass(slots=True)
class _Network:
    """An NFA: nodes with epsilon edges (unconditional or under an assertion) and edges on a byte."""

    free: list[list[tuple[int, str | None]]] = field(default_factory=list)
    bytes: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def node(self) -> int:
        if len(self.free) >= MAX_NODES:
            raise UnsupportedError("the pattern is too large for the C target; use fewer or smaller repetitions")
        self.free.append([])
        self.bytes.append([])
        return len(self.free) - 1

    def add(self, tree: Regex, start: int) -> int:
        """Add *tree* after *start*; return its end node."""
        match tree:
            case Chars(ranges):
                end = self.node()
                for low, high in ranges:
                    self._add_range(low, high, start, end)
                return end
            case Assertion(kind):
                end = self.node()
                self.free[start].append((end, kind))
                return end
            case Sequence_(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Choice(options):
                end = self.node()
                for option in options:
                    first = self.node()
                    self.free[start].append((first, None))
                    self.free[self.add(option, first)].append((end, None))
                return end
            case Repeat(part, least, most):
                return self._repeat(part, least, most, start)

    def _repeat(self, part: Regex, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            start = self.add(part, start)
        end = self.node()
        if most is None:
            loop = self.node()
            self.free[start].append((loop, None))
            self.free[self.add(part, loop)].append((loop, None))
            self.free[loop].append((end, None))
            return end
        for _ in range(most - least):
            self.free[start].append((end, None))
            start = self.add(part, start)
        self.free[start].append((end, None))
        return end

    def _add_range(self, low: int, high: int, start: int, end: int) -> None:
        for sequence in utf8_sequences(low, high):
            at = start
            for place, (first, last) in enumerate(sequence):
                to = end if place == len(sequence) - 1 else self.node()
                self.bytes[at].append((first, last, to))
                at = to


def utf8_sequences(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    """Yield the code points from *low* to *high*, without surrogates, as sequences of byte ranges."""
    for first, last in ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, TOP)):
        start, end = max(low, first), min(high, last)
        if start <= end:
            yield from _same_length(start, end)


def _same_length(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    one, other = chr(low).encode(), chr(high).encode()
    for place in range(1, len(one)):  # split where the following bytes do not span all of 80..BF
        unit = 1 << (6 * place)
        if low // unit != high // unit:
            if low % unit:
                middle = (low // unit + 1) * unit
                yield from _same_length(low, middle - 1)
                yield from _same_length(middle, high)
                return
            if (high + 1) % unit:
                middle = high // unit * unit
                yield from _same_length(low, middle - 1)
                yield from _same_length(middle, high)
                return
    yield list(zip(one, other, strict=True))


_KINDS = tuple(
    _NEWLINE if byte == 10 else _WORD if (chr(byte).isalnum() and byte < 128) or byte == 95 else _OTHER
    for byte in range(256)
)


def _holds(assertion: str | None, before: int, after: int) -> bool:
    match assertion:
        case None:
            return True
        case "begin":
            return before == _START
        case "end":
            return after == _END
        case "begin_line":
            return before in (_START, _NEWLINE)
        case "end_line":
            return after in (_END, _NEWLINE)
        case _:
            return (before == _WORD) != (after == _WORD)


class _Builder:
    """The subset construction: states are sets of nodes with the kind of the preceding byte."""

    def __init__(self, tree: Regex) -> None:
        self.network = _Network()
        self.root = self.network.node()
        any_character = Chars(((0, TOP),))
        looped = self.network.add(any_character, self.root)
        self.network.free[looped].append((self.root, None))
        self.goal = self.network.add(tree, self.root)
        self.has_assertions = any(a is not None for edges in self.network.free for _, a in edges)

    def closure(self, nodes: frozenset[int], before: int, after: int | None) -> frozenset[int]:
        """Return the epsilon closure; without *after*, only through unconditional edges."""
        found, stack = set(nodes), list(nodes)
        while stack:
            for to, assertion in self.network.free[stack.pop()]:
                holds = assertion is None if after is None else _holds(assertion, before, after)
                if holds and to not in found:
                    found.add(to)
                    stack.append(to)
        return frozenset(found)

    def step(self, nodes: frozenset[int], before: int, byte: int) -> frozenset[int]:
        """Return the nodes reached by a byte, before the epsilon closure."""
        kind = _KINDS[byte]
        reached = self.closure(nodes, before, kind)
        if self.goal in reached:
            return frozenset({self.goal})
        return frozenset(to for n in reached for low, high, to in self.network.bytes[n] if low <= byte <= high)

    def classes(self) -> tuple[int, ...]:
        """Return the equivalence class of each byte: no edge distinguishes the bytes of a class."""
        cuts = {0, 10, 11, 48, 58, 65, 91, 95, 96, 97, 123} if self.has_assertions else {0}
        for edges in self.network.bytes:
            for low, high, _ in edges:
                cuts |= {low, high + 1}
        found, number = [], -1
        for byte in range(256):
            number += byte in cuts
            found.append(number)
        return tuple(found)


@lru_cache(maxsize=256)
def automaton(pattern: str) -> Automaton:
    """Return the automaton that searches a text for *pattern*, in RE2's syntax.

    Raises:
        UnsupportedError: the pattern has an unsupported construct, or too many states.
    """
    builder = _Builder(parse_regex(pattern))
    classes = builder.classes()
    samples = [classes.index(number) for number in range(max(classes) + 1)]
    start = (frozenset({builder.root}), _START)
    known: dict[tuple[frozenset[int], int], int] = {(frozenset(), _OTHER): 0, start: 1}
    table: list[tuple[int, ...]] = []
    accepts: list[bool] = []
    for nodes, before in (queue := [(frozenset[int](), _OTHER), start]):
        is_final = builder.goal in builder.closure(nodes, before, None)
        accepts.append(is_final or builder.goal in builder.closure(nodes, before, _END))
        if is_final:
            table.append(tuple([len(table)] * len(samples)))
            continue
        row = []
        for byte in samples:
            after = builder.step(nodes, before, byte)
            key = (after, _KINDS[byte] if builder.has_assertions and after else _OTHER)
            if key not in known:
                if len(known) >= MAX_STATES:
                    raise UnsupportedError(
                        f"the pattern needs more than {MAX_STATES} states in C; use fewer or smaller repetitions"
                    )
                known[key] = len(known)
                queue.append(key)
            row.append(known[key])
        table.append(tuple(row))
    return Automaton(classes, tuple(table), tuple(accepts), 1)


__all__ = ["Automaton", "Ranges", "automaton", "utf8_sequences"]
