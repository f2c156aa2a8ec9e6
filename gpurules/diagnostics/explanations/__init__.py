"""What each diagnostic code means: what to avoid, what to prefer, and why. The reference pages are made from this."""

from collections.abc import Mapping
from types import MappingProxyType

from gpurules.diagnostics.explanations import conditions, files, meaning, names, practice
from gpurules.diagnostics.explanations.explanation import Explanation, Form

EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {e.code: e for part in (conditions, names, meaning, files, practice) for e in part.EXPLANATIONS}
)
"""The explanation of every code of the catalogue."""

__all__ = ["EXPLANATIONS", "Explanation", "Form"]
