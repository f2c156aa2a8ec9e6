"""The C back end: generates a header and a source file, without dependencies, with the same decisions as gpurules."""

from gpurules.backends.c.source import CBackEnd

__all__ = ["CBackEnd"]
