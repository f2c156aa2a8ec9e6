"""How long it takes to import gpurules, and to load, check and compile a large ruleset.

Prints times, and ratios to what the same machine needs for PyYAML's C composer on the same file and for bare Python,
measured in turns. Run it with ``make bench``.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import yaml

import gpurules
from gpurules.backends.binding import Binding
from gpurules.backends.python import mask_functions


def ruleset(rules: int) -> str:
    """Return the text of a ruleset of *rules* different rules."""
    entries = [
        f"  - name: rule_{n}\n    description: rule number {n}\n"
        f"    condition: gpu_memory > {50 + n % 50} AND file_type == 'model' AND transfer_size > {n + 1}MB\n"
        f"    action: increase_priority\n    parameters: {{priority_boost: {1 + n % 50}}}\n    priority: {n % 100}\n"
        for n in range(rules)
    ]
    return "version: 1\nname: large\nrules:\n" + "".join(entries)


def milliseconds(function: Callable[[], object]) -> float:
    """Return how long *function* takes."""
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def compiled(loaded: gpurules.Ruleset) -> None:
    """Compile all functions of a ruleset anew."""
    terms = loaded.program.terms
    Binding(terms)
    mask_functions(terms, None)


def process(code: str) -> float:
    """Return how long a new Python takes to run *code*."""
    return milliseconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def main() -> None:
    """Print the table."""
    text = ruleset(1000)
    gpurules.loads(ruleset(10))
    loaded = gpurules.loads(text)
    ways: dict[str, Callable[[], float]] = {
        "PyYAML C compose": lambda: milliseconds(lambda: yaml.compose(text, Loader=yaml.CSafeLoader)),
        "load and check": lambda: milliseconds(lambda: gpurules.loads(text)),
        "compile": lambda: milliseconds(lambda: compiled(loaded)),
        "bare Python": lambda: process("pass"),
        "import gpurules": lambda: process("import gpurules"),
        "import and load one rule": lambda: process(f"import gpurules; gpurules.loads({ruleset(1)!r})"),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(9):
        for name, way in ways.items():
            found[name].append(way())
    medians = {name: statistics.median(times) for name, times in found.items()}
    print("1,000 rules               ms   x compose")
    for name in ("PyYAML C compose", "load and check", "compile"):
        print(f"  {name:20} {medians[name]:6.0f} {medians[name] / medians['PyYAML C compose']:10.2f}")
    print("a new process             ms   more than bare Python")
    for name in ("bare Python", "import gpurules", "import and load one rule"):
        print(f"  {name:24} {medians[name]:6.0f} {medians[name] - medians['bare Python']:10.0f}")


if __name__ == "__main__":
    main()
