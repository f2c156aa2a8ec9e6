"""The JSON Schema of ruleset files: made from the registries, compiled to a quick test, and fixes for violations."""

from gpurules.rules.schema.schema import DRAFT, Schema, ruleset_schema, structure

__all__ = [
    "DRAFT",
    "Schema",
    "ruleset_schema",
    "structure",
]
