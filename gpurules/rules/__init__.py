"""Rulesets: from YAML to rules that can be asked."""

from gpurules.rules.condition import Condition, ConditionError
from gpurules.rules.explanation import DecisionExplanation, RuleExplanation
from gpurules.rules.loader import RulesetError, lint, lints, load, loads
from gpurules.rules.merge import shipped_names
from gpurules.rules.rule import Rule, Settings, Signal
from gpurules.rules.ruleset import Ruleset

__all__ = [
    "Condition",
    "ConditionError",
    "DecisionExplanation",
    "Rule",
    "RuleExplanation",
    "Ruleset",
    "RulesetError",
    "Settings",
    "Signal",
    "lint",
    "lints",
    "load",
    "loads",
    "shipped_names",
]
