"""Saves the details of an internal error to a file, so that the terminal shows a single line."""

import platform
import tempfile
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version of gpurules; ``0+unknown`` if it is not installed."""
    try:
        return version("gpurules")
    except PackageNotFoundError:
        return "0+unknown"


def record(error: BaseException, arguments: Sequence[str]) -> str:
    """Write the details of an error to a new file and return its name, or why it could not be written."""
    details = "".join(traceback.format_exception(error))
    head = f"gpurules {installed_version()}, Python {platform.python_version()}, {platform.platform()}\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="gpurules-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{head}arguments: {list(arguments)!r}\n\n{details}")
            return file.name
    except OSError:
        return "no file, because none can be written"
