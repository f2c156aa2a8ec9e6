"""What a change of a ruleset changes: rule by rule, proved, each difference with a witness."""

from gpurules.diff.change import Difference, Kind, RuleChange
from gpurules.diff.comparing import compared

__all__ = ["Difference", "Kind", "RuleChange", "compared"]
