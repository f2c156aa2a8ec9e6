"""The Go back end: generates a package without dependencies that makes the same decisions as gpurules."""

from gpurules.backends.go.source import GoBackEnd

__all__ = ["GoBackEnd"]
