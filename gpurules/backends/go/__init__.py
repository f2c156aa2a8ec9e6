"""The Go back end: generates a package without dependencies that makes the same decisions as gpurules.

::

    ruleset --> native/program --> types, tables, readers, deciding --> source --> rules.go, and the runtime
                                   in the syntax of spelling and statements

The entry point is ``GoBackEnd``; ``driver`` and ``snapshots`` are the program with which tests run the result.
"""

from gpurules.backends.go.source import GoBackEnd

__all__ = ["GoBackEnd"]
