"""Names: a class name has one meaning in the house, and a function is named by what it does or returns.

Modules are nouns, functions are verbs or the nouns that they return; a bare participle (``found``, ``told``, ``shown``)
says neither. Classes that share a name on purpose are listed with the reason.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gpurules"
MODULES = sorted(PACKAGE.rglob("*.py"))

TWO_TREES = "the same idea, as it is written and as it is checked"
SHARED_NAMES = {
    "And": TWO_TREES,
    "Compare": TWO_TREES,
    "Named": "the same protocol, in two modules that do not see each other",
    "Negative": TWO_TREES,
    "Not": TWO_TREES,
    "Or": TWO_TREES,
    "Signal": "a reference in a term, and the definition that it refers to",
    "TextTest": TWO_TREES,
    "Window": TWO_TREES,
}
"""Classes of one name in several modules, and why that is one meaning."""

PARTICIPLES = frozenset(
    {"begun", "bound", "broken", "brought", "built", "chosen", "done", "drawn", "fallen", "found", "given", "gone"}
    | {"grown", "heard", "held", "hidden", "hung", "kept", "known", "laid", "learnt", "left", "lost", "made", "meant"}
    | {"met", "paid", "proven", "said", "seen", "sent", "shown", "spelt", "spent", "spoken", "taken", "told", "torn"}
    | {"understood", "woken", "written", "wrong"}
)
"""Irregular participles; every word that ends in ``ed`` is taken for a regular one."""
VERBS_AND_NOUNS = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed"})
"""Words that end in ``ed`` without being participles."""

AVOIDED = frozenset(
    {"afresh", "anew", "everybody", "mend", "mended", "moment", "moments", "nobody", "somebody", "spelt", "spoken"}
    | {"tells", "told", "untold", "verb", "verbs", "whoever", "worth"}
)
"""Words that no name has, in code and tests (``test_english.WORDS``): name the party, say what it reports."""
BRITISH = re.compile(
    r"(analys|initialis|normalis|optimis|organis|prioritis|realis|recognis|serialis|summaris|synchronis)(e|ed|er|es|ing)$"
    r"|misspelt|behaviours?|neighbours?|colours?|coloured|artefacts?|labelled|licences?"
)
"""Words of names in British spelling."""
PROGRAMS = [
    path
    for folder in ("gpurules", "examples", "benchmarks", "docs", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name not in ("test_english.py", "test_names.py")
]


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


def public_classes(module: Path) -> Iterator[str]:
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a method is read like an attribute, whose name may well be an adjective."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"property", "cached_property", "setter"})


def public_functions(module: Path) -> Iterator[tuple[str, str]]:
    """Yield the functions of *module*, and the methods as ``Class.method``, each with its name alone."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        for inner in node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]:
            is_function = isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and not inner.name.startswith("_") and not is_property(inner):
                path = f"{node.name}.{inner.name}" if isinstance(node, ast.ClassDef) else inner.name
                yield path, inner.name


def is_bare_participle(name: str) -> bool:
    if "_" in name or name in VERBS_AND_NOUNS:
        return False
    return name in PARTICIPLES or (name.endswith("ed") and len(name) > 3)


def shared_classes() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for name in public_classes(module):
            found[name].append(name_of(module))
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def participles() -> set[str]:
    return {path for module in MODULES for path, name in public_functions(module) if is_bare_participle(name)}


def uses_avoided_word(name: str) -> bool:
    return any(word in AVOIDED or BRITISH.fullmatch(word) for word in name.lower().split("_"))


def words_of_class(name: str) -> str:
    """Return the name of a class as words, joined by underscores."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def names_in(tree: ast.Module) -> Iterator[str]:
    """Yield every name that a module gives: to classes, functions, parameters, variables and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name):
                yield words_of_class(name)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.arg(name) | ast.alias(_, str(name)):
                yield name
            case ast.Name(name, ast.Store()) | ast.Attribute(_, name, ast.Store()):
                yield name


def test_a_class_name_has_one_meaning() -> None:
    unexplained = {name: modules for name, modules in shared_classes().items() if name not in SHARED_NAMES}
    assert unexplained == {}


def test_no_function_is_named_by_a_bare_participle() -> None:
    assert participles() == set()


def test_every_name_that_is_shared_for_a_reason_is_shared() -> None:
    assert SHARED_NAMES.keys() - shared_classes().keys() == set()


@pytest.mark.parametrize(
    ("name", "is_bare"),
    [
        ("found", True),
        ("reordered", True),
        ("find_rules", False),
        ("with_fixed_parts", False),
        ("seed", False),
        ("shed", False),
    ],
)
def test_participles_are_distinguished_from_other_words(name: str, is_bare: bool) -> None:
    assert is_bare_participle(name) is is_bare


@pytest.mark.parametrize(
    ("name", "is_avoided"),
    [
        ("test_the_end_is_told", True),
        ("test_nobody_waits", True),
        ("test_moments_agree", True),
        ("test_momentum_is_kept", False),
        ("test_the_end_is_reported", False),
        ("test_an_operation_is_initialised", True),
        ("_COLOURS", True),
        ("test_praise_is_precise", False),
    ],
)
def test_avoided_words_are_whole_words(name: str, is_avoided: bool) -> None:
    assert uses_avoided_word(name) is is_avoided


def test_names_in_the_code_are_in_plain_english() -> None:
    given = [(path, name) for path in PROGRAMS for name in names_in(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(given) > 50_000
    found = [f"{path.relative_to(ROOT)}: {name}" for path, name in given if uses_avoided_word(name)]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "def part_moments(): ...",
        "class RemoteMoment: ...",
        "def evaluate(moment): ...",
        "worth = 1",
        "self._moment = 1",
        "[told for told in ()]",
        "MOST_MOMENTS = 1",
        "from clock import now as moment",
    ],
)
def test_an_avoided_word_is_found_wherever_a_name_is_given(source: str) -> None:
    assert any(uses_avoided_word(name) for name in names_in(ast.parse(source)))
