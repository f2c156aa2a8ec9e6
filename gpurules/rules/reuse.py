"""Rules as they were built, so that loading a changed text builds only what changed.

A rule is what its keys say in an environment: fields, definitions, signals, inputs and actions. Where both are equal,
what was built is equal, but for the place of the rule in the file. Rules with a finding are never kept.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from gpurules.language import Checked, Parsed, parse
from gpurules.records import Alone, record
from gpurules.rules.rule import Rule, Signal

T = TypeVar("T")


class ParsedText:
    """The text of an expression, parsed when that is first asked for.

    It lives as long as the expression stays the same, and with it what is worked out of the expression alone.
    """

    __slots__ = ("_noted", "_parsed", "text")

    def __init__(self, text: str, parsed: Parsed | None = None) -> None:
        self.text = text
        self._parsed = parsed
        self._noted: dict[object, tuple[Checked, object]] | None = None

    @property
    def parsed(self) -> Parsed:
        """What the text says."""
        if self._parsed is None:
            self._parsed = parse(self.text)
        return self._parsed

    def once(self, function: Callable[[Parsed, Checked], T], checked: Checked) -> T:
        """Return what *function* makes of the text, as it was *checked*; it is asked once."""
        if self._noted is None:
            self._noted = {}
        noted = self._noted.get(function)
        if noted is None or noted[0] is not checked:
            noted = self._noted[function] = checked, function(self.parsed, checked)
        return cast(T, noted[1])

    def forget(self) -> None:
        """Drop the syntax tree of a condition, and what was worked out; it is parsed again when it is asked for."""
        self._parsed = self._noted = None


@record
class BuiltRule(Alone):
    """A rule without findings, what it was built from, and what building it added to the ruleset.

    ``conditions`` are its condition and its ``until``; ``used`` and ``mentioned`` are the names that its actions use
    and that their messages name; ``terms`` is its share of the terms that a ruleset may have; ``canonical`` is what
    the version of the ruleset hashes.
    Missing: ``signal`` is None where it has no timers.
    """

    written: object
    rule: Rule
    conditions: tuple[tuple[ParsedText, Checked], ...]
    signal: Signal | None
    used: frozenset[str]
    mentioned: frozenset[str]
    terms: int
    canonical: str


@record
class BuiltRules(Alone):
    """The rules of a ruleset by name, and the environment that they were built in."""

    environment: object
    rules: Mapping[str, BuiltRule]

    def forget_trees(self) -> None:
        """Drop the syntax trees of conditions: a program that only decides never asks for them."""
        for built in self.rules.values():
            for text, _ in built.conditions:
                text.forget()
