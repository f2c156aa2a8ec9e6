"""Unit tests of rules: cases, series, tables and properties in ``*.test.yaml`` files."""

from gpurules.ruletest.case import Case, Expectation, TestFile
from gpurules.ruletest.reader import read_tests
from gpurules.ruletest.runner import FileResult, Result, examine, run_file

__all__ = ["Case", "Expectation", "FileResult", "Result", "TestFile", "examine", "read_tests", "run_file"]
