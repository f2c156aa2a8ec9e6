"""Merged nodes to rules: parses and checks expressions, builds actions, and keeps what no error touches.

``expression``, ``messages``, ``zones`` <- ``action_building`` <- ``ruleset_builder`` (the entry point), ``soundness``.
"""

from gpurules.rules.building.expression import Placed
from gpurules.rules.building.ruleset_builder import declared_fields

__all__ = [
    "Placed",
    "declared_fields",
]
