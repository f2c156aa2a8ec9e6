"""What a change of a ruleset changes: rule by rule, proved, each difference with a witness."""

from gpurules.diff.change import ChangeKind, Difference, RuleChange
from gpurules.diff.comparing import compare

__all__ = ["ChangeKind", "Difference", "RuleChange", "compare"]
