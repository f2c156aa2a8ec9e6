"""The C back end: generates a header and a source file, without dependencies, with the same decisions as gpurules.

::

    ruleset --> native/program --> types, tables, readers, deciding --> source --> gr.h, gr.c
                                   in the syntax of spelling and statements

The entry point is ``CBackEnd``; ``driver`` is the program with which tests run the result.
"""

from gpurules.backends.c.source import CBackEnd

__all__ = ["CBackEnd"]
