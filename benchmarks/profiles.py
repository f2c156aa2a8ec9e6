"""Where the time goes: shares of loading 1,000 rules, of taking in snapshots, and of linting 200 rules.

By cProfile, which makes small functions look slightly slower than they are. ``docs/adr`` has the results. Run it
with ``python benchmarks/profiles.py``, or with ``make bench``.
"""

import cProfile
import pstats
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from load import ruleset
from observe import ruleset as observed
from observe import snapshot
from results import write

import gpurules

Parts = Mapping[str, tuple[str, str]]
"""The profiled functions by name: the end of a file's name, and a function in it."""

LOADING: Parts = {
    "YAML, located": ("yaml_reader.py", "read_yaml"),
    "conditions, checked at once": ("environment.py", "at_once"),
    "conditions, parsed and checked": ("environment.py", "condition"),
    "actions and parameters": ("ordering.py", "of_rule"),
    "the shape of the file": ("document.py", "_shape"),
    "the version": ("loader.py", "_version"),
}
OBSERVING: Parts = {
    "signals, moved together": ("together.py", "step"),
    "signals, moved one by one": ("derived.py", "_moved_on"),
    "binding the rules": ("binding.py", "bind"),
    "windows": ("derived.py", "_fill_windows"),
    "history": ("derived.py", "_remember"),
}
LINTING: Parts = {
    "loading": ("loader.py", "examine"),
    "checks": ("linter.py", "_linted"),
    "importing": ("<frozen importlib._bootstrap>", "_find_and_load"),
}


def shares(name: str, profile: pstats.Stats, parts: Parts) -> dict[str, float]:
    """Print and return the share that each of *parts* has, with what it calls. Units: percent."""
    stats = profile.stats  # type: ignore[attr-defined]
    whole = max(times[3] for times in stats.values())
    found = {}
    for part, (file, wanted) in parts.items():
        known = [times[3] for (path, _, called), times in stats.items() if Path(path).name == file and called == wanted]
        found[part] = 100 * max(known, default=0.0) / whole
    found["the rest"] = 100 - sum(found.values())
    print(f"{name}, % of the time")
    for part, share in found.items():
        print(f"  {part:32} {share:5.0f}")
    return found


def profiled(function: Callable[[], object]) -> pstats.Stats:
    """Return the profile of *function*."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return pstats.Stats(profile)


def of_loading() -> dict[str, float]:
    """Return the shares of reading 1,000 rules."""
    text = ruleset(1000)
    gpurules.loads(text)
    return shares("loading 1,000 rules", profiled(lambda: gpurules.loads(text)), LOADING)


def of_observing() -> dict[str, float]:
    """Return the shares of taking in a snapshot."""
    rng, engine = random.Random(1), gpurules.Engine(gpurules.loads(observed()))
    shots = [snapshot(1000.0 + 5 * number, rng) for number in range(200)]
    for shot in shots[:50]:
        engine.observe(shot)
    return shares("taking in a snapshot", profiled(lambda: [engine.observe(shot) for shot in shots[50:]]), OBSERVING)


def of_linting() -> dict[str, float]:
    """Return the shares of a run of the linter, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(ruleset(200), encoding="utf-8")
        command = [sys.executable, "-m", "cProfile", "-o", f"{folder}/profile", "-m", "gpurules", "lint", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return shares("linting 200 rules, a whole process", pstats.Stats(f"{folder}/profile"), LINTING)


def main() -> None:
    """Print the tables."""
    write("profiles", {"load": of_loading(), "observe": of_observing(), "lint": of_linting()})


if __name__ == "__main__":
    main()
