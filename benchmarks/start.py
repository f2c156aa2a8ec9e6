"""How much CPU time each command takes on small input, to its first output and in all: the least of several runs.

The first run of each compiles the modules, as an installation does.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

RULES = """version: 1
name: training-node
signals:
  memory_pressure: {condition: gpu_memory > 85, until: gpu_memory < 75, for: 30s}
rules:
  - {name: hold, condition: memory_pressure AND transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 30s}}
  - {name: hot, condition: gpu_temperature > 85, action: delay_transfer, parameters: {delay: 20s}}
"""
CASES = """kind: gpurules/test
rulesets: [a.rules.yaml]
cases:
  - name: hot
    given: {snapshot: {gpus: [{index: 0, temperature: 90}]}}
    expect: [{rule: hot, outcome: match}]
"""
FACTS = '{"gpus": [{"index": 0, "memory": 90}]}'
COMMANDS = (
    "--help", "version", "lint a.rules.yaml", "fmt --check a.rules.yaml", "diff a.rules.yaml b.rules.yaml",
    "test a.test.yaml", "testgen a.rules.yaml", "config", "schema", "fields", "actions", "rule GPR104", "rulesets",
    "sources", "eval gpu_memory>80 --snapshot f.json", "explain a.rules.yaml --snapshot f.json",
    "run a.rules.yaml --once --source synthetic", "watch a.rules.yaml --once --source synthetic",
    "record --source synthetic --count 1 --output r.jsonl", "snapshot --source synthetic", "doctor", "init new",
)  # fmt: skip
GOALS = {"--help": 60, "fields": 80, "version": 80} | dict.fromkeys(("lint", "fmt", "eval"), 180)
GOALS |= dict.fromkeys(("explain", "diff", "test", "schema"), 220)
"""CPU milliseconds to the first output."""
RUNS = 6
TICK = 1000 / os.sysconf("SC_CLK_TCK")


def measured(command: str, folder: str) -> tuple[float, float]:
    """Return the CPU milliseconds of a command: to its first output (in steps of the kernel's clock), and in all."""
    started = os.times()
    arguments = [sys.executable, "-m", "gpurules", *command.split()]
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    process.stdout.read(1)
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    process.stdout.read()
    process.wait()
    ended = os.times()
    whole = ended.children_user + ended.children_system - started.children_user - started.children_system
    return (int(fields[11]) + int(fields[12])) * TICK, whole * 1000


def main() -> None:
    """Print a row for each command."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as compiled:
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        files = {"a.rules.yaml": RULES, "b.rules.yaml": RULES.replace("> 85,", "> 80,"), "a.test.yaml": CASES}
        for name, text in (files | {"f.json": FACTS}).items():
            Path(folder, name).write_text(text)
        print("| command | ms to the first output | goal | ms in all |\n| --- | --- | --- | --- |")
        for command in COMMANDS:
            runs = [measured(command, folder) for _ in range(RUNS)][1:]
            first, whole = (min(run[n] for run in runs) for n in (0, 1))
            name = command.split()[0]
            print(f"| `{name}` | {first:.0f} | {GOALS.get(name, '')} | {whole:.0f} |", flush=True)


if __name__ == "__main__":
    main()
