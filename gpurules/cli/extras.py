"""Checks that the optional packages of the history commands are installed."""

from importlib.util import find_spec

from gpurules.errors import UnavailableError

_NEEDED = ("numpy", "pyarrow")


def need_history(*more: str) -> None:
    """Make sure that the libraries of the extra ``history``, and those of *more*, are installed.

    Raises:
        UnavailableError: one is not installed.
    """
    for module in (*_NEEDED, *more):
        if find_spec(module) is None:
            raise UnavailableError(f"this requires {module}, which is not installed; pip install 'gpurules[history]'")
