"""Questions about one ruleset: what is wrong with it, what is odd."""

from gpurules.linter.analysis import AbandonedError
from gpurules.linter.check import Check, Subject
from gpurules.linter.checks import CHECKS
from gpurules.linter.history import FROM_HISTORY
from gpurules.linter.linter import FROM_ANALYSIS, FROM_TESTS, lint, lints
from gpurules.linter.policy import Policy

__all__ = [
    "CHECKS",
    "FROM_ANALYSIS",
    "FROM_HISTORY",
    "FROM_TESTS",
    "AbandonedError",
    "Check",
    "Policy",
    "Subject",
    "lint",
    "lints",
]
