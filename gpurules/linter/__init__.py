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

from typing import TYPE_CHECKING

from gpurules.lazy_names import lazy_names

if TYPE_CHECKING:
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
    from gpurules.linter.linter import FROM_ANALYSIS, FROM_TESTS, Linting, lint, lint_loaded, lints
    from gpurules.linter.work import WORK, AbandonedError, WitnessMemory

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
    "Linting",
    "Policy",
    "Subject",
    "WitnessMemory",
    "baseline_entries",
    "fix",
    "lint",
    "lint_loaded",
    "lints",
    "new_findings",
    "parse_baseline",
    "render_baseline",
    "shrink_baseline",
    "stale_entries",
    "with_fingerprints",
]

_HOMES = {
    "AbandonedError": "work",
    "BaselineEntry": "findings.baseline",
    "BaselineError": "findings.baseline",
    "CHECKS": "checks",
    "Check": "check",
    "FROM_ANALYSIS": "linter",
    "FROM_HISTORY": "history",
    "FROM_TESTS": "linter",
    "Linting": "linter",
    "Policy": "findings.policy",
    "Subject": "check",
    "WORK": "work",
    "WitnessMemory": "work",
    "baseline_entries": "findings.baseline",
    "fix": "findings.fixing",
    "lint": "linter",
    "lint_loaded": "linter",
    "lints": "linter",
    "new_findings": "findings.baseline",
    "parse_baseline": "findings.baseline",
    "render_baseline": "findings.baseline",
    "shrink_baseline": "findings.baseline",
    "stale_entries": "findings.baseline",
    "with_fingerprints": "findings.baseline",
}
__getattr__ = lazy_names(globals(), _HOMES)
