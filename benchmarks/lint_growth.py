"""How the CPU of lint, and of loading, grows with the size of one condition, list or section, up to the limits.

Each input is doubled until it reaches the limit of the language (64 KiB of a condition, 10 MiB of a file) or takes
longer than SECONDS; a doubling should at most triple the time. Prints each row with its ratios and the largest, and
draws the curves into ``build/bench/lint-growth.svg``. Run it with ``python benchmarks/lint_growth.py``, or
all with ``make bench``.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from html import escape
from itertools import pairwise
from pathlib import Path

from picture import CURVES, head

from gpurules.linter import lints
from gpurules.rules import loads

MOST = 3.0
SECONDS = 20.0
TOO_SHORT = 0.1
"""Times below this say more about the start than about growth."""
OUT = Path(__file__).resolve().parents[1] / "build" / "bench"
MAX_CONDITION = 64 * 1024


def rule(condition: str, head: str = "") -> str:
    """Return a ruleset of one rule."""
    return f'version: 1\nname: grown\n{head}rules:\n  - {{name: r, condition: "{condition}", action: pause_transfer}}\n'


def joined(word: str, part: Callable[[int], str]) -> Callable[[int], str]:
    """Return what makes a rule of n parts that *word* joins."""
    return lambda n: rule(f" {word} ".join(part(i) for i in range(n)))


def listed(field: str, member: Callable[[int], str]) -> Callable[[int], str]:
    """Return what makes a rule with a defined list of n members."""
    return lambda n: rule(f"{field} IN ids", f"define:\n  ids: [{', '.join(member(i) for i in range(n))}]\n")


def inputs(n: int) -> str:
    """Return a ruleset with n inputs that nothing uses."""
    head = "".join(f"  i{k}: {{type: number, default: {k}}}\n" for k in range(n))
    return rule("gpu_memory > 5", f"inputs:\n{head}")


SHAPES: Mapping[str, tuple[Callable[[int], str], int, int]] = {
    "OR of bare numbers": (joined("OR", lambda i: f"transfer_size > {1000 + 7 * i}"), 50, 1600),
    "OR of pairs": (joined("OR", lambda i: f"(gpu_memory > {i % 97}.{i} AND gpu_temperature > {i % 80}.{i})"), 50, 800),
    "OR of texts": (joined("OR", lambda i: f"path == '/d/{i}'"), 50, 1600),
    "AND of texts": (joined("AND", lambda i: f"path != '/d/{i}'"), 50, 1600),
    "OR of globs": (joined("OR", lambda i: f"path GLOB '/d/{i}*'"), 50, 1600),
    "OR and AND mixed": (joined("OR", lambda i: f"transfer_size > {1000 + i} AND gpu_memory > {i % 100}"), 50, 1600),
    "OR of counts": (joined("OR", lambda i: f"count(gpu_memory > {i % 97}.{i}) > 1"), 50, 1600),
    "AND of maxima": (joined("AND", lambda i: f"max(gpu_power) > {i + 1}W"), 50, 1600),
    "OR of windows": (joined("OR", lambda i: f"avg_over_time(gpu_power[{i + 1}s]) > {i + 1}W"), 50, 800),
    "OR of misspelled members": (joined("OR", lambda i: "file_type == 'Model'"), 50, 1600),
    "list of numbers": (listed("gpu_xid", str), 2500, 40_000),
    "list of texts": (listed("workload_id", lambda i: f"'w{i}'"), 2500, 40_000),
    "unused inputs (load)": (inputs, 2000, 64_000),
}
"""What grows: how it is made, the size to begin with, and the last."""


def measured(name: str) -> list[tuple[int, float]]:
    """Return sizes with the CPU that each took. Units: seconds."""
    make, size, last = SHAPES[name]
    rows: list[tuple[int, float]] = []
    while size <= last and (not rows or rows[-1][1] < SECONDS):
        text = make(size)
        if "ids:" not in text and len(text) > MAX_CONDITION and "inputs:" not in text:
            break
        began = time.process_time()
        loads(text) if "load" in name else lints(text)
        rows.append((size, time.process_time() - began))
        size *= 2
    return rows


def ratios(rows: list[tuple[int, float]]) -> list[float]:
    """Return what each doubling made of the time, where that was long enough to measure."""
    return [after / before for (_, before), (_, after) in pairwise(rows) if before >= TOO_SHORT]


def picture(curves: Mapping[str, list[tuple[int, float]]]) -> str:
    """Return the curves, both axes logarithmic, with a line for growth in step with the size."""
    left, top, width, height = 60, 40, 520, 320
    sizes = [size for rows in curves.values() for size, _ in rows]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    least, most = -2.0, 2.0

    def at(size: float, seconds: float) -> str:
        x = left + width * (math.log10(size) - low) / (high - low)
        share = (min(max(math.log10(max(seconds, 1e-9)), least), most) - least) / (most - least)
        return f"{x:.1f},{top + height * (1 - share):.1f}"

    title = "CPU of lint by the size of one condition, list or section"
    lines = head(title, (860, top + height + 50), 12, CURVES)
    for decade in range(int(least), int(most) + 1):
        y = at(min(sizes), 10**decade).split(",")[1]
        lines.append(f'<line x1="{left}" y1="{y}" x2="{left + width}" y2="{y}"/>')
        lines.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{10**decade:g} s</text>')
    for power in range(math.ceil(low), math.floor(high) + 1):
        x = at(10**power, 1).split(",")[0]
        lines.append(f'<text x="{x}" y="{top + height + 18}" text-anchor="middle">{10**power:,}</text>')
    lines.append(f'<polyline stroke="#8888" stroke-dasharray="4" points="{at(100, 0.01)} {at(1_000_000 / 10, 10)}"/>')
    for number, (name, rows) in enumerate(curves.items()):
        color = f"hsl({number * 360 // len(curves)} 60% 45%)"
        points = " ".join(at(size, seconds) for size, seconds in rows)
        lines.append(f'<polyline stroke="{color}" points="{points}"/>')
        lines.append(
            f'<text x="{left + width + 16}" y="{top + 18 * number + 10}" style="fill:{color}">{escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Measure every shape, print the rows, and draw the curves."""
    curves: dict[str, list[tuple[int, float]]] = {}
    worst = 0.0
    for name in SHAPES:
        rows = curves[name] = measured(name)
        grown = ratios(rows)
        worst = max([worst, *grown])
        cells = "  ".join(f"{size:,}: {seconds:.2f}" for size, seconds in rows)
        print(f"{name:<24} {cells}   doubling at most x{max(grown, default=0):.1f}", flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "lint-growth.json").write_text(json.dumps(curves, indent=2) + "\n", encoding="utf-8")
    (OUT / "lint-growth.svg").write_text(picture(curves), encoding="utf-8")
    verdict = "as it should" if worst <= MOST else "too much"
    print(f"the largest ratio of a doubling is {worst:.2f}, {verdict} (at most {MOST:g}); {OUT / 'lint-growth.svg'}")


if __name__ == "__main__":
    main()
