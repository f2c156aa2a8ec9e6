"""The Go back end: generates a package without dependencies that decides as gpurules does."""

from gpurules.backends.go.source import GoBackEnd

__all__ = ["GoBackEnd"]
