"""What a lint check is: one question about a ruleset that loads, or about the expressions of one that does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gpurules.diagnostics import Diagnostic, Edit, Finding, Span
from gpurules.rules import Ruleset
from gpurules.rules.expression import Placed


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Missing: ``ruleset`` is None where the file has errors; its sound expressions are checked all the same.
    """

    ruleset: Ruleset | None
    placed: tuple[Placed, ...]


class Check(Protocol):
    """A check. Its docstring says what to avoid and what to prefer, and why."""

    @property
    def code(self) -> str:
        """The code of its findings."""
        ...

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        ...


def found(code: str, placed: Placed, span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """Return a finding at *span* of an expression."""
    return placed.expression.diagnostic(Finding(code, span, message, hint), placed.rule)


def mended(finding: Finding, placed: Placed) -> Diagnostic:
    """Return *finding*, which has edits, at its place."""
    return placed.expression.diagnostic(finding, placed.rule)


def replacing(span: Span, text: str) -> tuple[Edit, ...]:
    """Return the one edit that puts *text* in the place of *span*."""
    return (Edit(span, text),)
