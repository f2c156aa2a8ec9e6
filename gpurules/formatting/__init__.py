"""The canonical layout of a ruleset file: its YAML and its conditions, with comments and meaning kept.

::

    text -> tokens        YAML tokens with places
         -> layout        indentation and white space between tokens
         -> conditions    each condition in canonical spelling, over several lines if it is long
         -> formatter     reads the result back and compares: it must have the same meaning as the original

The entry point is ``format_text``.
"""

from gpurules.formatting.formatter import FormatError, format_text

__all__ = ["FormatError", "format_text"]
