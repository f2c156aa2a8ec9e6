"""Says what is wrong where a condition cannot be parsed, and how it would be right."""

import re
from collections.abc import Iterator

from gpurules.diagnostics import Edit, Finding, Span
from gpurules.language.syntax.foreign_names import ACTION_NAMES, INSTEAD_OF_WORD, for_action, for_metric
from gpurules.model import UNITS

_FOREIGN = {
    "=~": "MATCHES",
    "!~": "NOT … MATCHES",
    "~=": "MATCHES",
    "===": "==",
    "!==": "!=",
    "=>": ">=",
    "=<": "<=",
    "&": "AND",
    "|": "OR",
    "~": "NOT",
    "^": None,
    "**": None,
    "//": "/",
    ":=": "==",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "∧": "AND",
    "∨": "OR",
    "¬": "NOT",
    "%": None,
    "?": None,
    ">>": None,
    "<<": None,
}
_FOREIGN_PATTERN = re.compile("|".join(re.escape(f) for f in sorted(_FOREIGN, key=len, reverse=True)))
_LOOKALIKES = {
    "\u201c": '"',
    "\u201d": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u2212": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\uff1e": ">",
    "\uff1c": "<",
}
_FOREIGN_WORDS = {
    "NULL": "MISSING",
    "NONE": "MISSING",
    "NIL": "MISSING",
    "LIKE": "GLOB",
    "REGEXP": "MATCHES",
    "XOR": "!=",
    "EQ": "==",
}
_HINTS = {
    "^": "there is no XOR or power",
    "**": "there is no power",
    "%": "a unit directly follows its number (80%); there is no modulo",
    "?": "there is no conditional operator",
    ">>": "to compare, write >",
    "<<": "to compare, write <",
}
_SLIPS = frozenset({"%", ">>", "<<"})
"""What is rather a slip of the hand than meant as the operator that it is elsewhere."""
_WORDS = {
    "OR": "OR",
    "AND": "AND",
    "NOT": "NOT",
    "IN": "IN",
    "BETWEEN": "BETWEEN",
    "IS": "IS",
    "MISSING": "MISSING",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "COMMA": "','",
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "TRUE": "TRUE",
    "FALSE": "FALSE",
}
_GROUPS = (
    (frozenset({"EQ", "NE", "LE", "LT", "GE", "GT"}), "a comparison"),
    (frozenset({"CONTAINS", "STARTSWITH", "ENDSWITH", "GLOB", "MATCHES"}), "a text operator"),
    (frozenset({"PLUS", "MINUS", "STAR", "SLASH"}), "arithmetic"),
    (frozenset({"NAME", "NUMBER", "STRING", "TRUE", "FALSE", "LPAR", "MINUS", "NOT"}), "a value"),
)


def _expected(accepts: frozenset[str]) -> str:
    rest, words = set(accepts) - {"$END"}, []
    for group, word in _GROUPS:
        if len(group & rest) >= max(2, len(group) - 1):
            words.append(word)
            rest -= group
    words += sorted(_WORDS.get(name, name) for name in rest)
    if "$END" in accepts:
        words.append("the end")
    if len(words) > 6:
        words = [*words[:6], "…"]
    return " or ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " or " + words[-1]


def _foreign(text: str, start: int) -> Finding | None:
    """Return the finding for an operator of another language at or just before *start*."""
    for begin in (start - 2, start - 1, start):
        match = _FOREIGN_PATTERN.match(text, begin) if begin >= 0 else None
        if match is None or match.end() <= start:
            continue
        ours = _FOREIGN[match[0]]
        span = Span(match.start(), match.end())
        if ours is None:
            return Finding(
                "GPR003" if match[0] in _SLIPS else "GPR004",
                span,
                f"{match[0]!r} is not an operator here",
                _HINTS[match[0]],
            )
        edits = () if "…" in ours else (Edit(span, ours),)
        return Finding("GPR004", span, f"{match[0]!r} is an operator of another language", f"write {ours}", edits, True)
    return None


_AGAINST = re.compile(
    r"(?<![A-Za-z0-9_])(?P<number>[0-9][0-9_.]*(?P<unit>[A-Za-z%°µ/]*?))(?P<word>AND|OR|NOT)\s*(?:NOT\s+)?$",
    re.IGNORECASE,
)
_MATCHING = re.compile(
    r"\b(?P<word>on|ignoring|group_left|group_right|by|without)\s*\([^()]*\)\s*$|[<>=]\s*(?P<bool>bool)\s+$",
    re.IGNORECASE,
)


def _before(text: str, start: int) -> Finding | None:
    """Return the finding for what stands just before *start*, where that and not the next word is the mistake."""
    against = _AGAINST.search(text[:start])
    if against is not None and (not against["unit"] or against["unit"] in UNITS):
        word, span = against["word"], Span(*against.span("word"))
        message = f"{word!r} is not a unit, and directly follows the number {against['number']}"
        return Finding("GPR003", span, message, f"write a space before it: {against['number']} {word}")
    matching = _MATCHING.search(text[:start])
    if matching is None:
        return None
    group = "word" if matching["word"] else "bool"
    word, span = matching[group], Span(*matching.span(group))
    return Finding("GPR003", span, f"unexpected {word!r}", INSTEAD_OF_WORD[word.upper()])


_UNITS_IN_ANY_CASE = {unit.lower(): unit for unit in UNITS}
_ACTION = re.compile(r"(?:->|=>|:|\bthen\b|\bdo\b|,|;)?\s*(?P<name>[A-Za-z_]\w*)?", re.IGNORECASE)
_LEADS_TO_ACTION = frozenset({"then", "do", "->", ":"})


def _action(text: str, start: int) -> Finding | None:
    """Return the finding for the action that begins at or just before *start*: a condition says only when."""
    begin = start - 1 if text[start - 1 : start + 1] in ("->", "=>") else start
    match = _ACTION.match(text, begin)
    assert match is not None
    name = match["name"]
    lead = text[begin : match.start("name") if name else match.end()].strip().lower()
    if name is None and text[match.end() :].strip():
        return None  # a number, say
    is_named = name in ACTION_NAMES
    if not is_named and (lead or (name or "").lower()) not in _LEADS_TO_ACTION:
        return None
    if name and name.lower() in _LEADS_TO_ACTION:  # a word alone, behind which stands what is to be done
        name = None
    end = begin + len(lead) if lead else match.end("name")
    message = f"unexpected {text[begin:end]!r}"
    return Finding("GPR003", Span(begin, end), message, for_action(name) if is_named and name else for_action())


def _opening_word(text: str, start: int) -> Finding | None:
    """Return the finding for a word that opens a condition elsewhere: IF, WHEN."""
    opening = re.match(r"\s*(if|when)\s+$", text[:start], re.IGNORECASE)
    if opening is None:
        return None
    word = opening[1]
    hint = INSTEAD_OF_WORD[word.upper()]
    return Finding("GPR003", Span(*opening.span(1)), f"unexpected {word!r}", hint)


def _hint(text: str, start: int, found: str) -> str | None:
    """Return what to write in the place of what is *found*; None where there is no more to say than what fits."""
    before = text[:start]
    if found.upper() in _FOREIGN_WORDS:
        return f"write {_FOREIGN_WORDS[found.upper()]}"
    if re.search(r"\d[ \t]+$", before) and re.fullmatch(r"[A-Za-z]{1,4}", found) and found in UNITS:
        return f"a unit directly follows its number: {before.split()[-1]}{found}"
    if found.upper() in INSTEAD_OF_WORD:
        return INSTEAD_OF_WORD[found.upper()]
    if found == "[" and before.rstrip().endswith(")"):
        return "a window applies to one field: write max_over_time(x[5m])"
    if re.search(r"\d[ \t]+$", before) and found.lower() in _UNITS_IN_ANY_CASE:
        return f"a unit directly follows its number: {before.split()[-1]}{_UNITS_IN_ANY_CASE[found.lower()]}"
    if re.search(r"\bIN\s*$", before, re.IGNORECASE):
        shown = "'a', 'b'" if found == "[" else found
        return f"a list is written in parentheses: IN ({shown})"
    return None


def unexpected_token(text: str, span: Span, accepts: frozenset[str]) -> Finding:
    """Return the finding for a token that cannot be at *span*; *accepts* are the terminals that could."""
    if not text[: span.start].strip() and span.start >= len(text.rstrip()):
        return Finding(
            "GPR003", Span(0, len(text)), "the condition is empty", "write a comparison such as gpu_memory > 80"
        )
    if span.start >= len(text):
        return Finding("GPR003", span, f"the condition ends, but {_expected(accepts)} is expected")
    mistake = (
        _action(text, span.start)
        or _opening_word(text, span.start)
        or _foreign(text, span.start)
        or _before(text, span.start)
    )
    if mistake is not None:
        return mistake
    found = text[span.start : span.end]
    message = f"unexpected {found!r}" if len(found) < 40 else "unexpected token"
    return Finding("GPR003", span, message, _hint(text, span.start, found) or f"expected {_expected(accepts)}")


_CHARACTERS = {
    "@": "a condition is evaluated now: compare over a window, such as avg_over_time(x[5m])",
    ".": "names have no dots: gpu_memory",
    "{": "there is no selection by labels: compare, as in gpu_index != 0 AND host == 'node-7'",
}


def unreadable(text: str, offset: int) -> Finding:
    """Return the finding for a character at *offset* that starts no token."""
    character = text[offset]
    if character in "'\"":
        end = min((i for i in (text.find("\n", offset), text.find("\r", offset)) if i >= 0), default=len(text))
        return Finding(
            "GPR003", Span(offset, end), "the string is not closed", f"end it with {character} on the same line"
        )
    span = Span(offset, offset + 1)
    if character in _LOOKALIKES:
        ours = _LOOKALIKES[character]
        return Finding(
            "GPR007",
            span,
            f"U+{ord(character):04X} looks like {ours} but is not",
            f"write {ours}",
            (Edit(span, ours),),
            True,
        )
    if not character.isprintable() or character in "\u00a0\ufeff":
        edit = " " if character.isspace() else ""
        return Finding(
            "GPR007", span, f"the invisible character U+{ord(character):04X}", "remove it", (Edit(span, edit),), True
        )
    foreign = _action(text, offset) or _foreign(text, offset)
    if foreign is not None:
        return foreign
    if character.isalpha():
        return Finding(
            "GPR007",
            span,
            f"{character!r} (U+{ord(character):04X}) cannot be in a name",
            "names are a-z, A-Z, 0-9 and _",
        )
    hint = _CHARACTERS.get(character)
    if character == ":" and re.search(r"\[\s*[\w.]+\s*$", text[:offset]):
        hint = "there are no subqueries: write a window over one field, such as avg_over_time(x[5m])"
    metric = re.search(r"([A-Za-z_]\w*)\s*$", text[:offset]) if character == "{" else None
    field = for_metric(metric[1]) if metric is not None else None
    return Finding("GPR003", span, f"unexpected {character!r}", f"{field}; {hint}" if field else hint)


_TOKENS = re.compile(
    r"""'(?:[^'\\\n\r]|\\.)*'|"(?:[^"\\\n\r]|\\.)*"|\#[^\n\r]*|(?P<open>[(\[])|(?P<close>[)\]])"""
    r"""|(?P<between>\bbetween\b)|(?P<joint>\b(?:and|or)\b|&&|\|\|)""",
    re.IGNORECASE,
)


def segments(text: str) -> Iterator[Span]:
    """Yield what stands between the ANDs and ORs of *text* that are in no brackets."""
    start, depth, betweens = 0, 0, 0
    for match in _TOKENS.finditer(text):
        if match["open"]:
            depth += 1
        elif match["close"]:
            depth = max(0, depth - 1)
        elif depth == 0 and match["between"]:
            betweens += 1
        elif depth == 0 and match["joint"]:
            if betweens and match["joint"].upper() == "AND":
                betweens -= 1
                continue
            yield Span(start, match.start())
            start, betweens = match.end(), 0
    yield Span(start, len(text))
