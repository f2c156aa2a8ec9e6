"""Unit tests of rules: cases, series, tables and properties in ``*.test.yaml`` files.

Tests are run before each commit, so what few of them need (the engine, the prover, recordings) is imported when it is
needed; ``generation`` has what writes tests.

::

    text -> reading/      TestFile of Case, Property and ReplayCase, with every problem at its place
         -> execution/    each case run on the ruleset that the file names, and checked against what it expects
         -> properties/   claims about all facts: proved, or searched
    runner                a whole file: FileResult; coverage/ of rules, branches, thresholds and missing facts
    mutation/             the same tests on mutants of the ruleset
    generation/           tests written for a ruleset

The entry points are ``run_file`` and ``run_text``.
"""

from gpurules.ruletest.case import Case, Expectation, TestFile
from gpurules.ruletest.coverage.coverage import Coverage, unmet
from gpurules.ruletest.coverage.vacuity import vacuous_tests
from gpurules.ruletest.execution.assertions import CaseResult, Failure, Rewrite
from gpurules.ruletest.execution.execution import case_facts, time_steps
from gpurules.ruletest.mutation.mutants import Mutant
from gpurules.ruletest.mutation.mutation_testing import MutationReport, combine_reports, run_mutants
from gpurules.ruletest.reading.fact_types import facts_of_cases
from gpurules.ruletest.reading.reader import read_tests
from gpurules.ruletest.runner import FileResult, count_mutants, examine, fails, run_file, run_text
from gpurules.ruletest.untested import seen_of, untested_rules

__all__ = [
    "Case",
    "CaseResult",
    "Coverage",
    "Expectation",
    "Failure",
    "FileResult",
    "Mutant",
    "MutationReport",
    "Rewrite",
    "TestFile",
    "case_facts",
    "combine_reports",
    "count_mutants",
    "examine",
    "facts_of_cases",
    "fails",
    "read_tests",
    "run_file",
    "run_mutants",
    "run_text",
    "seen_of",
    "time_steps",
    "unmet",
    "untested_rules",
    "vacuous_tests",
]
