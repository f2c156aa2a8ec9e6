"""Questions about one ruleset: what is wrong with it, and what is odd.

::

    text -> rules.load -> Subject (check)         the ruleset, its expressions, recordings, and what is derived once
      conditions/   parts of a condition as they are written: comparisons, junctions, limits, usual scales
      rewriting/    simpler spellings, and proofs that they are equivalent
      meaning/      Analysis: what conditions can be, shadows, conflicts, bands, hysteresis (stands on ``proofs``)
      history       what rules did over recordings
    Subject -> checks/*.run -> Diagnostic         one file a check; reports/ has what several share
    Diagnostic -> findings/                       policy, suppressions, baseline, fingerprints, fixes
    linter                                        runs all of that

The entry points are ``lint`` for files and ``lints`` for texts.
"""

from gpurules.linter.check import Check, Subject
from gpurules.linter.checks import CHECKS
from gpurules.linter.findings.baseline import (
    BaselineEntry,
    BaselineError,
    baseline_entries,
    new_findings,
    parse_baseline,
    render_baseline,
    shrink_baseline,
    stale_entries,
    with_fingerprints,
)
from gpurules.linter.findings.fixing import fix
from gpurules.linter.findings.policy import Policy
from gpurules.linter.history import FROM_HISTORY
from gpurules.linter.linter import FROM_ANALYSIS, FROM_TESTS, lint, lints
from gpurules.linter.meaning.analysis import WORK, AbandonedError

__all__ = [
    "CHECKS",
    "FROM_ANALYSIS",
    "FROM_HISTORY",
    "FROM_TESTS",
    "WORK",
    "AbandonedError",
    "BaselineEntry",
    "BaselineError",
    "Check",
    "Policy",
    "Subject",
    "baseline_entries",
    "fix",
    "lint",
    "lints",
    "new_findings",
    "parse_baseline",
    "render_baseline",
    "shrink_baseline",
    "stale_entries",
    "with_fingerprints",
]
