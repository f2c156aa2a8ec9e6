"""Questions about one ruleset: what is wrong with it, what is odd."""

from gpurules.linter.check import Check, Subject
from gpurules.linter.checks import CHECKS
from gpurules.linter.linter import FROM_TESTS, lint, lints
from gpurules.linter.policy import Policy

__all__ = ["CHECKS", "FROM_TESTS", "Check", "Policy", "Subject", "lint", "lints"]
