"""Where the benchmarks leave what they found, for programs to read: one JSON file each in ``build/bench``."""

import json
import platform
from pathlib import Path

FOLDER = Path("build/bench")


def write(name: str, found: object) -> None:
    """Write what the benchmark *name* found."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = {"python": platform.python_version(), "machine": platform.machine(), "results": found}
    (FOLDER / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
