"""The C back end: generates one header and one source file without dependencies that decide as gpurules does."""

from gpurules.backends.c.source import CBackEnd

__all__ = ["CBackEnd"]
