"""The work budget of an analysis, and its cancellation when no client waits; independent of the analysis."""

from gpurules.errors import GpurulesError

WORK = 500_000
"""How many steps the analysis of one ruleset may take."""


class AbandonedError(GpurulesError):
    """No client waits for the findings any more."""


def always() -> bool:
    """Return that the findings are waited for."""
    return True
