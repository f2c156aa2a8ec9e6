"""Conditions as data: text to syntax tree to checked tree.

::

    text -> syntax      parser -> nodes       the syntax tree, with spans
         -> checking    checker -> ir         typed terms in canonical units; or findings
         -> terms       lowering, printer     constants folded, negations pushed down; the canonical spelling
    text -> completion                        what may be written next

The entry points are ``parse`` and ``Environment``.
"""

from gpurules.language.checking.environment import Checked, Environment, Input
from gpurules.language.syntax import nodes
from gpurules.language.syntax.parser import Parsed, parse, parse_definition
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS, Function

__all__ = [
    "FUNCTIONS",
    "Checked",
    "Environment",
    "Function",
    "Input",
    "Parsed",
    "ir",
    "nodes",
    "parse",
    "parse_definition",
]
