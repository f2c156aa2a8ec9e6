"""Checked trees to artefacts: functions that run, and explanations."""

from gpurules.backends.explain import ExplainBackEnd, Explanation, Result, explain, value_of
from gpurules.backends.facts import Facts, Layout, Situation, slot_key
from gpurules.backends.python import PythonBackEnd, RuleTerm

__all__ = [
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
