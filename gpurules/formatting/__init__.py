"""The canonical layout of a ruleset file: its YAML and its conditions, with comments and meaning kept."""

from gpurules.formatting.formatter import FormatError, format_text

__all__ = ["FormatError", "format_text"]
