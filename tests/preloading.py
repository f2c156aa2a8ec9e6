"""Libraries in C that are preloaded into processes, so that faults hit them at system calls."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest


@cache
def preloaded(source: Path) -> Path:
    """Return the library that *source* is compiled to; tests that need it are skipped where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs gcc on Linux")
    library = Path(tempfile.mkdtemp(prefix="gpurules-preloaded-")) / f"{source.stem}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl", "-lpthread"]
    subprocess.run(command, check=True, timeout=60)
    return library
