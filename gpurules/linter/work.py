"""How much work an analysis may be, and what ends one that nobody waits for; it is known without the analysis."""

from gpurules.errors import GpurulesError

WORK = 500_000
"""How many steps the analysis of one ruleset may take."""


class AbandonedError(GpurulesError):
    """Nobody waits for the findings any more."""


def always() -> bool:
    """Return that the findings are waited for."""
    return True
