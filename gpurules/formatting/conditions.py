"""The canonical text of a condition that may stand on several lines, with comments."""

import re

from gpurules.language.syntax import nodes
from gpurules.language.terms.printer import show

_TOKEN = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|\#[^\n]*|[\w.°%:]+|==|!=|<=|>=|<>|&&|\|\||\S")
INDENT = 2


def canonical(text: str, tree: nodes.Definition) -> str:
    """Return the condition *text*, which says *tree*, in its canonical spelling; its lines and comments stay apart.

    >>> from gpurules.language import parse
    >>> def formatted(text): return canonical(text, parse(text).tree)
    >>> formatted("gpu_memory>80   and file_type=='model'")
    "gpu_memory > 80 AND file_type == 'model'"
    >>> print(formatted("gpu_memory>80 # full\\n   and(gpu_throttled||\\nactive_training)"))
    gpu_memory > 80  # full
    AND (gpu_throttled OR
      active_training)
    """
    canonical = show(tree)
    if "\n" not in text.strip():
        return canonical if "#" not in _bare(text) else text.strip()
    lines = [_words(line) for line in text.split("\n")]
    own = _without_trailing_commas([word for line in lines for word in line if word[0] != "#"])
    matches = list(_TOKEN.finditer(canonical))
    if len(own) != len(matches):
        return "\n".join(line.strip() for line in text.strip().split("\n"))
    return _laid_out(lines, canonical, matches)


def _words(line: str) -> list[str]:
    return [match[0] for match in _TOKEN.finditer(line)]


def _bare(text: str) -> str:
    """Return *text* without its strings."""
    return re.sub(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", "", text)


def _without_trailing_commas(words: list[str]) -> list[str]:
    return [word for word, after in zip(words, [*words[1:], ""], strict=True) if not (word == "," and after in ")]")]


def _laid_out(lines: list[list[str]], canonical: str, matches: list[re.Match[str]]) -> str:
    """Return the words of the canonical text in the lines of the original."""
    result: list[str] = []
    place = depth = 0
    flat = [word for line in lines for word in line if word[0] != "#"]
    position = 0
    for line in lines:
        words = [word for word in line if word[0] != "#"]
        comment = next((word for word in line if word[0] == "#"), "")
        taken = []
        for word in words:
            position += 1
            if word == "," and (flat[position] if position < len(flat) else "") in (")", "]"):
                continue
            taken.append(matches[place])
            place += 1
        if not taken and not comment:
            continue
        code = canonical[taken[0].start() : taken[-1].end()] if taken else ""
        closing = len(code) - len(code.lstrip(")]"))
        margin = " " * (INDENT * max(0, depth - closing))
        result.append(margin + "  ".join(part for part in (code, comment) if part))
        depth += sum((m[0] in "([") - (m[0] in ")]") for m in taken if len(m[0]) == 1)
    return "\n".join(result)
