"""Questions about one ruleset: what is wrong with it, what is odd."""

from gpurules.linter.check import Check, Subject
from gpurules.linter.checks import CHECKS
from gpurules.linter.linter import lint, lints

__all__ = ["CHECKS", "Check", "Subject", "lint", "lints"]
