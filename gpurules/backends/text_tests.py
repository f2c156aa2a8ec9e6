"""What a test on a text looks for, as literals that can be found for many rules at once."""

from itertools import pairwise
from typing import NamedTuple

from gpurules.backends.literals import SearchText
from gpurules.language.syntax.nodes import Comparator, TextOperator
from gpurules.language.terms import ir

MAX_OVERLAP = 512
"""How long pieces of a glob are compared with each other; longer ones are taken to overlap."""


class TextPattern(NamedTuple):
    """The literals that are all in every text on which a test is TRUE.

    ``glob`` decides where they are; it is None where they suffice.
    """

    literals: tuple[SearchText, ...]
    glob: str | None = None


EVERY_TEXT = TextPattern((SearchText(False, "", False),))


def pattern_of(term: ir.TextTest) -> TextPattern | None:
    """Return what a test looks for.

    Missing: None where no literal is in every text that fits, or the pattern is not a constant string.
    """
    pattern = term.pattern
    if not isinstance(pattern, ir.Constant) or not isinstance(pattern.value, str):
        return None
    match term.operator:
        case TextOperator.STARTSWITH:
            return TextPattern((SearchText(True, pattern.value, False),))
        case TextOperator.ENDSWITH:
            return TextPattern((SearchText(False, pattern.value, True),))
        case TextOperator.CONTAINS:
            return TextPattern((SearchText(False, pattern.value, False),))
        case TextOperator.GLOB:
            return glob_pattern(pattern.value)
        case TextOperator.MATCHES:
            return None


def equality(text: str) -> TextPattern:
    """Return what is looked for by a test that a text equals *text*."""
    return TextPattern((SearchText(True, text, True),))


def glob_pattern(glob: str) -> TextPattern | None:
    """Return the literals of a glob.

    Missing: None where there are none.

    >>> glob_pattern("/data/*.bin").literals
    (SearchText(at_start=True, text='/data/', at_end=False), SearchText(at_start=False, text='.bin', at_end=True))
    >>> glob_pattern("/data/?.bin").glob, glob_pattern("[ab]*")
    ('/data/?.bin', None)
    """
    special = "*?[]" if "[" in glob else "*?"
    places = [place for place, character in enumerate(glob) if character in special]
    if not places:
        return equality(glob)
    start, end = glob[: places[0]], glob[places[-1] + 1 :]
    middle = glob[places[0] : places[-1] + 1]
    inner = [] if "[" in glob else [piece for piece in middle.replace("?", "*").split("*") if piece]
    found = [SearchText(True, start, False)] if start else []
    found += [SearchText(False, piece, False) for piece in dict.fromkeys(inner)]
    found += [SearchText(False, end, True)] if end else []
    is_all = "?" not in glob and "[" not in glob
    if not found:
        return EVERY_TEXT if is_all else None
    pieces = [piece for piece in (start, *inner, end) if piece]
    is_exact = is_all and len(inner) < 2 and not any(_touch(a, b) for a, b in pairwise(pieces))
    return TextPattern(tuple(found), None if is_exact else glob)


def _touch(left: str, right: str) -> bool:
    """Return whether a text can have *left* and *right* in it so that they share characters."""
    if min(len(left), len(right)) > MAX_OVERLAP or left in right or right in left:
        return True
    return any(left.endswith(right[:n]) for n in range(1, min(len(left), len(right)) + 1))


def is_textual(term: ir.Term) -> bool:
    """Return whether there is a test on a text in *term*."""
    return any(isinstance(part, ir.TextTest) for part in ir.walk(term))


def links_of(term: ir.Compare) -> list[tuple[bool, TextPattern | None]]:
    """Return, of each link of a comparison of a text, whether the two are to be equal, and what is looked for then.

    Missing: None where the text is compared with a value that is missing.
    """
    found = []
    for comparator, left, right in zip(term.comparators, term.operands, term.operands[1:], strict=False):
        assert comparator in (Comparator.EQ, Comparator.NE), "texts have no order"
        constants = [side.value for side in (left, right) if isinstance(side, ir.Constant)]
        if not constants or (len(constants) == 2 and constants[0] == constants[1]):
            pattern: TextPattern | None = EVERY_TEXT
        else:
            texts = [equality(text) for text in constants if isinstance(text, str)]
            pattern = TextPattern(tuple([literal for text in texts for literal in text.literals]))
            pattern = pattern if len(texts) == len(constants) else None
        found.append((comparator is Comparator.EQ, pattern))
    return found
