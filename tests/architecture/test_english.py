"""The English of the house: plain words and standard terms in what users read, and in what the code says of itself.

A word below is avoided because it reads as translated or says less than the standard term. Every text of the project
is held to it: pages, changelog, messages, help, docstrings, comments, shipped files, examples, and what deploys them.
Where a word is right after all, ``ALLOWED`` has the file, the word, and the reason.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

RELATIVE = r"(?<!none )(?<!most )(?<!one )(?<!each )(?<!outside )of (which|whom)"
BRITISH = (
    "analys|categoris|generalis|initialis|maximis|minimis|normalis|optimis|organis|prioritis|realis|recognis"
    "|serialis|summaris|synchronis|utilis"
)
WORDS = {
    r"can not": "cannot",
    r"(?<!there )(is|are|was|were) no (?!longer\b|larger\b|more\b|later\b|one\b)\w+": "is not a …",
    r"mend(s|ed|ing)?": "fix",
    r"tell(s|ing)?|told": "report, show, say, describe, identify",
    r"worth": "the value of",
    r"(stands?|stood|standing) (at|in)": "is at, is in",
    r"(comes?|came|coming) (to|out)": "evaluates to, results in, amounts to",
    r"anew|afresh": "again, from scratch",
    r"whoever|who asks|(the )?one who": "the caller, the client",
    r"nobody|somebody|everybody": "no one; better: name the party",
    r"so (many|long|often)(?! as\b|[^.;]*\bthat\b)": "the given number, duration, interval",
    RELATIVE: "rewrite the sentence",
    r"(lets?|letting) (\w+ )?through": "admit",
    r"(goes?|going|went) off": "fires, turns off",
    r"(is|are|was|were) wanted": "expected …",
    r"mean(s|t)? nothing": "unknown …",
    r"asked of": "in force for",
    r"moments?": "snapshot, point in time, assignment",
    r"verbs?": "command",
    r"(mis|un)?spelt": "spelled",
    rf"({BRITISH})(e|ed|es|ing|ation|ations)": "American spelling",
    r"(behaviour|neighbour|colour|favour|artefact)\w*|licence|centre": "American spelling",
}
"""What is avoided, as a pattern of whole words, and what is said instead."""

ALLOWED = {
    ("CHANGELOG.md", "verbs"): "quotes the word that was renamed",
    ("deploy/helm/gpurules/templates/rbac.yaml", "verbs"): "a key of Kubernetes",
    ("docs/alerts.md", "verbs"): "a key of Kubernetes",
    ("gpurules/rules/building/action_building.py", "prioritise"): "what an author may type, answered with the action",
    ("tests/integration/deploy/test_deploy.py", "verbs"): "a key of Kubernetes",
}
"""Where a word is right, and why."""

FOLDERS = (".ci", "benchmarks", "changelog.d", "deploy", "docs", "examples", "gpurules", "grammars", "rulesets")
BINARY = {".png", ".ico", ".pyc", ".zst", ".gz", ".woff2"}
OF_THE_LIST = {"test_english.py", "test_names.py"}

_PATTERNS = [(pattern, re.compile(rf"\b({pattern})\b", re.IGNORECASE), instead) for pattern, instead in WORDS.items()]
_LINE_BREAK = re.compile(r"\s*\n[ \t]*(?:#:?|//|\*|>)?[ \t]*")


def _texts_of_module(source: str) -> Iterator[str]:
    """Yield the strings and comments of a Python module; what an f-string inserts is an X."""
    tree = ast.parse(source)
    inserted = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in values)
            case ast.Constant(str(text)) if id(node) not in inserted:
                yield text
    comments: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] == last + 1:
                comments[-1] += f"\n{token.string}"
            else:
                comments.append(token.string)
            last = token.start[0]
    yield from comments


def violations(name: str, content: str) -> Iterator[str]:
    """Yield what the word list has against a file, by its path and content; a phrase may be wrapped over lines."""
    for text in _texts_of_module(content) if name.endswith(".py") else [content]:
        joined = _LINE_BREAK.sub(" ", text)
        for pattern, compiled, instead in _PATTERNS:
            if pattern == RELATIVE and name.startswith("tests/"):
                continue
            for found in compiled.finditer(joined):
                if (name, found[0].lower()) not in ALLOWED:
                    around = joined[max(0, found.start() - 50) : found.end() + 50].strip()
                    yield f"{name}: {found[0]!r} in {around!r}; say: {instead}"


def checked_files() -> Iterator[tuple[str, Path]]:
    """Yield every text file of the project, and every module of the tests."""
    listed = [path for path in ROOT.iterdir() if path.name not in ("LICENSE", ".git")]
    for folder in FOLDERS:
        listed += (ROOT / folder).rglob("*")
    listed += (path for path in (ROOT / "tests").rglob("*.py") if path.name not in OF_THE_LIST)
    for path in sorted(listed):
        if path.is_file() and path.suffix not in BINARY and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path


FILES = dict(checked_files())


def _group(name: str) -> str:
    return name.partition("/")[0] if "/" in name else "."


@pytest.mark.parametrize("group", sorted({_group(name) for name in FILES}))
def test_every_text_is_in_plain_english(group: str) -> None:
    chosen = {name: path for name, path in FILES.items() if _group(name) == group}
    found = [one for name, path in chosen.items() for one in violations(name, path.read_text(encoding="utf-8"))]
    assert found == [], "\n".join(found)


def test_every_exception_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = dict(ALLOWED)
    monkeypatch.setattr("tests.architecture.test_english.ALLOWED", {})
    for name, word in listed:
        assert any(f"{word!r} in" in one.lower() for one in violations(name, FILES[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gpurules/errors.py", '"""What a condition comes to."""\n'),
        ("gpurules/errors.py", "x = 1  # nobody waits\n"),
        ("gpurules/errors.py", "# this can\n# not be\nx = 1\n"),
        ("gpurules/errors.py", 'raise ValueError("the rule is told")\n'),
        ("gpurules/errors.py", 'raise ValueError(f"{name!r} is no {kind}")\n'),
        ("gpurules/errors.py", 'raise ValueError("this stands "\n                 "at the place")\n'),
        ("gpurules/service/metrics.py", 'gauge("gpurules_x", "What a rule is worth.")\n'),
        ("gpurules/service/metrics.py", 'RENAMED = {"moments": 1}\n'),
        ("gpurules/rules/schema/schema.py", 'x = {"description": "Whoever pays for it."}\n'),
        ("gpurules/cli/commands/run.py", '@click.option("--once", help="Mend the file.")\ndef run(): ...\n'),
        ("rulesets/default.yaml", "# holds so long\nversion: 1\n"),
        ("rulesets/default.yaml", "# lower limits would mean\n# nothing here\nversion: 1\n"),
        ("docs/tour.md", "The parser starts anew.\n"),
        ("docs/tour.md", "- a list\n\n    with a verb in it\n"),
        ("docs/tour.md", "The condition comes\nto another value.\n"),
        ("docs/tour.md", "```yaml\n# the moment it starts\n```\n"),
        ("docs/gallery/units.rules.yaml", "# it goes off\n"),
        ("changelog.d/x.added.md", "Rules that are misspelt are reported.\n"),
        ("examples/agent/run.py", '"""Lets it through."""\n'),
        ("examples/go_client/main.go", "// Decide tells the client.\n"),
        ("deploy/gpurules.service", "# started afresh\n"),
        ("gpurules/service/page/main.js", "// the colour of a bar\n"),
        ("grammars/ruleset.schema.json", '{"description": "What is wanted of it; a number is wanted."}\n'),
        ("pyproject.toml", 'name = "one moment after the other"\n'),
        ("Makefile", "# for the one who waits\n"),
        ("tests/unit/test_errors.py", '"""Errors are told."""\n'),
    ],
)
def test_an_avoided_word_is_found_wherever_it_is_written(name: str, text: str) -> None:
    folder = next(iter(sorted(known for known in FILES if _group(known) == _group(name))), None)
    assert folder is not None, "files of this folder are checked"
    assert list(violations(name, text))


@pytest.mark.parametrize(
    "text",
    [
        "There is no unit.",
        "It is no longer there.",
        "It waits so long that it ends.",
        "as many as the list has, none of which matches",
        "an amendment of the recommended value",
        "momentum, adverbial",
    ],
)
def test_words_are_whole_and_idioms_are_left_alone(text: str) -> None:
    assert list(violations("docs/tour.md", text)) == []


def test_no_docstring_loses_a_line_to_a_backslash() -> None:
    """A drawing with a backslash at the end of a line needs a raw docstring, or the two lines are joined."""
    found = []
    for name, path in FILES.items():
        if not name.startswith("gpurules/") or path.suffix != ".py":
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Expr(ast.Constant(str())):
                    text = ast.get_source_segment(source, node.value) or ""
                    if "\\\n" in text and not text.startswith("r"):
                        found.append(f"{name}:{node.lineno}")
    assert found == []
