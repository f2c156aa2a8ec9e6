"""What a change of a ruleset changes: rule by rule, proved, each difference with a witness.

::

    two rulesets -> signals       signals of both, renamed where they differ
                 -> comparing     the prover on each pair of rules; -> RuleChange (change), with a witness
                 -> notes         what changed beside the conditions, in words
    recording    -> history       decisions that the change would have altered

The entry points are ``compare`` and ``history.compare_over``.
"""

from gpurules.diff.change import ChangeKind, Difference, RuleChange
from gpurules.diff.comparing import compare

__all__ = ["ChangeKind", "Difference", "RuleChange", "compare"]
