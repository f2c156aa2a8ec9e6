"""Time and memory of long histories: ``python benchmarks/history_growth.py memory 5 10 20``, ``… rules`` or ``… tune``.

One node is simulated for 72 days at 5 s, which is 10 million GPU samples; more nodes are hard links to its files. Each
figure is that of a process of its own with its children: wall time, processor time, and the peak of resident memory,
of all of them together, looked at ten times a second.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage

PAGE = os.sysconf("SC_PAGE_SIZE")
TUNED = """version: 1
name: tuned
inputs:
  heat_limit: {type: number, unit: C, default: 85C}
  heat_gap: {type: number, unit: C, default: 3C}
signals:
  heat: {condition: gpu_temperature > heat_limit, until: gpu_temperature < heat_limit - heat_gap, keep_for: 30s}
rules:
  - {name: slow, condition: heat, action: delay_transfer, parameters: {delay: 30s}}
"""
GOALS = ("--goal", "heat.on_share <= 2%", "--keep", "missed(gpu_throttled) == 0")


def simulated_nodes(place: Path, nodes: int) -> Path:
    """Return a store of *nodes* nodes, all with the same telemetry."""
    source, target = place / "1", place / str(nodes)
    if not source.exists():
        list(write_month(Storage(source), Month(nodes=1, days=72, interval=5.0)))
    for file in source.rglob("node=node-1/*") if not target.exists() else ():
        for number in range(1, nodes + 1):
            link = target / file.relative_to(source).parent.with_name(f"node=node-{number}") / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(file)
    return target


def many_rules(place: Path, kind: str) -> Path:
    """Return a file of 1,000 rules that rarely match (``few`` episodes), or whose limits are amid the noise."""
    rules = []
    for n in range(1000):
        condition = f"gpu_memory > {90 + n % 100 / 10} AND gpu_temperature > {80 + n // 100}"
        if kind == "many":
            condition = f"gpu_memory > {30 + n % 50} AND gpu_temperature > {45 + n // 50}"
            condition = f"gpu_utilization > {10 + n % 80} AND gpu_power > {100 + n // 10}W" if n % 2 else condition
        rules.append({"name": f"r{n}", "condition": condition, "action": "pause_transfer"})
    path = place / f"{kind}.rules.yaml"
    path.write_text(json.dumps({"version": 1, "name": kind, "rules": rules}))
    return path


def family(root: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    stack = [root]
    while stack:
        yield (one := stack.pop())
        stack += children.get(one, [])


def resident(process: int) -> int:
    """Return the bytes of resident memory of a process; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def measure(what: str, *arguments: object) -> None:
    """Run ``gpurules`` with *arguments*, and write one line of the table."""
    before, began, peak = os.times(), time.perf_counter(), 0
    command = [sys.executable, "-m", "gpurules", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(resident, family(process.pid))))
            time.sleep(0.1)
    after, wall = os.times(), time.perf_counter() - began
    used = after.children_user + after.children_system - before.children_user - before.children_system
    sys.stdout.write(f"{what:46} {wall:7.1f} s wall  {used:7.1f} s processor  {peak / 2**20:6.0f} MiB\n")
    sys.stdout.flush()


def main(kind: str, numbers: list[int]) -> None:
    """Print the tables of one *kind*: ``memory`` by nodes, ``rules``, or ``tune`` by candidates."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        one = simulated_nodes(place, 1)
        if kind == "memory":
            for nodes in numbers or [1, 5, 10, 20]:
                store = simulated_nodes(place, nodes)
                measure(f"coordinator, {10 * nodes} M samples", "backtest", "gpurules:coordinator", "--history", store)
        elif kind == "rules":
            for few in ("few", "many"):
                measure(
                    f"1,000 rules of {few} episodes, 10 M samples", "backtest", many_rules(place, few), "--history", one
                )
        else:
            rules = place / "tuned.rules.yaml"
            rules.write_text(TUNED)
            for count in numbers or [200, 600]:
                asked = ("tune", rules, "--history", one, *GOALS, "--candidates", count)
                measure(f"tune, 3 inputs, {count} candidates, 10 M samples", *asked)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory", [int(number) for number in sys.argv[2:]])
