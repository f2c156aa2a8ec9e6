"""The parser's tables: Lark's LALR(1) tables of the grammar, stored next to it so that startup is fast.

How a text is parsed depends on the kinds of its tokens alone. So the tables are walked once for each sequence of kinds,
and the result is a list of steps, which any text of that shape runs to build its tree.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from gpurules.records import Record, record
from gpurules.resources import resource_root
from gpurules.strict_json import loads

GRAMMAR, TABLES = "condition.lark", "condition.tables.json"
END = "$END"
MAX_SHAPES, MAX_SHAPE = 2000, 100
"""How many sequences of token kinds are remembered, and of how many tokens at most."""

Step: TypeAlias = tuple[str | None, int]
"""The next token is taken (None, 0); or a method of the builder is called with that number of the last values."""

Steps: TypeAlias = tuple[Step, ...]


@record
class Reduction(Record):
    """A rule of the grammar, from its right side to its left.

    Missing: ``method`` is None where the values of the parts stand for themselves. ``is_transparent``: so they do where
    there is only one.
    """

    symbol: str
    length: int
    method: str | None
    is_transparent: bool


@record
class Tables(Record):
    """States of the automaton: by symbol the next state, or (under 0) the reduction ``-1 - action``."""

    token: re.Pattern[str]
    """A token as a named group, after what is ignored."""
    ignored: re.Pattern[str]
    """All that is ignored from here on, which may be nothing."""
    reductions: tuple[Reduction, ...]
    states: tuple[dict[str | None, int], ...]
    starts: dict[str, int]
    ends: dict[str, int]

    def tokens(self, text: str) -> list[re.Match[str]] | None:
        """Return the tokens of *text*; None where it has a character that starts none."""
        matches = self.token.scanner(text).match  # type: ignore[attr-defined]  # as re.Scanner uses it
        tokens = list(iter(matches, None))
        rest = tokens[-1].end() if tokens else 0
        end = self.ignored.match(text, rest)
        return tokens if end is not None and end.end() == len(text) else None


def grammar_text() -> str:
    """Return the grammar of conditions."""
    return resource_root("grammars").joinpath(GRAMMAR).read_text(encoding="utf-8")


def fingerprint(grammar: str) -> str:
    """Return a fingerprint of a grammar."""
    return hashlib.sha256(grammar.encode()).hexdigest()


def tables_of(data: dict[str, Any]) -> Tables:
    """Return the tables of *data*, as they are written in the file."""
    return Tables(
        re.compile(f"(?>(?:{data['ignored']})*)(?:{data['tokens']})"),  # atomic: a comment is never split into tokens
        re.compile(f"(?>(?:{data['ignored']})*)"),  # atomic: many blanks can be split in exponentially many ways
        tuple(Reduction(*reduction) for reduction in data["reductions"]),
        tuple(data["states"]),
        data["starts"],
        data["ends"],
    )


def kept_tables() -> dict[str, Any] | None:
    """Return the tables as they ship; None where there are none, or the grammar has changed since."""
    try:
        data: dict[str, Any] = loads(resource_root("grammars").joinpath(TABLES).read_bytes())
    except (OSError, ValueError):
        return None
    return data if data.get("grammar") == fingerprint(grammar_text()) else None


class Walker:
    """Finds the steps for sequences of token kinds."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._remembered = lru_cache(MAX_SHAPES)(self._walked)

    def steps(self, kinds: Sequence[str | None], start: str) -> Steps | None:
        """Return what builds the tree of tokens of these *kinds*; None where the grammar has no such text."""
        if len(kinds) > MAX_SHAPE:
            return self._walked(tuple(kinds), start)
        return self._remembered(tuple(kinds), start)

    def _walked(self, kinds: tuple[str | None, ...], start: str) -> Steps | None:
        states, end = [self.tables.starts[start]], self.tables.ends[start]
        widths: list[int] = []  # of each symbol read, by how many values it stands for
        steps: list[Step] = []
        for kind in (*kinds, END):
            action = self.tables.states[states[-1]].get(kind)
            while action is not None and action < 0:
                reduction = self.tables.reductions[-1 - action]
                self._reduce(reduction, widths, steps)
                del states[-reduction.length :]
                states.append(self.tables.states[states[-1]][reduction.symbol])
                if kind == END and states[-1] == end:
                    return tuple(steps)
                action = self.tables.states[states[-1]].get(kind)
            if action is None:
                return None
            states.append(action)
            widths.append(1)
            steps.append((None, 0))
        return None

    @staticmethod
    def _reduce(reduction: Reduction, widths: list[int], steps: list[Step]) -> None:
        width = sum(widths[-reduction.length :])
        del widths[-reduction.length :]
        if reduction.method is not None and not (reduction.is_transparent and width == 1):
            steps.append((reduction.method, width))
            width = 1
        widths.append(width)
