"""The back end that writes C: one header and one source file without dependencies that decide as gpurules does."""

from gpurules.backends.c.source import CBackEnd

__all__ = ["CBackEnd"]
