"""Walks over trees are exhaustive: mypy (``exhaustive-match``) finds a match that forgets a class of a closed union.

A ``case _`` takes that check away. Each that matches on classes and does not raise is listed here, with the reason why
a class that is added later is right to fall into it.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = {"str", "int", "float", "bool", "bytes", "list", "dict", "tuple", "Mapping"}

HANDED_ON = "the rest is handed on to another walk, which is exhaustive or raises"
NOTHING = "a partial answer: None, an empty answer or the term itself says that nothing is known, which is always sound"
NO = "a partial answer: False says that a shortcut is not taken"
REBUILT = "every other term is rebuilt from its parts"

PARTIAL = {
    HANDED_ON: {
        "backends/subjects.py::_Reader.truth",
        "backends/columnar/evaluator.py::Columnar._at",
        "backends/columnar/evaluator.py::Columnar._computed",
        "backends/columnar/operations.py::is_missing",
        "backends/columnar/operations.py::coalesce",
        "backends/columnar/operations.py::constant",
        "backends/emitter.py::Emitter._computed",
        "backends/emitter.py::Emitter._holds",
        "backends/emitter.py::Emitter.value",
        "backends/native/emitter.py::NativeEmitter.holds",
        "backends/native/emitter.py::NativeEmitter.truth",
        "backends/reasons.py::_leaf",
        "backends/reasons.py::_why",
        "history/frames/completion.py::CompleteFrame._taken",
        "history/kernel/table.py::_chosen",
        "interop/prometheus/importing/translation.py::Translator.condition",
        "language/checking/checker.py::_name",
        "proofs/formulas/aggregate_encoding.py::OverGPUs._over_several",
        "proofs/formulas/encoding.py::Encoder.missing",
        "proofs/screening/abstractions.py::Screening._is_contingent",
    },
    NOTHING: {
        "backends/existential_rewrite.py::ExistentialRewrite._of",
        "backends/text_column.py::TextColumn._clause",
        "backends/text_column.py::TextColumn._numbers",
        "backends/native/program.py::_equalities",
        "interop/prometheus/importing/operands.py::constant_of",
        "interop/prometheus/importing/syntax.py::_Reader.tree",
        "interop/prometheus/importing/translation.py::Translator._special",
        "language/checking/arithmetic.py::adopt",
        "language/checking/arithmetic.py::fold_term",
        "language/checking/hints.py::describe",
        "linter/checks/cost_above_budget.py::_cost",
        "linter/conditions/hour_windows.py::for_always",
        "linter/conditions/parts.py::conjuncts",
        "linter/conditions/parts.py::junctions",
        "linter/rewriting/simplification.py::_denied",
        "linter/rewriting/simplification.py::_listed",
        "linter/rewriting/simplification.py::simplify",
        "proofs/domains/atoms.py::_direct",
        "proofs/domains/atoms.py::_of_lower",
        "proofs/domains/atoms.py::_sides",
        "proofs/domains/atoms.py::_steps",
        "proofs/domains/atoms.py::_textual",
        "proofs/formulas/encoding.py::Encoder._split",
        "proofs/formulas/float_differences.py::offset_of",
        "proofs/formulas/float_differences.py::sides_of",
        "proofs/formulas/universe.py::bounds_of",
        "proofs/formulas/universe.py::unit_key",
        "proofs/witnesses/substitution.py::with_value",
        "rules/building/expression.py::_moved",
        "ruletest/generation/ramps.py::rise_of",
    },
    NO: {
        "backends/subjects.py::_fits",
        "formatting/formatter.py::_same",
        "language/terms/lowering.py::_is_low",
        "linter/meaning/partial_shadows.py::_is_box",
        "linter/rewriting/value_covers.py::_is_simple",
        "proofs/screening/entailment.py::_Comparing._piece_entails",
    },
    REBUILT: {
        "language/terms/lowering.py::push_negations",
        "proofs/formulas/aggregate_encoding.py::_over_no_gpu",
        "rules/yaml/edits.py::last_offset",
        "ruletest/coverage/nullability.py::can_be_missing",
        "ruletest/mutation/mutants.py::in_condition",
    },
}


def quiet_walks() -> Iterator[str]:
    """Yield the place of each match on classes that has a ``case _`` which does not raise."""
    package = ROOT / "gpurules"
    for path in sorted(package.rglob("*.py")):
        stack: list[tuple[ast.AST, str]] = [(ast.parse(path.read_text(encoding="utf-8")), "")]
        while stack:
            node, name = stack.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{name}.{node.name}".removeprefix(".")
            if isinstance(node, ast.Match) and is_quiet(node):
                yield f"{path.relative_to(package).as_posix()}::{name}"
            stack += [(child, name) for child in ast.iter_child_nodes(node)]


def is_quiet(match: ast.Match) -> bool:
    """Return whether *match* is on classes of our own and goes on where none fits."""
    patterns = [pattern for case in match.cases for pattern in ast.walk(case.pattern)]
    named = {ast.unparse(pattern.cls) for pattern in patterns if isinstance(pattern, ast.MatchClass)}
    last = match.cases[-1]
    is_wildcard = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    return bool(named - BUILT_IN) and is_wildcard and not isinstance(last.body[0], ast.Raise)


def test_the_type_checker_finds_matches_that_forget_a_class() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "exhaustive-match" in settings["enable_error_code"]


def test_every_quiet_default_is_listed_with_its_reason() -> None:
    listed = [place for places in PARTIAL.values() for place in places]
    found = set(quiet_walks())
    assert found - set(listed) == set(), "make the walk exhaustive, or list it with the reason"
    assert set(listed) - found == set(), "the list names walks that are gone"
    assert len(listed) == len(set(listed))
