"""Conditions as data: text to syntax tree to checked tree."""

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
