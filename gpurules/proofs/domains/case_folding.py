"""Tests of ``lower(x)`` as case-insensitive globs of x itself."""

from gpurules.language.syntax.nodes import TextOperator

_ALSO = {"k": "\u212a"}
"""What else becomes an ASCII letter in lower case: the Kelvin sign."""
_DOTTED = "\u0130"
"""Becomes an ``i`` and a combining dot, so that it only ends what is found in front of more."""
_FORMS = {
    TextOperator.STARTSWITH: "{}*",
    TextOperator.ENDSWITH: "*{}",
    TextOperator.CONTAINS: "*{}*",
}


def case_insensitive_glob(operator: TextOperator | None, text: str) -> str | None:
    """Return the glob that finds what ``lower(x) operator text`` does, ``==`` where there is no operator.

    Missing: None where it cannot be said: of ``MATCHES``, of globs with ``?`` or ``[``, and of what is not ASCII.

    >>> case_insensitive_glob(TextOperator.ENDSWITH, ".pt"), case_insensitive_glob(None, "a*")
    ('*.[pP][tT]', '[aA][*]')
    >>> case_insensitive_glob(TextOperator.GLOB, "*.pt"), case_insensitive_glob(TextOperator.GLOB, "a*b")
    ('*.[pP][tT]', '[aA]*[bB]')
    """
    if operator is TextOperator.GLOB and text.isascii() and not set(text) & {"?", "["}:
        *parts, last = text.split("*")
        starts = [case_insensitive_glob(TextOperator.STARTSWITH, part) for part in parts]
        return "".join([*(start for start in starts if start is not None), case_insensitive_glob(None, last) or ""])
    form = "{}" if operator is None else _FORMS.get(operator)
    if form is None or not text.isascii():
        return None
    places = [_place(character) for character in text]
    if text.endswith("i") and operator in (TextOperator.STARTSWITH, TextOperator.CONTAINS):
        places[-1] = f"[iI{_DOTTED}]"
    return form.format("".join(places))


def is_lower(text: str) -> bool:
    """Return whether *text* can be found in lower case at all."""
    return text == text.lower()


def _place(character: str) -> str:
    if character.isalpha():
        return f"[{character}{character.upper()}{_ALSO.get(character, '')}]"
    return f"[{character}]" if character in "*?[" else character
