"""Rulesets: from YAML to rules that decide.

::

    bytes -> yaml/        nodes with places, and edits of a file
          -> schema/      what is wrong with the shape of a file, and the fixes for it
          -> files/       one document a file; those that extend each other merged into one
          -> building/    expressions parsed and checked, actions built
          -> loader       Ruleset (of Rule, Signal, Settings), or every problem at its place
    Ruleset -> program    rules made ready to run: Program, and BoundProgram on one snapshot
            -> explanation/   why each rule did or did not match
    condition             a condition on its own

The entry points are ``load`` and ``loads``; ``examine`` reports instead of raising.
"""

from typing import TYPE_CHECKING

from gpurules.lazy_names import lazy_names

if TYPE_CHECKING:
    from gpurules.rules.condition import Condition, ConditionError
    from gpurules.rules.explanation.explanation import DecisionExplanation, RuleExplanation
    from gpurules.rules.files.merge import shipped_names
    from gpurules.rules.loader import Loaded, RulesetError, examine, examine_again, examine_file, load, loads
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
    "examine_again",
    "examine_file",
    "load",
    "loads",
    "shipped_names",
]

_HOMES = {
    "Condition": "condition",
    "ConditionError": "condition",
    "DecisionExplanation": "explanation.explanation",
    "Loaded": "loader",
    "Rule": "rule",
    "RuleExplanation": "explanation.explanation",
    "Ruleset": "ruleset",
    "RulesetError": "loader",
    "Settings": "rule",
    "Signal": "rule",
    "examine": "loader",
    "examine_again": "loader",
    "examine_file": "loader",
    "load": "loader",
    "loads": "loader",
    "shipped_names": "files.merge",
}
__getattr__ = lazy_names(globals(), _HOMES)
