"""Unit tests of rules: cases, series, tables and properties in ``*.test.yaml`` files.

Tests are run before each commit, so what few of them need (the engine, the prover, recordings) is imported when it is
needed; ``generating`` has what writes tests.
"""

from gpurules.ruletest.case import Case, Expectation, TestFile
from gpurules.ruletest.coverage import unmet
from gpurules.ruletest.judging import Failure, Result, Rewrite
from gpurules.ruletest.mutants import Mutant
from gpurules.ruletest.mutating import Mutated, mutated
from gpurules.ruletest.reader import read_tests
from gpurules.ruletest.runner import FileResult, count_mutants, examine, fails, run_file, run_text
from gpurules.ruletest.toothless import toothless
from gpurules.ruletest.typed import facts_of_cases
from gpurules.ruletest.untested import seen_of, untested

__all__ = [
    "Case",
    "Expectation",
    "Failure",
    "FileResult",
    "Mutant",
    "Mutated",
    "Result",
    "Rewrite",
    "TestFile",
    "count_mutants",
    "examine",
    "facts_of_cases",
    "fails",
    "mutated",
    "read_tests",
    "run_file",
    "run_text",
    "seen_of",
    "toothless",
    "unmet",
    "untested",
]
