"""How long ``gpurules lint`` takes as a whole process, on rulesets of 200 and 1,000 rules that look like real ones.

Times are of the processor (user and system), since other processes share the machine; on a free one they are what one
waits. Beside them stand bare Python, loading the same ruleset in a new process, and the goals. Run it with
``python benchmarks/lint.py``, or all with ``make bench``.
"""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from analysis import orders
from load import compiled, medians, process
from results import write

GOALS = {1: None, 200: 300, 1000: 1000}
"""Milliseconds for the whole process, by the number of rules."""


def laid_out(rules: int) -> str:
    """Return a ruleset in block style, with a description for each rule, as people write them."""
    head = "version: 1\nname: large\nfields:\n  tenant: {type: string, scope: transfer}\nrules:\n"
    return head + "".join(
        f"  - name: rule_{number}\n    description: What it is for, in a line.\n    condition: {order.condition}\n"
        f"    action: {order.action}\n    parameters: {{{order.parameters}}}\n    priority: {number % 100}\n"
        for number, order in enumerate(orders("real", rules))
    )


def ways(paths: dict[int, str]) -> Iterator[tuple[str, Callable[[], float]]]:
    """Yield what is measured: bare Python, and for each ruleset three programs that read it."""
    yield "bare Python", lambda: process("-c", "pass")
    for rules, path in paths.items():
        yield f"load {rules}", partial(process, "-c", f"import gpurules; gpurules.load({path!r})")
        yield f"lint {rules}", partial(process, "-m", "gpurules", "lint", "--isolated", path)
        yield f"fmt {rules}", partial(process, "-m", "gpurules", "fmt", "--isolated", "--check", path)


def main() -> None:
    """Print the table."""
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        paths = {rules: str(Path(folder) / f"{rules}.rules.yaml") for rules in GOALS}
        for rules, path in paths.items():
            Path(path).write_text(laid_out(rules), encoding="utf-8")
        found = medians(dict(ways(paths)))
    print("rules   lint ms   goal   x bare Python   x loading   fmt --check ms")
    for rules, goal in GOALS.items():
        lint, load = found[f"lint {rules}"], found[f"load {rules}"]
        ratios = f"{lint / found['bare Python']:15.1f} {lint / load:11.2f}"
        print(f"{rules:5,} {lint:9.0f} {goal or '':>6} {ratios} {found[f'fmt {rules}']:16.0f}")
    write("lint", found)


if __name__ == "__main__":
    main()
