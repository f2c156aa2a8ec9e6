"""Checked trees to artefacts: functions that run, and explanations."""

from gpurules.backends.backend import BackEnd, Result
from gpurules.backends.explain import ExplainBackEnd, Explanation, explain, value_of
from gpurules.backends.facts import Facts, Layout, Situation, slot_key
from gpurules.backends.python import PythonBackEnd, RuleTerm

__all__ = [
    "BackEnd",
    "ExplainBackEnd",
    "Explanation",
    "Facts",
    "Layout",
    "PythonBackEnd",
    "Result",
    "RuleTerm",
    "Situation",
    "explain",
    "slot_key",
    "value_of",
]
