"""Conditions as data: text to syntax tree to checked tree.

::

    text -> parser (tables: LALR(1), builder) -> nodes       the syntax tree, with spans
         -> checker (environment, calls, arithmetic) -> ir   typed terms in canonical units
         -> lowering                                         constants folded, negations pushed down
    text -> fast_path                                        a plain AND of comparisons, without a tree
    nodes -> printer                                         the canonical spelling
    syntax_errors, hints, foreign_names                      messages and suggestions

The entry points are ``parse`` and ``Environment``.
"""

from gpurules.language import ir, nodes
from gpurules.language.environment import Checked, Environment, Input
from gpurules.language.functions import FUNCTIONS, Function
from gpurules.language.parser import Parsed, parse, parse_definition

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
