"""Ruleset files: which there are and may be read, what one says, and how those that extend each other are merged.

``bounds``, ``discovery``, ``foreign`` <- ``document`` <- ``merge`` (``Merger``, the entry point) <- ``dependents``.
"""

from gpurules.rules.files.bounds import leads_outside, test_bounds
from gpurules.rules.files.dependents import dependents
from gpurules.rules.files.discovery import SUFFIXES, PathFilter, files_below, is_inside, is_ruleset, is_test
from gpurules.rules.files.foreign import TESTS, foreign_document, foreign_text, is_like_ruleset
from gpurules.rules.files.merge import MAX_FILES, SHIPPED, Merged, Merger, identity, read_file, resolve_reference

__all__ = [
    "MAX_FILES",
    "SHIPPED",
    "SUFFIXES",
    "TESTS",
    "Merged",
    "Merger",
    "PathFilter",
    "dependents",
    "files_below",
    "foreign_document",
    "foreign_text",
    "identity",
    "is_inside",
    "is_like_ruleset",
    "is_ruleset",
    "is_test",
    "leads_outside",
    "read_file",
    "resolve_reference",
    "test_bounds",
]
