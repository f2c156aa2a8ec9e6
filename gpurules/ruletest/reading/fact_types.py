"""Holds the facts of a test against the fields, at the place where each of them stands."""

from collections.abc import Iterable, Iterator, Mapping

from gpurules.diagnostics import Diagnostic, Location, diagnostic_at
from gpurules.facts import FactProblem, check
from gpurules.fields import Field
from gpurules.rules import Ruleset
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlSequence
from gpurules.ruletest.case import Data, TestFile, Typed
from gpurules.ruletest.facts import BLANK, set_path
from gpurules.ruletest.reading.node_values import plain
from gpurules.ruletest.series import GONE, MISSING, STALE

_WORDS = (GONE, MISSING, STALE)


def wrong_facts(typed: Iterable[Typed], declared: Mapping[str, Field]) -> Iterator[tuple[Location, FactProblem]]:
    """Yield everything that is wrong with the facts of *typed*, in order of place."""
    found = [wrong for one in typed for wrong in _wrong(one, declared)]
    yield from sorted(found, key=lambda wrong: (wrong[0].line, wrong[0].column))


def _wrong(one: Typed, declared: Mapping[str, Field]) -> Iterator[tuple[Location, FactProblem]]:
    if one.path is None:
        data = plain(one.node)
        problems = check(data if isinstance(data, dict) else {}, declared, 0.0, BLANK).problems
        yield from ((_place(one.node, problem).location(), problem) for problem in problems)
        return
    for text in dict.fromkeys(one.texts):
        given: Data = {}
        if text not in _WORDS:
            set_path(given, one.path, text)
        for problem in check(given, declared, 0.0, BLANK).problems:
            yield one.node.location(), problem
            if problem.at_key:
                return  # it is the path that is wrong, whatever stands there


def _place(root: YamlNode, problem: FactProblem) -> YamlNode:
    """Return the node at which *problem* stands, or the nearest above it."""
    node = root
    for depth, step in enumerate(problem.path, 1):
        if isinstance(node, YamlMapping) and str(step) in node.values:
            if problem.at_key and depth == len(problem.path):
                return node.keys.get(str(step), node)
            node = node.values[str(step)]
        elif isinstance(node, YamlSequence) and isinstance(step, int):
            node = node.items[step]
    return node


def findings(typed: Iterable[Typed], declared: Mapping[str, Field], path: str) -> Iterator[Diagnostic]:
    """Yield everything that is wrong with the facts of *typed*, which are in the file at *path*."""
    for location, problem in wrong_facts(typed, declared):
        code = "GPR401" if problem.at_key else "GPR403"
        yield diagnostic_at(code, problem.message, path, location, problem.hint)


def facts_of_cases(tests: TestFile, ruleset: Ruleset) -> Iterator[Diagnostic]:
    """Yield everything that is wrong with the facts of the cases of *tests*, which fail for it when they are run."""
    typed = [one for case in tests.cases for one in case.typed]
    yield from findings(typed, ruleset.fields, tests.path)
