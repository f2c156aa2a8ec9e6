"""Rulesets: from YAML to rules that can be asked."""

from gpurules.rules.condition import Condition, ConditionError
from gpurules.rules.explanation import DecisionExplanation, RuleExplanation
from gpurules.rules.loader import Loaded, RulesetError, examine, examine_file, load, loads
from gpurules.rules.merge import shipped_names
from gpurules.rules.rule import Rule, Settings, Signal
from gpurules.rules.ruleset import Ruleset

__all__ = [
    "Condition",
    "ConditionError",
    "DecisionExplanation",
    "Loaded",
    "Rule",
    "RuleExplanation",
    "Ruleset",
    "RulesetError",
    "Settings",
    "Signal",
    "examine",
    "examine_file",
    "load",
    "loads",
    "shipped_names",
]
