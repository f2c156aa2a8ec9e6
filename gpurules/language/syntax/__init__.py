"""Text to syntax tree: what was written, with the span of each part.

::

    text -> parser (tables: LALR(1), builder) -> nodes    the syntax tree
         -> syntax_errors (foreign_names)                 or the error, with its place and what to write
    depth                                                 how deep a tree may be, found before it is built
"""
