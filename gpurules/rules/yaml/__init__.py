"""YAML with places: a file as a tree of nodes that know where they are, and edits of it in its own style.

``positions`` <- ``nodes`` <- ``reader`` (the door to PyYAML; ``read_yaml`` is the entry point) <- ``edits``.
"""

from gpurules.rules.yaml.edits import entry_like, is_flow, reorder_keys, with_entry, without_item
from gpurules.rules.yaml.nodes import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    plain_value,
    problem_at,
    with_correction,
    with_part_correction,
    with_rewrite,
)
from gpurules.rules.yaml.reader import MAX_BYTES, YamlDocument, read_yaml

__all__ = [
    "MAX_BYTES",
    "YamlDocument",
    "YamlMapping",
    "YamlNode",
    "YamlScalar",
    "YamlSequence",
    "entry_like",
    "is_flow",
    "plain_value",
    "problem_at",
    "read_yaml",
    "reorder_keys",
    "with_correction",
    "with_entry",
    "with_part_correction",
    "with_rewrite",
    "without_item",
]
