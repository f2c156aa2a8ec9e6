"""How long it takes to import gpurules, to lint 200 rules, to load, check and compile 1,000, and to reload 10,000.

Times are of the processor (user and system), since other processes share the machine; ratios are to PyYAML's C composer
on the same file and to bare Python, measured in turns. New processes start from compiled modules, as an installed
package does. Run it with ``python benchmarks/load.py``, or with ``make bench``.
"""

import compileall
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml
from results import write

import gpurules
from gpurules.backends.python import _code

ROUNDS = 7
SNAPSHOT = gpurules.Snapshot(
    timestamp=0.0, gpus=tuple(gpurules.GPU(index=n, memory_used=70 + 3 * n, memory_total=100) for n in range(8))
)
TRANSFER = gpurules.Transfer(size=20 * 1024**2, file_type="model")


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
    gc.collect()
    start = time.process_time()
    function()
    return (time.process_time() - start) * 1000


def after_loading(text: str, function: Callable[[gpurules.Ruleset], object]) -> float:
    """Return how long *function* takes on a ruleset that was just loaded, with no compiled code kept of others."""
    loaded = gpurules.loads(text)
    _code.cache_clear()
    return milliseconds(lambda: function(loaded))


def engine_that_decides(loaded: gpurules.Ruleset) -> gpurules.Decision:
    """Return the first decision of a new engine."""
    engine = gpurules.Engine(loaded, clock=lambda: 0.0)
    engine.observe(SNAPSHOT)
    return engine.decide(TRANSFER)


def evaluated(loaded: gpurules.Ruleset) -> gpurules.Decision:
    """Return the first decision on a snapshot without an engine."""
    return loaded.evaluate(replace(SNAPSHOT), TRANSFER)


def in_total(text: str) -> gpurules.Decision:
    """Return the first decision of an engine of a text."""
    _code.cache_clear()
    return engine_that_decides(gpurules.loads(text))


def compiled() -> None:
    """Have every module compiled, as those of an installed package are, before processes are timed."""
    compileall.compile_dir(str(Path(gpurules.__file__).parent), quiet=2)


def process(*arguments: str, check: bool = True) -> float:
    """Return how long a new Python takes to run, in milliseconds of the processor; *check* wants it to end with 0."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def medians(ways: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Return the median of each of *ways*, which take turns."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(way())
    return {name: statistics.median(times) for name, times in found.items()}


def of_files() -> dict[str, float]:
    """Measure reading 1,000 rules."""
    text = ruleset(1000)
    parsed = text.replace("file_type == 'model'", "(file_type == 'model' OR transfer_priority > 5)")
    gpurules.loads(ruleset(10))
    assert parsed != text
    assert in_total(text).rules == evaluated(gpurules.loads(text)).rules != ()
    found = medians(
        {
            "PyYAML C compose": lambda: milliseconds(lambda: yaml.compose(text, Loader=yaml.CSafeLoader)),
            "load and check": lambda: milliseconds(lambda: gpurules.loads(text)),
            "an engine, and its first decision": lambda: after_loading(text, engine_that_decides),
            "the first evaluation": lambda: after_loading(text, evaluated),
            "in total, from text to decision": lambda: milliseconds(lambda: in_total(text)),
            "load and check, with an OR in each": lambda: milliseconds(lambda: gpurules.loads(parsed)),
            "in total, with an OR in each": lambda: milliseconds(lambda: in_total(parsed)),
        }
    )
    print("1,000 rules                              ms   x compose")
    for name, value in found.items():
        print(f"  {name:35} {value:6.0f} {value / found['PyYAML C compose']:10.2f}")
    return found


def of_processes() -> dict[str, float]:
    """Measure what starts a process."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {count: str(Path(folder) / f"{count}.yaml") for count in (1, 200)}
        for count, path in paths.items():
            Path(path).write_text(ruleset(count), encoding="utf-8")
        found = medians(
            {
                "bare Python": lambda: process("-c", "pass"),
                "import gpurules": lambda: process("-c", "import gpurules"),
                "import and load one rule": lambda: process("-c", f"import gpurules; gpurules.load({paths[1]!r})"),
                "gpurules lint, 1 rule": lambda: process("-m", "gpurules", "lint", paths[1]),
                "gpurules lint, 200 rules": lambda: process("-m", "gpurules", "lint", paths[200]),
            }
        )
    print("a new process             ms   more than bare Python")
    for name, value in found.items():
        print(f"  {name:24} {value:6.0f} {value - found['bare Python']:10.0f}")
    return found


def reloaded(before: str, after: str) -> dict[str, float]:
    """Return how long an engine takes that gets the rules *before*, and then those *after*; and what is compiled.

    A reload reads the new text with the present ruleset at hand, as the reloader does, and puts it in force. Beside
    that stands a ruleset that was loaded without the present one: its rules are equal, but are not the same objects.
    """
    first, alone = gpurules.loads(before), gpurules.loads(after)
    _code.cache_clear()
    engines: list[gpurules.Engine] = []
    found = {"first engine, ms": milliseconds(lambda: engines.append(gpurules.Engine(first)))}
    compiled = _code.cache_info().misses
    fresh: list[gpurules.Ruleset] = []
    found["one rule changed: its text, ms"] = milliseconds(lambda: fresh.append(gpurules.loads(after, previous=first)))
    found["one rule changed: its engine, ms"] = milliseconds(lambda: engines[0].replace(fresh[0]))
    found["functions compiled at first"] = compiled
    found["functions compiled again"] = _code.cache_info().misses - compiled
    other = gpurules.Engine(first)
    found["one rule changed: engine of a ruleset loaded alone, ms"] = milliseconds(lambda: other.replace(alone))
    return found


def of_a_reload() -> dict[str, float]:
    """Measure engines that get 10,000 rules, one of them changed: rules that are looked up, and rules that are run."""
    looked_up = ruleset(10_000)
    run = looked_up.replace("gpu_memory > ", "gpu_memory + 0 * gpu_memory > ")
    found: dict[str, float] = {}
    print("10,000 rules, one of which changes")
    found["events of PyYAML, ms"] = milliseconds(lambda: events(looked_up))
    found["load and check, ms"] = milliseconds(lambda: gpurules.loads(looked_up))
    for kind, before in (("looked up", looked_up), ("run", run)):
        after = before.replace("transfer_size > 5001MB", "transfer_size > 5001MB OR transfer_size < 1MB")
        assert after != before
        found.update({f"{kind}: {name}": value for name, value in reloaded(before, after).items()})
    for name, value in found.items():
        print(f"  {name:65} {value:6.0f}")
    return found


def events(text: str) -> None:
    """Have PyYAML's C parser read *text*: nothing that reads all of a file is quicker."""
    loader = yaml.CSafeLoader(text)
    while loader.get_event() is not None:
        pass
    loader.dispose()


def main() -> None:
    """Print the tables."""
    compiled()
    write("load", {**of_files(), **of_processes(), **of_a_reload()})


if __name__ == "__main__":
    main()
