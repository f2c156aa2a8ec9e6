"""What a decision costs in compiled Go and C, beside the same decision written by hand there, and Python's engine.

The four rules of the original design, 8 GPUs, 1,000 transfers; then 10 and 1,000 rules in Go; the state file; and how
long building and compiling takes. Everything in one run, so that the ratios hold on any machine. Run it with
``python benchmarks/compiled.py``; it takes Go and gcc.
"""

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scale import text as large_ruleset

from gpurules import Engine, Ruleset, Snapshot, Transfer, load, loads
from gpurules.backends.c import CBackEnd
from gpurules.backends.go import GoBackEnd
from gpurules.backends.native.cells import Stamp, StateEncoder
from gpurules.model import GPU
from gpurules.rules.native import native_program, native_schema
from gpurules.service.state_file import StateFile
from gpurules.service.state_file.writer import StateWriter

ROUNDS = 9
HAND = Path(__file__).resolve().parent / "by_hand"
HOUR_NS = 3600 * 10**9


def build(ruleset: Ruleset, target: str, folder: Path) -> float:
    """Write a ruleset for *target*; return how long it took, in seconds."""
    began = time.perf_counter()
    back_end = GoBackEnd() if target == "go" else CBackEnd()
    program, refused = native_program(ruleset, back_end.check)
    assert not refused
    files = back_end.files(program, "rules" if target == "go" else "gr", native_schema(ruleset))
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source, encoding="utf-8")
    return time.perf_counter() - began


def run(command: list[str], folder: Path) -> str:
    """Run *command* and return what it writes."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=400).stdout


def figures(text: str) -> dict[str, float]:
    """Return the numbers of lines ``name: number``."""
    return {name: float(value) for name, value in re.findall(r"^(.+): ([0-9.e+-]+)$", text, re.MULTILINE)}


def snapshot() -> Snapshot:
    """Return 8 GPUs, one of which is nearly full."""
    memory = (40, 45, 50, 55, 60, 65, 83, 30)
    return Snapshot(timestamp=1000.0, gpus=tuple(GPU(index=n, memory=m, temperature=70) for n, m in enumerate(memory)))


def python_ns() -> float:
    """Return what ``engine.decide`` costs."""
    engine = Engine(load("gpurules:default"), clock=lambda: 1000.0)
    engine.observe(snapshot(), node={"active_training": True})
    kinds = ("model", "dataset", "log", "config")
    asked = [Transfer(id=f"t{n}", file_type=kinds[n % 4], size=n << 18, created=999.0) for n in range(1000)]
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for transfer in asked:
            engine.decide(transfer)
        found.append((time.perf_counter_ns() - began) / len(asked))
    return statistics.median(found)


def in_go(folder: Path) -> dict[str, float]:
    """Return what the four rules cost in Go."""
    build(load("gpurules:default"), "go", folder)
    (folder / "bench").mkdir()
    (folder / "bench" / "main.go").write_text(
        (HAND / "four_rules.go.txt").read_text(encoding="utf-8"), encoding="utf-8"
    )
    run(["go", "build", "-o", "answer", "./bench"], folder)
    return figures(run(["./answer"], folder))


def in_c(folder: Path) -> dict[str, float]:
    """Return what the four rules cost in C."""
    build(load("gpurules:default"), "c", folder)
    (folder / "main.c").write_text((HAND / "four_rules.c.txt").read_text(encoding="utf-8"), encoding="utf-8")
    run(["gcc", "-std=c11", "-O2", "main.c", "gr.c", "-o", "answer", "-lm"], folder)
    return figures(run(["./answer"], folder))


def many_rules(count: int, folder: Path) -> dict[str, float]:
    """Return what a decision of *count* rules costs in Go, and what building and compiling them takes."""
    seconds = build(loads(large_ruleset(count, "tenants")), "go", folder)
    (folder / "bench").mkdir()
    source = (HAND / "many_rules.go.txt").read_text(encoding="utf-8")
    (folder / "bench" / "main.go").write_text(source, encoding="utf-8")
    began = time.perf_counter()
    run(["go", "build", "-o", "answer", "./bench"], folder)
    return {"build": seconds, "compile": time.perf_counter() - began, **figures(run(["./answer"], folder))}


def publish_us(folder: Path) -> float:
    """Return what it costs to publish a state of 8 GPUs, in microseconds."""
    ruleset = load("gpurules:coordinator")
    engine = Engine(ruleset, clock=lambda: 1000.0)
    engine.observe(snapshot())
    encoder = StateEncoder(native_schema(ruleset), engine.bound.program.layout)
    writer = StateWriter(folder / "state")
    found = []
    for revision in range(500):
        began = time.perf_counter_ns()
        now = time.monotonic_ns()
        stamp = Stamp(writer.next_sequence, revision, now, 1000.0, now + HOUR_NS)
        writer.write(encoder.slot(engine.bound.facts, stamp, {}), ruleset.version, encoder)
        found.append((time.perf_counter_ns() - began) / 1000)
    assert StateFile(folder / "state").read().revision == 499
    return statistics.median(found)


def state_read_ns(folder: Path) -> dict[str, float]:
    """Return what reading costs in C: a state that is known, and one that is copied and bound."""
    publish_us(folder)
    build(load("gpurules:coordinator"), "c", folder)
    (folder / "main.c").write_text((HAND / "reading.c.txt").read_text(encoding="utf-8"), encoding="utf-8")
    run(["gcc", "-std=c11", "-O2", "main.c", "-o", "answer", "-lm"], folder)
    return figures(run(["./answer", "state"], folder))


def within(function: Callable[[Path], object]) -> object:
    """Call *function* with a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return function(Path(folder))


def main() -> None:
    """Print the figures."""
    python = python_ns()
    for name, found in (("Go", within(in_go)), ("C", within(in_c))):
        assert isinstance(found, dict)
        ours, hand = found["generated"], found["by hand"]
        print(f"{name}: {ours:.1f} ns a decision, by hand {hand:.1f} ns ({ours / hand:.2f} x); ", end="")
        print(f"Python {python:.0f} ns ({python / ours:.0f} x); allocations {found.get('allocations', 0):.0f}")
    ten, thousand = within(lambda f: many_rules(10, f)), within(lambda f: many_rules(1000, f))
    assert isinstance(ten, dict) and isinstance(thousand, dict)
    print(f"Go, 10 rules {ten['decide']:.0f} ns, 1,000 rules {thousand['decide']:.0f} ns", end="")
    print(f" ({thousand['decide'] / ten['decide']:.1f} x), {thousand['matching']:.2f} of them match")
    print(f"1,000 rules: build {thousand['build']:.2f} s, compile {thousand['compile']:.1f} s")
    read = within(state_read_ns)
    assert isinstance(read, dict)
    print(f"state file: publish {within(publish_us):.0f} µs; ", end="")
    print(f"read what is known {read['known']:.0f} ns, copy and bind what is new {read['new']:.0f} ns")


if __name__ == "__main__":
    main()
