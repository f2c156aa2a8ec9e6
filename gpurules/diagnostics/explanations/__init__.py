"""What each diagnostic code means: what to avoid, what to prefer, and why. The reference pages are made from this."""

from collections.abc import Mapping
from types import MappingProxyType

from gpurules.diagnostics.explanations import conditions, files, names, practice
from gpurules.diagnostics.explanations.explanation import Explanation, Form

EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {e.code: e for e in (*conditions.EXPLANATIONS, *names.EXPLANATIONS, *files.EXPLANATIONS, *practice.EXPLANATIONS)}
)
"""The explanation of every code of the catalogue."""

__all__ = ["EXPLANATIONS", "Explanation", "Form"]
