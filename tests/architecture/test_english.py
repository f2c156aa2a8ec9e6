"""The English of the house: plain words and standard terms in what users read, and in what the code says of itself.

A word below is avoided because it reads as translated or says less than the standard term. Where one is right after
all, the line is listed in ``ALLOWED`` with the reason.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WORDS = {
    r"can not": "cannot",
    r"(?<!there )(is|are) no (?!longer\b|larger\b|more\b|later\b|one\b)\w+": "is not a …",
    r"mend(s|ed|ing)?": "fix",
    r"tells?|told": "report, show, say, describe, identify",
    r"worth": "the value of",
    r"stands? (at|in)": "is at, is in",
    r"comes? (to|out)": "evaluates to, results in, amounts to",
    r"anew|afresh": "again, from scratch",
    r"whoever|who asks|(the )?one who": "the caller, the client",
    r"nobody|somebody|everybody": "no one; better: name the party",
    r"so (many|long|often)(?! as\b|[^.;]*\bthat\b)": "the given number, duration, interval",
    r"(?<!none )(?<!most )(?<!one )(?<!each )(?<!outside )of (which|whom)": "rewrite the sentence",
    r"lets? through": "admit",
    r"goes off": "fires",
    r"(is|are) wanted": "expected …",
    r"means nothing here": "unknown …",
    r"asked of": "in force for",
    r"moments?": "snapshot, point in time, assignment",
    r"verbs?": "command",
    r"(mis)?spelt": "spelled",
    r"(analys|initialis|recognis|synchronis|normalis|serialis)(e|ed|es|ing|ation)": "American spelling",
    r"(behaviour|neighbour|colour|favour|artefact)\w*": "American spelling",
}
"""What is avoided, as a pattern of whole words, and what is said instead."""

TOLERATED = 0
"""How many lines of a kind may be left: each branch that is under way may bring a few. Lower it, never raise it."""

ALLOWED = {"recognises(head)": "the name of a function, in a drawing"}
"""Lines in which a word is right, by a distinctive part of the line: why."""

_PATTERNS = [(re.compile(rf"\b({pattern})\b", re.IGNORECASE), instead) for pattern, instead in WORDS.items()]


def _violations(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if any(part in line for part in ALLOWED):
            continue
        for pattern, instead in _PATTERNS:
            if found := pattern.search(line):
                yield f"{found[0]!r} in {line.strip()[:150]!r}; say: {instead}"


def _prose_of_markdown(text: str) -> str:
    text = re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]*>", "", re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE))


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "gpurules").rglob("*.py"))
PROGRAMS = [*sorted((ROOT / "examples").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
SHIPPED = [*sorted((ROOT / "rulesets").glob("*.yaml")), *sorted((ROOT / "gpurules/cli/templates").iterdir())]


def _found(texts: Iterator[tuple[Path, str]]) -> list[str]:
    """Return the violations in *texts*, each with the file that it is in."""
    return [f"{path.relative_to(ROOT)}: {found}" for path, text in texts for found in _violations(text)]


def test_pages_are_in_plain_english() -> None:
    found = _found((page, _prose_of_markdown(page.read_text(encoding="utf-8"))) for page in PAGES)
    assert len(found) <= TOLERATED, "\n".join(found)


def test_shipped_rulesets_and_templates_are_in_plain_english() -> None:
    assert _found((path, path.read_text(encoding="utf-8")) for path in SHIPPED) == []


def _messages(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module that are not docstrings: messages, hints, helps."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield from (line for line in node.value.splitlines() if " " in line)


def test_messages_are_in_plain_english() -> None:
    trees = ((module, ast.parse(module.read_text(encoding="utf-8"))) for module in MODULES)
    found = _found((module, text) for module, tree in trees for text in _messages(tree))
    assert len(found) <= TOLERATED, "\n".join(found)


def _documentation(source: str) -> Iterator[str]:
    """Yield the docstrings and comments of a module without names of code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def test_docstrings_and_comments_are_in_plain_english() -> None:
    texts = (
        (module, re.sub(r"``[^`]*``|`[^`]*`|\*\w+\*|>>>.*", "", text))
        for module in (*MODULES, *PROGRAMS)
        for text in _documentation(module.read_text(encoding="utf-8"))
    )
    found = _found(texts)
    assert len(found) <= 5 * TOLERATED, "\n".join(found)


def test_no_docstring_loses_a_line_to_a_backslash() -> None:
    """A drawing with a backslash at the end of a line needs a raw docstring, or the two lines are joined."""
    found = []
    for module in MODULES:
        source = module.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                text = ast.get_source_segment(source, node.value) or ""
                if "\\\n" in text and not text.startswith("r"):
                    found.append(f"{module.relative_to(ROOT)}:{node.lineno}")
    assert found == []
